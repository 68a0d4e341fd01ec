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

--- Runs the program.
-- @tparam {string,...} arguments
-- @treturn integer the exit code
function main.run(arguments)
  if arguments[1] == "--version" then return print_version() end
  local ok, code = xpcall(function() return run(arguments) end, function(problem)
    if type(problem) == "table" or tostring(problem):find "interrupted!$" then return problem end
    return debug.traceback(problem, 2)
  end)
  if ok then return code end
  return require("timekit.cli.report").raised(code, arguments)
end

return main
