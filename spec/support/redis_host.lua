--- What a spec has whose clients ask both Timekit's sandbox and a Redis.
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"

local redis_host = {}

--- Opens the host's sandbox, and starts a Redis.
-- @treturn table the Redis, see `spec.support.redis`
function redis_host.open()
  host.open()
  return redis.start()
end

--- Ends both.
function redis_host.close(server)
  server:close()
  host.close()
end

return redis_host
