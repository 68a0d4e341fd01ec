--- Programs that serve until they are told to end, such as HAProxy and Prosody: each in a folder of its own.
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local socket = require "socket"

local daemon = {}
daemon.__index = daemon

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

-- Prints the process id. Asks the program to end when standard input ends; shells tell of that, which is of no use.
local SCRIPT = [[
exec 3<&0
cd %s || exit
env %s %s > log 2>&1 & pid=$!
echo $pid
exec 2>/dev/null
cat <&3 >/dev/null
kill $pid
wait $pid]]

--- Is everything there that the specs of a host need?
-- @tparam string program
-- @tparam string lua what the module has to be built for, such as `lua5.3`
-- @treturn boolean
function daemon.is_here(program, lua)
  return (shell.run(("PATH=/usr/sbin:$PATH; command -v %s && test -e build/%s/timekit/core.so"):format(program, lua)))
end

--- A port that is free now. The program most likely gets it before another one does.
-- @treturn string
function daemon.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

--- Makes an empty folder that anybody may enter: some programs give up being root.
-- @treturn string
function daemon.folder()
  local folder = shell.must("mktemp -d"):gsub("%s+$", "")
  shell.must("chmod 755 " .. folder)
  return folder
end

--- Writes a file.
-- @tparam string path
-- @tparam string text
function daemon.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Starts a program and waits until it takes connections; it ends by `close()`, or when the suite does.
-- @tparam string folder from `folder`, removed by `close`
-- @tparam string command for a shell, which runs it in the folder
-- @tparam string|number port of 127.0.0.1 that it listens to
-- @tparam ?string environment such as `TIMEKIT_APP_KEY=x`
-- @treturn table with `port`, `folder`, `pid`
function daemon.start(folder, command, port, environment)
  daemon.write(folder .. "/run.sh", SCRIPT:format(folder, environment or "", command))
  local program = process.start("env PATH=/usr/sbin:$PATH sh " .. folder .. "/run.sh")
  local self = setmetatable({ program = program, pid = program.line, folder = folder, port = port }, daemon)
  local patience = socket.gettime() + PATIENCE
  repeat
    local connection = socket.connect("127.0.0.1", port)
    if connection then
      connection:close()
      return self
    end
    socket.sleep(0.01)
  until socket.gettime() > patience or not shell.run("kill -0 " .. self.pid)
  local log = self:log()
  self:close()
  error(command .. " did not start:\n" .. log, 2)
end

--- What it wrote.
-- @treturn string
function daemon:log()
  local file = assert(io.open(self.folder .. "/log"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Sends a GET and does not wait for the answer.
-- @tparam string path
-- @treturn socket see `answer`
function daemon:ask(path)
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:settimeout(PATIENCE)
  assert(connection:send("GET " .. path .. " HTTP/1.0\r\nHost: localhost\r\n\r\n"))
  return connection
end

--- Waits for the answer to what was asked.
-- @tparam socket connection
-- @treturn string its body
-- @treturn number its status
function daemon.answer(connection)
  local text = assert(connection:receive("*a"))
  connection:close()
  local status, body = text:match("^HTTP/1%.[01] (%d%d%d).-\r\n\r\n(.*)$")
  assert(status, "no answer: " .. text)
  return body, tonumber(status)
end

--- Sends a GET and waits for the answer.
-- @tparam string path
-- @treturn string its body
-- @treturn number its status
function daemon:get(path)
  return daemon.answer(self:ask(path))
end

--- Ends it.
function daemon:close()
  self.program:close()
  shell.must("rm -rf " .. self.folder)
end

return daemon
