--- The program `timekit`: reads its arguments, runs a command, and ends with an exit code that tells the truth.
-- @module timekit.cli.main

local main = {}

-- The version needs no more than the core. It is asked for by scripts, often.
local function print_version()
  local version = require("timekit.core").version
  local jit = rawget(_G, "jit")
  io.stdout:write(("timekit %s (libcurl %s, %s)\n"):format(
    version.timekit, version.curl, jit and jit.version or _VERSION))
  return 0
end

local function run(arguments)
  -- The interpreter's own handler of Ctrl-C raises an error wherever the program is.
  require("timekit.core").program.release_signals()
  require("timekit.core").program.hold_streams()
  local parser = require "timekit.cli.parser"
  local found, module = parser.read(arguments)
  if not found and not module then return print_version() end
  if not found then
    io.stdout:write(module, "\n")
    return 0
  end
  local context = require("timekit.cli.context").new(found, module, parser)
  return module.run(context, found)
end

-- What is written may reach a full disk only now. A result that nobody gets is no success.
local function flushed(code)
  local ok, problem = io.stdout:flush()
  if ok or code ~= 0 then return code end
  local failure = require("timekit.cli.failure").new("failed", "done, but the result cannot be written: " .. problem)
  return require("timekit.cli.report").print(failure, false)
end

--- Runs the program.
-- @tparam {string,...} arguments
-- @treturn integer the exit code
function main.run(arguments)
  if arguments[1] == "--version" then return flushed(print_version()) end
  local ok, code = xpcall(function() return run(arguments) end, function(problem)
    if type(problem) == "table" or tostring(problem):find "interrupted!$" then return problem end
    return debug.traceback(problem, 2)
  end)
  if not ok then return require("timekit.cli.report").raised(code, arguments) end
  return flushed(code)
end

return main
