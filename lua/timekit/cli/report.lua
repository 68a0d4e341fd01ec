--- Prints failures on standard error: one line `timekit: KIND: message`, or JSON.
-- @module timekit.cli.report

local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"

local report = {}

-- What of an error is JSON; a `cause` is an error, too.
local function plain(err)
  local json = require "timekit.cli.json"
  local fields = {}
  for name, value in pairs(err) do
    if type(name) == "string" then
      fields[name] = name == "cause" and plain(value) or json.error_field(name, value)
    end
  end
  return fields
end

--- Prints an error.
-- @tparam table err of `timekit.error`, or a failure of the program's own
-- @tparam boolean as_json
-- @tparam ?table terminal for colours
-- @treturn integer the exit code
function report.print(err, as_json, terminal)
  local line
  if as_json then
    line = require("timekit.cli.json").encode(plain(err))
  else
    line = tostring(err)
    local head, rest = line:match("^(timekit: [%w_]+:)(.*)$")
    if terminal and head then line = terminal:paint("red", head, true) .. rest end
  end
  io.stderr:write(line, "\n")
  return exits.of(err)
end

-- Whether the arguments ask for JSON. It is looked up here because arguments that cannot be read fail, too.
local function wants_json(arguments)
  for index, word in ipairs(arguments) do
    local format = word:match("^%-o(.+)$") or word == "-o" and arguments[index + 1]
    if format then return format == "json" or format == "jsonl" end
  end
  return false
end

--- Prints what was raised.
-- @param problem a failure; else it is a mistake in the program, with its traceback
-- @tparam {string,...} arguments the program's
-- @treturn integer the exit code
function report.raised(problem, arguments)
  if failure.is(problem) then return report.print(problem, wants_json(arguments)) end
  if tostring(problem):find "interrupted!$" then return exits.INTERRUPTED end
  io.stderr:write("timekit: failed: a mistake in the program: ", tostring(problem), "\n")
  return exits.FAILED
end

return report
