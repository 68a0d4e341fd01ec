--- What `timekit queue`, `timekit worker` and `timekit bulk` share: which Redis, which queue and which rate.
-- @module timekit.cli.redis

local failure = require "timekit.cli.failure"

local redis = {}

--- Adds the option for certificates.
-- @tparam table command of argparse
function redis.define_ca(command)
  command:option("--redis-ca", "certificates to trust for rediss://; else TIMEKIT_REDIS_CA"):argname("FILE")
    :target "redis_ca"
end

--- Adds the options.
-- @tparam table command of argparse
function redis.define(command)
  command:option("--redis", "such as unix:///run/redis.sock; else TIMEKIT_REDIS"):argname("URL")
  redis.define_ca(command)
  command:flag("--not-durable", "take a Redis that loses its jobs when it ends"):target "not_durable"
  command:option("--name", "the queue's name; else TIMEKIT_QUEUE, else default"):argname("NAME")
end

local function setting(given, variable)
  local value = given or os.getenv(variable)
  return value ~= "" and value or nil
end

local function ca_file(args)
  return setting(args.redis_ca, "TIMEKIT_REDIS_CA")
end

--- A rate that is shared.
-- @tparam table args
-- @tparam table limit `per_second`
-- @tparam string address the Redis
-- @tparam ?string name
-- @treturn table for the option `rate` of `timekit.new`
function redis.rate(args, limit, address, name)
  return { per_second = limit.per_second, redis = address, ca_file = ca_file(args), name = name }
end

--- Says so if the Redis of a shared rate cannot be asked: the limit then goes on without it.
-- @tparam Context context
-- @tparam Client client
-- @tparam string address
function redis.warn(context, client, address)
  local queue = client:queue { redis = address, ca_file = ca_file(context.args), durable = false }
  local stats, err = queue:stats()
  -- What is not fit for a queue may do for a rate.
  if stats or err.code == "UNFIT" then return end
  context:note(("%s: %s; without it this run uses a part of the rate"):format(err.kind, err.message))
end

--- Where the Redis is.
-- @tparam table args
-- @treturn string
-- Raises a failure where there is none.
function redis.address(args)
  local address = setting(args.redis, "TIMEKIT_REDIS")
  if not address then failure.raise("usage", "no Redis: give --redis, or set TIMEKIT_REDIS") end
  return address
end

--- The queue's name.
-- @tparam table args
-- @treturn string|nil nil: the default one
function redis.name(args)
  return setting(args.name, "TIMEKIT_QUEUE")
end

--- The queue that the options name.
-- @tparam Context context
-- @tparam Client client
-- @treturn Queue
-- Raises a failure for a wrong address or name, and where there is none.
function redis.queue(context, client)
  local args = context.args
  local address = redis.address(args)
  return (failure.guard(function()
    local queue = client:queue {
      redis = address, name = redis.name(args), ca_file = ca_file(args), durable = not args.not_durable,
    }
    return queue
  end))
end

return redis
