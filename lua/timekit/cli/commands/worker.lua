--- `timekit worker`.
-- @module timekit.cli.commands.worker

local converters = require "timekit.cli.converters"
local core = require "timekit.core"
local exits = require "timekit.cli.exits"
local json = require "timekit.cli.json"
local redis = require "timekit.cli.redis"

local worker = {
  examples = { "timekit worker --concurrency 4", "timekit worker --name shop --rate 588/min" },
}

-- Seconds between two looks whether a signal has come.
local LOOK = 0.2

--- Adds its arguments.
-- @tparam table command of argparse
function worker.define(command)
  command:description("Carries out the jobs of a queue until SIGTERM or Ctrl-C, and then finishes what is in flight. "
    .. "It prints a line for each try.")
  command:option("--concurrency", "jobs at once, 16 unless given"):argname("N")
    :convert(converters.concurrency "--concurrency")
  command:option("--rate", "requests, such as 588/min, of all that share the rate by this Redis; none unless given")
    :argname("RATE"):convert(converters.rate "--rate")
  command:option("--rate-name", "the name under which it is shared; else the queue's"):argname("NAME")
    :target "rate_name"
  redis.define(command)
end

local function print_event(context, event)
  local info = event.info
  local line = {
    id = event.id, booking = event.booking, action = event.action, what = event.what, tries = event.tries,
    state = info and info.state, kind = info and info.kind, message = info and info.message,
    request_id = info and info.request_id,
  }
  context:out(json.encode(line) .. "\n")
  io.stdout:flush()
end

--- Works until a signal comes.
-- @tparam Context context
-- @tparam table args
-- @treturn integer the exit code
function worker.run(context, args)
  local limit = args.rate and args.rate.limit
  local client = context:client {
    rate = limit and redis.rate(args, limit, redis.address(args), args.rate_name or redis.name(args)),
  }
  local queue = redis.queue(context, client)
  local options = {
    concurrency = args.concurrency, stop = function() return core.program.signals() > 0 end,
    on_job = function(event) print_event(context, event) end,
    on_trouble = function(problem)
      context:note(("%s: %s; it goes on trying"):format(problem.kind, problem.message))
    end,
  }
  local stats, err = queue:stats()
  if not stats then return context:fail(err) end
  for _, warning in ipairs(stats.warnings) do context:note(warning) end
  core.program.catch_signals()
  context:note "working; Ctrl-C finishes what is in flight"
  local call = client:start(function() return queue:work(options) end)
  while not call:done() do client:update(LOOK) end
  core.program.release_signals()
  local done, problem = call:result()
  if not done then return context:fail(problem) end
  return exits.DONE
end

return worker
