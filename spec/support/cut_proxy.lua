--- A TCP proxy in front of a sandbox, which cuts connections at random bytes: in the request, in the answer, just when
-- the answer arrives, or right after it, by FIN or by RST. It runs as a process of its own and delays nothing.
local core = require "timekit.core"
local process = require "spec.support.process"

local proxy = {}
proxy.__index = proxy

-- The same module paths as for the fault server: spec/support/faults.lua says why.
local COMMAND = "env -u LD_PRELOAD LUA_CPATH=';;' "
  .. "LUA_PATH='./?.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua;"
  .. "/usr/share/lua/5.1/?.lua' "
  .. "lua5.4 spec/support/cut_proxy_server.lua %d"

--- Starts a proxy that cuts nothing yet; `close()` it when done.
-- @tparam number|string port of 127.0.0.1, where it relays to
-- @treturn table with `port`
function proxy.start(port)
  local program = process.start(COMMAND:format(port))
  assert(program.line, "the proxy did not start")
  return setmetatable({ program = program, port = program.line }, proxy)
end

local function ask(self, command, given)
  given = given or {}
  given.command = command
  self.program:say(assert(core.encode(given)))
  local line = assert(self.program:read(), "the proxy has gone")
  return assert(core.decode(line))
end

--- Counts connections from 1 again, and decides what happens to them.
-- @tparam number|string seed with the same seed, the same happens to the n-th connection
-- @tparam number rate the share of the connections that are cut
function proxy:begin(seed, rate)
  ask(self, "begin", { seed = seed, rate = rate })
end

--- Refuses connections, or takes them again.
-- @tparam boolean on
function proxy:refuse(on)
  ask(self, "refuse", { on = on })
end

--- Waits until no connection is left and the server has dealt with all that it was sent. A connection that was cut by
-- RST ends at once for the proxy, but not for the server.
-- @treturn table `cuts`: a list of `connection` (its number), `what` ("request", "answer", "swallow", "idle"), `at`
--   (bytes), `how` ("fin", "reset"); `connections`: their number; `refusals`: how often `refuse` was turned on; all of
--   it since `begin`
function proxy:settle()
  local answer = ask(self, "settle")
  if answer.cuts == core.null then answer.cuts = {} end
  return answer
end

--- Kills a process with SIGKILL when so many further bytes have passed, counting both directions. Not one more passes.
-- @tparam ?number|string pid nil: kill no process
-- @tparam ?number after bytes
-- @tparam ?boolean soon not at once but a moment later, while bytes go on passing
function proxy:kill(pid, after, soon)
  ask(self, "kill", { pid = tonumber(pid), after = after, soon = soon })
end

--- Ends the proxy.
function proxy:close()
  self.program:close()
end

return proxy
