--- A worker of a queue, as a program that ends when it is killed. Arguments: the Redis, Timekit's URL, the queue.
local timekit = require "timekit"

local tk = timekit.new { app_key = "test_api_key_1", base_url = arg[2] }
print "ready"
io.flush()
tk:queue({ redis = arg[1], name = arg[3], durable = false }):work { concurrency = 16 }
