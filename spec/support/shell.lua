--- Shell commands for specs. Lua 5.1 does not tell how a command ended, so the shell is asked.
local shell = {}

--- Runs a command to its end.
-- @tparam string command
-- @treturn boolean whether its status was 0
-- @treturn string what it printed, errors included
function shell.run(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; echo exit status $?"))
  local output, status = pipe:read("*a"):match("^(.*)exit status (%d+)\n$")
  pipe:close()
  return status == "0", output
end

--- Runs a command that has to succeed; raises what it printed if it does not.
-- @tparam string command
-- @treturn string what it printed
function shell.must(command)
  local ok, output = shell.run(command)
  if not ok then error(command .. "\n" .. output, 2) end
  return output
end

return shell
