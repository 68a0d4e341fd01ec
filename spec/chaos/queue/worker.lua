--- A worker of the queue's chaos, which ends when it is killed. Arguments: the Redis, Timekit's URL, the queue's name,
-- and the fault that is put in on purpose, if any.
local address, url, name, control = arg[1], arg[2], arg[3], arg[4]
require("spec.chaos.queue.patches").apply(control)
require("spec.chaos.graphs").define()
local timekit = require "timekit"

local tk = timekit.new { app_key = "test_api_key_1", base_url = url .. "/v2", timeout = 1, connect_timeout = 0.5 }
local queue = tk:queue { redis = address, name = name }
print "ready"
io.flush()
while true do
  -- A Redis that is away cannot be asked whether it is fit.
  if not queue:work { concurrency = 8 } then require("timekit.core").sleep(0.05) end
end
