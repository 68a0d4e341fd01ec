--- What `timekit queue` and `timekit worker` share: which Redis, and which queue.
-- @module timekit.cli.redis

local failure = require "timekit.cli.failure"

local redis = {}

--- Adds the options.
-- @tparam table command of argparse
function redis.define(command)
  command:option("--redis", "such as unix:///run/redis.sock; else TIMEKIT_REDIS"):argname("URL")
  command:option("--name", "the queue's name; else TIMEKIT_QUEUE, else default"):argname("NAME")
end

local function setting(given, variable)
  local value = given or os.getenv(variable)
  return value ~= "" and value or nil
end

--- The queue that the options name.
-- @tparam Context context
-- @tparam Client client
-- @treturn Queue
-- Raises a failure for a wrong address or name, and where there is none.
function redis.queue(context, client)
  local address = setting(context.args.redis, "TIMEKIT_REDIS")
  if not address then failure.raise("usage", "no Redis: give --redis, or set TIMEKIT_REDIS") end
  return (failure.guard(function()
    local queue = client:queue { redis = address, name = setting(context.args.name, "TIMEKIT_QUEUE") }
    return queue
  end))
end

return redis
