--- `timekit queue add`, `stats`, `get`, `cancel`, `dead` and `resolve`.
-- @module timekit.cli.commands.queue

local converters = require "timekit.cli.converters"
local core = require "timekit.core"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local queues = require "timekit.queue"
local redis = require "timekit.cli.redis"
local values = require "timekit.cli.values"

local queue = {
  examples = {
    'timekit queue add "$ID" cancel message="Fully booked" --key order-77',
    "timekit queue stats -o json",
  },
  words = { action = "action" },
}

local COMMANDS = {
  { "add", "adds an action, or those of a JSONL file" },
  { "stats", "prints numbers for monitors" },
  { "get", "reads a job" },
  { "cancel", "cancels a job that waits" },
  { "dead", "lists the jobs whose action is in doubt" },
  { "resolve", "decides about such a job" },
}

local ARGUMENTS = {}

local seconds = converters.seconds "--at"

-- Unix seconds, or a text. What has fewer digits, such as 20261201, is neither.
local function time(text) return text:find "^%d%d%d%d%d%d%d%d%d%d" and seconds(text) or text end

function ARGUMENTS.add(command)
  command:argument("id", 'the booking\'s id; or, alone, a file of {"id":…,"action":…,"inputs":{…}} lines')
    :argname "ID|FILE"
  command:argument("action", "such as confirm or decline"):args "?"
  command:argument("inputs", values.ABOUT):args("*"):argname "NAME=VALUE"
  command:option("--key", "adds nothing if a job with this key is known already"):argname "K"
  command:option("--job-id", "the job's id, to add again what may have been added"):argname("ID"):target "job_id"
  command:option("--at", "not before this time, such as 2026-12-01T09:00:00Z"):argname("TIME"):convert(time)
  command:option("--priority", "bulk: behind others"):argname "P":choices { "normal", "bulk" }
end

function ARGUMENTS.get(command) command:argument("job", "the job's id") end

ARGUMENTS.cancel = ARGUMENTS.get

function ARGUMENTS.resolve(command)
  command:argument("job", "the job's id")
  command:argument("how", "again: try it again; done: it was done; drop: forget it"):choices { "again", "done", "drop" }
end

--- Adds its arguments.
-- @tparam table command of argparse
-- @tparam function with_help adds `--help` to a command below it
function queue.define(command, with_help)
  command:command_target "what"
  for _, entry in ipairs(COMMANDS) do
    local below = with_help(command:command(entry[1]))
    below:summary(entry[2])
    if ARGUMENTS[entry[1]] then ARGUMENTS[entry[1]](below) end
    redis.define(below)
  end
end

local function read_line(line, number, action)
  local row, problem = core.decode(line)
  if type(row) ~= "table" then failure.raise("usage", "line %d: %s", number, problem or "expected an object") end
  if type(row.id) ~= "string" then failure.raise("usage", "line %d: id: expected a text", number) end
  row.action = row.action or action
  if type(row.action) ~= "string" then failure.raise("usage", "line %d: no action", number) end
  return row
end

-- Calls `fn` with each row of a file, and the number of its line, until it returns false.
local function each_row(path, action, fn)
  local file, problem = io.open(path)
  if not file then failure.raise("usage", "cannot read %s", problem) end
  local _, trouble = file:read(0)
  if trouble then
    file:close()
    failure.raise("usage", "cannot read %s: %s", path, trouble)
  end
  local number = 0
  local ok, raised = pcall(function()
    for line in file:lines() do
      number = number + 1
      if line:find "%S" and fn(read_line(line, number, action), number) == false then break end
    end
  end)
  file:close()
  if not ok then error(raised, 0) end
end

-- What a failure says about the job that was to be added.
local function fate(err)
  if err.sent == "no" or not err.id then return "was not added" end
  return "may have been added, as the job " .. err.id
end

local function options_of(row, args)
  return { key = row.key or nil, at = row.at or args.at, priority = row.priority or args.priority }
end

-- Adds the rows of a file; each is printed as it is acknowledged. All are checked first, so that a wrong one adds none.
local function add_file(context, args)
  local of_one = args.key and "--key" or args.job_id and "--job-id" or args.inputs[1] and "inputs"
  if of_one then failure.raise("usage", "%s: for one action, not for a file", of_one) end
  local client = context:client()
  local to = redis.queue(context, client) -- one for all, which is one connection
  each_row(args.id, args.action, function(row, number)
    local ok, raised = pcall(queues.check_add, client, row.id, row.action, row.inputs, options_of(row, args))
    local problem = not ok and failure.message(raised)
    if problem then failure.raise("usage", "line %d: %s", number, problem) end
    if not ok then error(raised, 0) end
  end)
  local printed, failed = context.output:list(), nil
  each_row(args.id, args.action, function(row, number)
    local job, err = context:run(function()
      return to:add(row.id, row.action, row.inputs, options_of(row, args))
    end)
    if job then return printed:add(job) end
    failed = err
    context:note(("line %d %s; those before it were added"):format(number, fate(err)))
    return false
  end)
  if failed then
    printed:abandon()
    return context:fail(failed)
  end
  printed:finish()
  return exits.DONE
end

local RUN = {}

-- What Ctrl-C interrupts may have been done.
local WRITES = { add = true, cancel = true, resolve = true }

function RUN.add(context, args)
  if not args.action or args.id:find "%.jsonl$" then return add_file(context, args) end
  local inputs = values.object(args.inputs)
  local job, err = context:run(function(tk)
    return redis.queue(context, tk):add(args.id, args.action, inputs, {
      key = args.key, at = args.at, priority = args.priority, id = args.job_id,
    })
  end)
  if not job and err.id and err.sent ~= "no" then
    context:note(("it %s: with --job-id %s it is not added twice"):format(fate(err), err.id))
  end
  return context:finish(job, err)
end

function RUN.dead(context)
  local list, err = context:run(function(tk) return redis.queue(context, tk):dead() end)
  if not list then return context:fail(err) end
  local printed = context.output:list()
  for _, job in ipairs(list) do printed:add(job) end
  printed:finish()
  return exits.DONE
end

local function asking(method)
  return function(context, args)
    return context:finish(context:run(function(tk)
      local found = redis.queue(context, tk)
      return found[method](found, args.job, args.how)
    end))
  end
end

for _, method in ipairs { "stats", "get", "cancel", "resolve" } do RUN[method] = asking(method) end

--- Does it.
-- @tparam Context context
-- @tparam table args
-- @treturn integer the exit code
function queue.run(context, args)
  context.has_written = WRITES[args.what]
  return RUN[args.what](context, args)
end

return queue
