--- The bell: how nginx's event loop learns that an engine has something to do.
--
-- nginx waits for connections and timers, not for descriptors of ours. So a helper thread (`core.notifier`) watches
-- them and writes to a unix connection, which a cosocket reads. A cosocket belongs to one request, here one run of the
-- timer that listens; between runs the connection rests in nginx's pool, where it has no timer and holds up no exit.
-- @module timekit.runtime.ngx.bell

local core = require "timekit.core"
local ngx = ngx

local Bell = {}
Bell.__index = Bell

-- Seconds. Connecting to a socket of one's own process takes none.
local CONNECT_TIMEOUT = 1

-- Seconds that nobody rang after which whoever listens looks by itself. nginx logs it as an error, so it is longer than
-- calls take.
local LONGEST_SILENCE = 60

-- The notifier of this worker and where it can be reached, which is also the name of its pool in nginx.
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

-- From the pool, or to the socket that is there until the first connection is made.
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

--- Hangs up a bell for the light thread that calls, the only one that may listen to it. There is one at a time.
-- @treturn Bell|nil nil where there is no way to have one
-- @treturn string the reason
function Bell.open()
  local problem
  -- The connection may be lost between the look at it and its use. A new one has nothing to lose.
  for _ = 1, 2 do
    local ready, socket
    ready, problem = need_notifier()
    if not ready then return nil, problem end
    socket, problem = connect()
    if socket then return setmetatable({ socket = socket, notifier = notifier }, Bell) end
    forget_notifier()
  end
  return nil, problem
end

--- Rings once when a descriptor is readable. Any light thread may call it.
-- @tparam integer fd
-- @treturn boolean false: that cannot be had
function Bell:watch(fd)
  return self.notifier:watch(fd)
end

--- Rings no longer for a descriptor.
-- @tparam integer fd
function Bell:unwatch(fd)
  self.notifier:unwatch(fd)
end

--- Rings. Any light thread may call it.
function Bell:ring()
  self.notifier:ring()
end

--- Waits until it rings.
-- @treturn integer|nil the descriptor that was readable, -1 if it was rung by hand; nil after a long silence, or on a
--   failure
-- @treturn string `"timeout"`, or what failed; the bell is of no use then
function Bell:listen()
  local line, problem = self.socket:receive("*l")
  if line then return tonumber(line) end
  return nil, problem
end

--- Takes it down until it is opened again; nothing is watched then.
function Bell:rest()
  -- No timeout: it rests until the worker ends.
  if not self.socket:setkeepalive(0, 1) then self:close() end
end

--- Takes it down for good.
function Bell:close()
  self.socket:close()
  if self.notifier == notifier then forget_notifier() end
end

return { open = Bell.open }
