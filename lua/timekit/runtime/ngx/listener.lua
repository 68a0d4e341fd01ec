--- The listener: how nginx's event loop learns that an engine has something to do.
--
-- nginx waits for connections and timers, not for descriptors of ours. So a helper thread, the notifier
-- (`core.notifier`), watches them and writes to a unix connection, and a cosocket reads from it. A cosocket belongs to
-- one request; here that is one run of the timer. Between runs the connection stays in nginx's pool, where it has no
-- timer and delays no exit.
-- @module timekit.runtime.ngx.listener

local core = require "timekit.core"
local ngx = ngx

--- A listener.
-- @type Listener
local Listener = {}
Listener.__index = Listener

-- Seconds. Connecting to a socket of one's own process takes none.
local CONNECT_TIMEOUT = 1

-- Seconds without a notice after which `listen` returns. nginx logs that as an error, so it is longer than requests
-- take.
local LONGEST_SILENCE = 60

-- The notifier of this worker, and its address, which is also the name of the connection's pool in nginx.
local notifier, address

local function forget_notifier()
  if notifier then notifier:close() end
  notifier = nil
end

local function need_notifier()
  if notifier and notifier:connected() then return true end
  forget_notifier()
  local made, problem = core.notifier()
  if not made then return nil, problem end
  notifier, address = made, "unix:" .. made:path()
  return true
end

-- Takes the connection from the pool, or connects to the socket, which exists until the first connection is made.
local function connect()
  local socket = ngx.socket.tcp()
  socket:settimeouts(CONNECT_TIMEOUT * 1000, CONNECT_TIMEOUT * 1000, LONGEST_SILENCE * 1000)
  local connected, problem = socket:connect(address)
  if not connected then return nil, problem end
  local reused = socket:getreusedtimes()
  if reused and reused > 0 then return socket end
  connected, problem = notifier:accept()
  if connected then return socket end
  socket:close()
  return nil, problem
end

--- Watches a descriptor until it is readable, once. Any light thread may call it.
-- @tparam integer fd
-- @treturn boolean false: it cannot be watched
function Listener:watch(fd)
  return self.notifier:watch(fd)
end

--- Watches a descriptor no longer.
-- @tparam integer fd
function Listener:unwatch(fd)
  self.notifier:unwatch(fd)
end

--- Makes `listen` return. Any light thread may call it.
function Listener:wake()
  self.notifier:ring()
end

--- Waits for the next notice. Only the light thread that opened the listener may call it.
-- @treturn integer|nil the descriptor that is readable, -1 after `wake`; nil after a long silence, or on a failure
-- @treturn string `"timeout"` after a silence; on a failure the reason, and the listener cannot be used any more
function Listener:listen()
  local line, problem = self.socket:receive("*l")
  if line then return tonumber(line) end
  return nil, problem
end

--- Gives the connection back to the pool. Nothing may be watched any more.
function Listener:release()
  -- 0: no timeout in the pool, where it stays until the worker ends.
  if not self.socket:setkeepalive(0, 1) then self:close() end
end

--- Closes the connection, and ends the helper thread.
function Listener:close()
  self.socket:close()
  if self.notifier == notifier then forget_notifier() end
end

local listeners = {}

--- Opens a listener for the light thread that calls. There is one at a time in a worker.
-- @treturn Listener|nil nil where there is no way to have one
-- @treturn string the reason
function listeners.open()
  local problem
  -- The pooled connection may be lost between the look at it and its use. A new one has nothing to lose.
  for _ = 1, 2 do
    local ready, socket
    ready, problem = need_notifier()
    if not ready then return nil, problem end
    socket, problem = connect()
    if socket then return setmetatable({ socket = socket, notifier = notifier }, Listener) end
    forget_notifier()
  end
  return nil, problem
end

return listeners
