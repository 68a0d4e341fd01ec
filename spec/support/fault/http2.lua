--- HTTP/2 for the fault server. It writes the frames of RFC 9113 by hand, so that any wrong one can be
-- sent at any moment; header compression is lua-http's.
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local hpack = require "http.hpack"
local errors = require "http.h2_error".errors

local http2 = {}

local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
local DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
local ACK, END_STREAM, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
local MAX_FRAME = 16384

local connection = {}
connection.__index = connection

-- Streams answer from coroutines of their own: a frame goes out whole before the next one starts.
function connection:send(kind, flags, id, payload)
  while self.writing do self.changed:wait() end
  self.writing = true
  local sent = self.wire:write((">I3BBI4"):pack(#payload, kind, flags, id) .. payload)
  self.writing = false
  self.changed:signal()
  return sent
end

function connection:rst_stream(id, code)
  return self:send(RST_STREAM, 0, id, (">I4"):pack(errors[code].code))
end

function connection:goaway(last)
  return self:send(GOAWAY, 0, 0, (">I4I4"):pack(last, 0))
end

local function block_of(headers)
  local pieces = {}
  for i, header in ipairs(headers) do
    pieces[i] = hpack.encode_literal_header_none_new(header[1]:lower(), tostring(header[2]), false)
  end
  return table.concat(pieces)
end

-- A header block as one HEADERS frame and as many CONTINUATIONs as it takes.
function connection:send_block(id, flags, block)
  local kind, first = HEADERS, 1
  repeat
    local piece = block:sub(first, first + MAX_FRAME - 1)
    first = first + #piece
    local last = first > #block and END_HEADERS or 0
    local sent = self:send(kind, flags | last, id, piece)
    kind, flags = CONTINUATION, 0
  until not sent or last ~= 0
  return not self.wire.closed
end

local out = {}
out.__index = out

function out:block(status, headers)
  local all = { { ":status", status }, table.unpack(headers or {}) }
  return self.conn:send_block(self.id, 0, block_of(all))
end

function out:head(status, headers, length)
  local all = { { ":status", status } }
  for _, header in ipairs(headers or {}) do all[#all + 1] = header end
  if length then all[#all + 1] = { "content-length", length } end
  return self.conn:send_block(self.id, 0, block_of(all))
end

function out:data(bytes)
  local conn, stream = self.conn, self.stream
  local first = 1
  while first <= #bytes do
    local room = math.min(conn.window, conn.initial + stream.window, MAX_FRAME, #bytes - first + 1)
    if stream.reset or conn.wire.closed then return false end
    if room > 0 then
      if not conn:send(DATA, 0, self.id, bytes:sub(first, first + room - 1)) then return false end
      conn.window, stream.window = conn.window - room, stream.window - room
      first = first + room
    else
      conn.changed:wait()
    end
  end
  return not stream.reset
end

function out:finish()
  return self.conn:send(DATA, END_STREAM, self.id, "")
end

--- One header field whose value is announced as 256 MiB.
function out:endless_header()
  local start = hpack.encode_literal_header_none_new(":status", "200")
    .. "\0" .. hpack.encode_string("x-endless", false) .. hpack.encode_integer(2 ^ 28, 7, 0)
  local sent = self.conn:send(HEADERS, 0, self.id, start)
  local piece = ("a"):rep(MAX_FRAME)
  while sent do sent = self.conn:send(CONTINUATION, 0, self.id, piece) end
end

function out:garbage()
  self.wire:write("\0\1\2 this is no HTTP/2 \255\254\r\n\r\n{}\r\n\r\n" .. ("\255"):rep(64))
end

--- A header block that is never finished. (Many tiny CONTINUATIONs are refused by nghttp2.)
function out:slow_head()
  self.conn:send(HEADERS, 0, self.id, block_of { { ":status", 200 } })
  self:hold()
end

--- Waits until the client gives the stream up.
function out:hold()
  while not (self.stream.reset or self.wire.closed) do self.conn.changed:wait() end
end

function out:refuse(code)
  return self.conn:rst_stream(self.id, code)
end

--- GOAWAY whose last stream is the one `before` ours, or `at` ours.
function out:goaway(last)
  return self.conn:goaway(last == "at" and self.id or math.max(self.id - 2, 0))
end

local frames = {}

local function unpadded(flags, payload)
  if flags & PADDED == 0 then return payload end
  return payload:sub(2, #payload - payload:byte())
end

local function whole_block(self, flags, payload)
  while flags & END_HEADERS == 0 do
    local kind, more, _, piece = self:read_frame()
    if kind ~= CONTINUATION then return nil end
    flags, payload = more, payload .. piece
  end
  return payload
end

local function act(self, stream)
  local request, step = stream.request, stream.step
  local answer = setmetatable({ wire = self.wire, conn = self, id = request.stream, stream = stream }, out)
  self.handler.act(request, step, answer)
  self.streams[request.stream] = nil
  self.wire.idle = next(self.streams) == nil
end

local function complete(self, stream)
  stream.request.body = table.concat(stream.pieces)
  self.handler.complete(stream.request)
  cqueues.running():wrap(act, self, stream)
end

frames[HEADERS] = function(self, flags, id, payload)
  payload = unpadded(flags, payload)
  if flags & PRIORITY ~= 0 then payload = payload:sub(6) end
  local block = whole_block(self, flags, payload)
  if not block then return false end
  local request = { protocol = "2", headers = {}, names = {}, stream = id }
  for name, value in self.decoder:decode_headers(block):each() do
    if name == ":method" then request.method = value
    elseif name == ":path" then request.target = value
    else
      request.headers[name] = value
      request.names[#request.names + 1] = name
    end
  end
  self.nth = self.nth + 1
  request.nth = self.nth
  self.wire.idle = false
  local stream = { request = request, pieces = {}, window = 0, step = self.handler.started(request) }
  self.streams[id] = stream
  if stream.step.at == "headers" and stream.step.act ~= "stall" then
    self.wire[stream.step.act](self.wire)
  elseif flags & END_STREAM ~= 0 then
    complete(self, stream)
  end
  return true
end

frames[DATA] = function(self, flags, id, payload)
  local stream = self.streams[id]
  if #payload > 0 then
    local more = (">I4"):pack(#payload)
    self:send(WINDOW_UPDATE, 0, 0, more)
    local more_wanted = stream and flags & END_STREAM == 0 and stream.step.act ~= "stall"
    if more_wanted then self:send(WINDOW_UPDATE, 0, id, more) end
  end
  if not stream then return true end
  stream.pieces[#stream.pieces + 1] = unpadded(flags, payload)
  if flags & END_STREAM ~= 0 then
    complete(self, stream)
  elseif stream.step.at == "body" then
    self.wire[stream.step.act](self.wire)
  end
  return true
end

frames[RST_STREAM] = function(self, _, id)
  local stream = self.streams[id]
  if stream then stream.reset = true end
  self.changed:signal()
  return true
end

frames[SETTINGS] = function(self, flags, _, payload)
  if flags & ACK ~= 0 then return true end
  for i = 1, #payload, 6 do
    local name, value = (">I2I4"):unpack(payload, i)
    if name == 4 then self.initial = value end
  end
  self.changed:signal()
  return self:send(SETTINGS, ACK, 0, "")
end

frames[PING] = function(self, flags, _, payload)
  return flags & ACK ~= 0 or self:send(PING, ACK, 0, payload)
end

frames[WINDOW_UPDATE] = function(self, _, id, payload)
  local more = (">I4"):unpack(payload) & 0x7fffffff
  local stream = self.streams[id]
  if id == 0 then self.window = self.window + more end
  if stream then stream.window = stream.window + more end
  self.changed:signal()
  return true
end

function connection:read_frame()
  local head = self.wire:read(9)
  if not head then return nil end
  local length, kind, flags, id = (">I3BBI4"):unpack(head)
  local payload = self.wire:read(length)
  if not payload then return nil end
  return kind, flags, id & 0x7fffffff, payload
end

--- Serves a connection until it ends; for the handler see http1.serve.
function http2.serve(wire, handler)
  local self = setmetatable({
    wire = wire, handler = handler, streams = {}, nth = 0, changed = condition.new(),
    decoder = hpack.new(4096), window = 65535, initial = 65535,
  }, connection)
  -- An orderly server that closes an idle connection does this.
  function wire.goaway()
    self:goaway(2 * self.nth - 1)
    wire:fin()
  end
  if wire:read(#PREFACE) ~= PREFACE then return end
  self:send(SETTINGS, 0, 0, (">I2I4"):pack(3, 100))
  wire.idle = true
  repeat
    local kind, flags, id, payload = self:read_frame()
    local known = kind and frames[kind]
    local go_on = kind and (not known or known(self, flags, id, payload))
  until not go_on
  for _, stream in pairs(self.streams) do stream.reset = true end
  self.changed:signal()
end

return http2
