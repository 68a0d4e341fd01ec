--- One TCP connection of the fault server, with TLS or without, and every way to end it: FIN, RST,
-- close_notify. LuaSocket and LuaSec do the I/O because they can set SO_LINGER and send a close_notify.
-- cqueues' sockets cannot; cqueues only schedules.
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local ssl = require "ssl"

local wire = {}
wire.__index = wire

-- When LuaSec collects a session, it writes a close_notify to the descriptor that the session was made
-- with. By then that may be another connection's, so sessions are kept until the process ends.
local sessions = {}

--- @param tcp a LuaSocket TCP object, accepted or connected
function wire.new(tcp)
  tcp:settimeout(0)
  tcp:setoption("tcp-nodelay", true)
  return setmetatable({ tcp = tcp, stream = tcp, fd = tcp:getfd(), buffer = "" }, wire)
end

--- Waits until the connection is readable ("r") or writable ("w"); false once it is closed.
function wire:wait(events, seconds)
  if self.closed then return false end
  cqueues.poll({ pollfd = self.fd, events = events }, seconds)
  return not self.closed
end

local WAITS = { timeout = true, wantread = "r", wantwrite = "w" }

local function wait_for(self, err, default)
  local events = WAITS[err]
  return events and self:wait(events == true and default or events)
end

-- An error may come together with data. After it the stream must not be used: the next call would loop
-- for ever in LuaSec 1.2.
local function note(self, err)
  self.broken = self.broken or err and not WAITS[err]
end

--- The server's side of a TLS handshake.
-- @param context of ssl.newcontext
-- @treturn boolean
function wire:starttls(context)
  local stream = assert(ssl.wrap(self.tcp, context))
  sessions[#sessions + 1] = stream
  self.tcp:setfd(self.fd)
  stream:settimeout(0)
  self.stream = stream
  while true do
    local done, err = stream:dohandshake()
    if done then return true end
    if not wait_for(self, err, "r") then return false end
  end
end

--- The common name in the certificate that the client showed; nil without one.
function wire:client_name()
  local certificate = self.stream ~= self.tcp and self.stream:getpeercertificate()
  for _, part in ipairs(certificate and certificate:subject() or {}) do
    if part.name == "commonName" then return part.value end
  end
end

--- Bytes as they arrive; nil at the end of the connection.
function wire:receive()
  while not (self.closed or self.broken) do
    local data, err, partial = self.stream:receive(65536)
    note(self, err)
    data = data or partial
    if data and data ~= "" then return data end
    if not wait_for(self, err, "r") then return nil end
  end
end

--- Appends arriving bytes to `buffer`; false at the end of the connection.
function wire:fill()
  local data = self:receive()
  if data then self.buffer = self.buffer .. data end
  return data ~= nil
end

--- Takes exactly `count` bytes; nil when the connection ends before.
function wire:read(count)
  while #self.buffer < count do
    if not self:fill() then return nil end
  end
  local data = self.buffer:sub(1, count)
  self.buffer = self.buffer:sub(count + 1)
  return data
end

--- Takes everything up to and including `mark`; nil when the connection ends before.
function wire:read_to(mark)
  while true do
    local _, last = self.buffer:find(mark, 1, true)
    if last then return self:read(last) end
    if not self:fill() then return nil end
  end
end

--- Writes all of it; false when the peer has gone.
function wire:write(data)
  local first = 1
  while first <= #data do
    if self.closed or self.broken then return false end
    local last, err, partial = self.stream:send(data, first)
    note(self, err)
    first = (last or partial or first - 1) + 1
    if not last and not wait_for(self, err, "w") then return false end
  end
  return true
end

-- Others who wait for the descriptor must let go of it before its number is used again.
local function let_go(self)
  self.closed = true
  cqueues.cancel(self.fd)
end

-- Closing with bytes left unread would make the kernel send RST after all.
local function drain_and_close(tcp, fd)
  local deadline = cqueues.monotime() + 2
  repeat
    local data, err = tcp:receive(65536)
    if err == "timeout" then cqueues.poll({ pollfd = fd, events = "r" }, 0.5) end
  until not data and err ~= "timeout" or cqueues.monotime() > deadline
  cqueues.cancel(fd)
  tcp:close()
end

--- Ends the connection with FIN; over TLS without a close_notify.
function wire:fin()
  if self.closed and not self.held then return end
  if not self.closed then let_go(self) end
  local tcp, fd, held = self.tcp, self.fd, self.held
  self.held = nil
  tcp:shutdown("send")
  if held then
    tcp:setfd(-1)
    held:close()
  else
    cqueues.running():wrap(drain_and_close, tcp, fd)
  end
end

--- Ends the connection with RST.
function wire:reset()
  if self.closed then return end
  let_go(self)
  self.tcp:setoption("linger", { on = true, timeout = 0 })
  self.tcp:close()
end

--- Neither reads nor writes for half a minute. (Over HTTP/2 only the stream gets no window.)
function wire:stall()
  local deadline = cqueues.monotime() + 30
  while not self.closed and cqueues.monotime() < deadline do cqueues.sleep(0.1) end
end

--- Sends a close_notify and leaves the TCP connection open until `fin`.
function wire:notify()
  if self.closed or self.stream == self.tcp then return end
  let_go(self)
  self.held = cqueues_socket.dup(self.fd)
  self.stream:close()
  self.fd = self.held:pollfd()
  self.tcp:setfd(self.fd)
end

return wire
