--- HTTP/1.1 for the fault server: reads requests to their last byte, and makes the `out` through
-- which acts.lua answers them.
local cqueues = require "cqueues"

local http1 = {}

local out = {}
out.__index = out

local REASONS = { [200] = "OK", [302] = "Found", [407] = "Proxy Authentication Required" }

local function head_text(status, headers)
  local lines = { ("HTTP/1.1 %d %s"):format(status, REASONS[status] or "Some Reason") }
  for _, header in ipairs(headers) do lines[#lines + 1] = header[1] .. ": " .. header[2] end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- Starts the answer. Without a length it is chunked.
function out:head(status, headers, length)
  self.chunked = not length
  local all = { length and { "Content-Length", length } or { "Transfer-Encoding", "chunked" } }
  for _, header in ipairs(headers or {}) do all[#all + 1] = header end
  return self.wire:write(head_text(status, all))
end

--- A whole header block of its own, as for 1xx.
function out:block(status, headers)
  return self.wire:write(head_text(status, headers))
end

function out:data(bytes)
  if self.chunked then bytes = ("%x\r\n%s\r\n"):format(#bytes, bytes) end
  return self.wire:write(bytes)
end

function out:finish()
  return not self.chunked or self.wire:write("0\r\n\r\n")
end

--- A header line without an end.
function out:endless_header()
  local sent = self.wire:write("HTTP/1.1 200 OK\r\nX-Endless: ")
  local piece = ("a"):rep(16384)
  while sent do sent = self.wire:write(piece) end
end

function out:garbage()
  self.wire:write("\0\1\2 this is no HTTP \255\254\r\n\r\n{}\r\n\r\n")
end

--- One header block byte by byte, never finished.
function out:slow_head(pause)
  local text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
  for i = 1, #text do
    if not self.wire:write(text:sub(i, i)) then return end
    pause()
  end
  while self.wire:write("X-More: yes\r\n") do pause() end
end

--- Waits until the client gives the connection up.
function out:hold()
  while self.wire:receive() do cqueues.sleep(0) end
end

--- Reads a request line and headers.
-- @treturn table|nil method, target, headers (lower-case names, last one wins), names (as sent)
function http1.read_head(wire)
  local text = wire:read_to("\r\n\r\n")
  if not text then return nil end
  local method, target = text:match("^(%S+) (%S+) HTTP/1%.%d\r\n")
  if not method then return nil end
  local request = { method = method, target = target, protocol = "1.1", headers = {}, names = {} }
  for name, value in text:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    request.headers[name:lower()] = value
    request.names[#request.names + 1] = name
  end
  return request
end

local function read_chunked(wire)
  local pieces = {}
  while true do
    local line = wire:read_to("\r\n")
    local size = line and tonumber(line:match("^(%x+)"), 16)
    if not size then return nil end
    local piece = wire:read(size + 2)
    if not piece then return nil end
    pieces[#pieces + 1] = piece:sub(1, size)
    if size == 0 then return table.concat(pieces) end
  end
end

local function read_body(wire, request)
  if request.headers["transfer-encoding"] then return read_chunked(wire) end
  return wire:read(tonumber(request.headers["content-length"] or 0))
end

--- Serves a connection until it ends; closing it is left to the caller.
-- @param wire
-- @param handler with `started(request)` -> the step planned, `complete(request)`, and
--  `act(request, step, out)`, false when the connection is over
function http1.serve(wire, handler)
  local nth = 0
  while true do
    wire.idle = wire.buffer == ""
    local request = http1.read_head(wire)
    wire.idle = false
    if not request then return end
    nth = nth + 1
    request.nth = nth
    local step = handler.started(request)
    if step.at == "headers" then return wire[step.act](wire) end
    if step.at == "body" then
      local some = wire:read(step.bytes or 1)
      return some and wire[step.act](wire)
    end
    request.body = read_body(wire, request)
    if not request.body then return end
    handler.complete(request)
    if not handler.act(request, step, setmetatable({ wire = wire }, out)) then return end
  end
end

return http1
