--- A program whose Redis has a name that cannot be looked up, since spec/c/slow_dns.c is preloaded: it reads a booking
-- in a call, prints how many frames that took and what came, and closes the client. Arguments: Timekit's URL and the
-- booking.
local timekit = require "timekit"

local tk = timekit.new {
  app_key = "test_api_key_1", base_url = arg[1], timeout = 20,
  rate = { redis = "rediss://redis.example", per_second = 9, burst = 10 },
}
local call = tk:start(function() return tk:booking(arg[2]):get() end)
local frames = 0
while not call:done() do
  tk:update()
  frames = frames + 1
end
local booking, err = call:result()
tk:close()
print(frames > 100 and "many frames" or "few frames", booking and booking.state or err)
