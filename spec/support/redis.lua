--- A Redis of a spec's own: Debian's server, on a unix socket in a temporary folder. It ends by `close()`, or when the
-- suite does.
local daemon = require "spec.support.daemon"
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local tls = require "spec.support.tls"

local redis = {}
redis.__index = redis

-- FOLDER, OPTIONS and READY are replaced. Prints `ready PID` once the server takes connections, and ends it when
-- standard input ends.
local SCRIPT = [[
exec 3<&0
redis-server --port 0 --unixsocket FOLDER/socket --dir FOLDER --save '' --daemonize no OPTIONS >> FOLDER/log 2>&1 &
pid=$!
until redis-cli -s FOLDER/socket ping 2>/dev/null | grep -q READY; do
  kill -0 $pid || exit
  sleep 0.01
done
echo ready $pid
exec 2>/dev/null
cat <&3 >/dev/null
kill -KILL $pid
wait $pid]]

redis.DURABLE = "--appendonly yes --appendfsync always"

local function launch(self)
  local folder = self.folder
  local file = assert(io.open(folder .. "/run.sh", "w"))
  file:write((SCRIPT:gsub("%u%u%u%u+", { FOLDER = folder, OPTIONS = self.options, READY = self.ready or "PONG" })))
  file:close()
  self.program = process.start("sh " .. folder .. "/run.sh")
  self.pid = self.program.line and self.program.line:match("^ready (%d+)")
  if not self.pid then
    local log = shell.must("cat " .. folder .. "/log")
    self:close()
    error("redis-server did not start:\n" .. log, 3)
  end
end

--- Is the program here?
-- @treturn boolean
function redis.is_here()
  return (shell.run("command -v redis-server"))
end

local function new(options)
  local folder = shell.must("mktemp -d"):gsub("%s+$", "")
  return setmetatable({
    folder = folder, options = options or redis.DURABLE, socket = folder .. "/socket",
    address = "unix://" .. folder .. "/socket",
  }, redis)
end

--- Starts a server and waits until it takes connections.
-- @tparam[opt=DURABLE] string options of redis-server
-- @treturn table with `address`, `socket` (the path), `folder` and `pid`
function redis.start(options)
  local self = new(options)
  launch(self)
  return self
end

-- Clients need no certificate of their own, unless the options say otherwise.
local TLS = " --tls-port %s --tls-cert-file %s/%s.pem --tls-key-file %s/%s.key --tls-ca-cert-file %s/ca.pem"
  .. " --tls-auth-clients no "

--- Starts a server that takes connections over TLS as well.
-- @tparam ?string name of its certificate, `good` unless given: see `spec.support.tls`
-- @tparam ?string options further ones of redis-server
-- @treturn table as of `start`, with `tls_port`, `secure` (the address) and `ca_file`
function redis.start_tls(name, options)
  name = name or "good"
  local problem
  -- Another program may have taken the port meanwhile.
  for _ = 1, 3 do
    local self = new()
    self.tls_port, self.ca_file = daemon.free_port(), self.folder .. "/ca.pem"
    self.secure = "rediss://localhost:" .. self.tls_port
    tls.write(self.folder)
    self.options = redis.DURABLE .. TLS:format(self.tls_port, self.folder, name, self.folder, name, self.folder)
      .. (options or "")
    local ok
    ok, problem = pcall(launch, self)
    if ok then return self end
    if not problem:find("Address already in use", 1, true) then break end
  end
  error(problem, 2)
end

--- Sends the server a signal.
-- @tparam string name such as `STOP` or `CONT`
function redis:signal(name)
  shell.must(("kill -%s %s"):format(name, self.pid))
end

--- Kills the server without notice.
function redis:kill()
  self:signal("KILL")
  self.program:close()
end

--- Starts it again, with what it has on its disk. Its field `ready` may say what it has to answer before it counts as
-- started, such as LOADING.
function redis:restart()
  launch(self)
end

--- Runs a command by redis-cli.
-- @tparam string command
-- @treturn string what it printed
function redis:cli(command)
  return (shell.must(("redis-cli -s %s %s"):format(self.socket, command)):gsub("%s+$", ""))
end

--- Ends the server and removes its folder.
function redis:close()
  self.program:close()
  shell.must("rm -rf " .. self.folder)
end

return redis
