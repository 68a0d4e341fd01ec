-- Actions that wait in a queue, which any number of workers share. TIMEKIT_REDIS is such as unix:///run/redis.sock.
local timekit = require "timekit"
local redis = os.getenv "TIMEKIT_REDIS"
local tk = timekit.new { rate = { redis = redis, name = "shop", per_second = 9.8, burst = 10 } }
local queue = tk:queue { redis = redis, name = "shop" }

local id = assert(tk:create_booking {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
}).id
local job = assert(queue:add(id, "confirm", nil, { key = "order-77" })) -- in the handler of an order, say

-- In another program, on any machine: `timekit worker` does the same.
local is_done = false
assert(queue:work {
  concurrency = 16, stop = function() return is_done end,
  on_job = function(event) is_done = event.what == "done" end,
})
print(queue:get(job.id).state, tk:booking(id):get().state)
tk:close()
