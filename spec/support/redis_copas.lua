--- A program that asks a Redis in threads of a real copas, while another thread counts. Arguments: the Redis, the
-- threads, and the commands of each. Prints how many answers were right, and whether the other thread went on.
local copas = require "copas"
local redis_many = require "spec.support.redis_many"
local timekit = require "timekit"

local address, threads, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
local tk = timekit.new { runtime = "copas", app_key = "test_key", base_url = "http://127.0.0.1:1/v2" }
local ask = redis_many.new(tk, address)
local right, left, ticks = 0, threads, 0

for thread = 1, threads do
  copas.addthread(function()
    local own = ask(thread, count)
    right = right + own
    left = left - 1
  end)
end
copas.addthread(function()
  while left > 0 do
    ticks = ticks + 1
    require("timekit.runtime.copas").sleep(0.001, { closed = false, on_close = function() end })
  end
end)
while left > 0 do copas.step(20) end
print(right, ticks > 3 and "others went on" or "others waited")
tk:close()
