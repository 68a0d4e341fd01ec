--- A CONNECT proxy that keeps count and can refuse.
local cqueues = require "cqueues"
local socket = require "socket"
local http1 = require "spec.support.fault.http1"
local new_wire = require "spec.support.fault.wire".new

local proxy = {}

local function relay(from, to)
  repeat
    local data = from:receive()
  until not data or not to:write(data)
  to:fin()
  from:fin()
end

local function dial(target)
  local host, port = target:match("^%[?(.-)%]?:(%d+)$")
  if host ~= "127.0.0.1" and host ~= "::1" then host = "localhost" end
  local tcp = host == "::1" and socket.tcp6() or socket.tcp()
  return tcp:connect(host, tonumber(port)) and new_wire(tcp)
end

--- Serves a connection. `state` has `seen` (requests are appended to it), and `status`, when set the
-- answer to every CONNECT.
function proxy.serve(wire, state)
  local request = http1.read_head(wire)
  if not request then return end
  request.client = wire:client_name()
  state.seen[#state.seen + 1] = request
  local other = request.method == "CONNECT" and not state.status and dial(request.target)
  if not other then
    local status = state.status or 502
    local challenge = status == 407 and "Proxy-Authenticate: Basic realm=\"p\"\r\n" or ""
    local text = "HTTP/1.1 %d Refused\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n"
    return wire:write(text:format(status, challenge))
  end
  wire:write("HTTP/1.1 200 Connection established\r\n\r\n")
  if wire.buffer ~= "" then other:write(wire:read(#wire.buffer)) end
  cqueues.running():wrap(relay, other, wire)
  relay(wire, other)
end

return proxy
