--- luasocket, HTTP/1.1 by hand on one connection, decoded by lua-cjson.
local cjson = require "cjson"
local slice = require "spec.bench.slice"
local socket = require "socket"

local connection = assert(socket.connect(slice.host, slice.port))
connection:settimeout(10)
assert(connection:setoption("tcp-nodelay", true))

local request = ("PUT %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: %s\r\nContent-Type: application/json\r\n"
  .. "Content-Length: %d\r\n\r\n%s"):format(slice.path, slice.host, slice.port, slice.auth, #slice.body, slice.body)

for _ = 1, slice.total do
  assert(connection:send(request))
  assert(assert(connection:receive("*l")):find("^HTTP/1.1 200"))
  local length
  while true do
    local line = assert(connection:receive("*l"))
    if line == "" then break end
    length = length or line:match("^[Cc]ontent%-[Ll]ength: (%d+)")
  end
  local body = assert(connection:receive(tonumber(length)))
  slice.answered(cjson.decode(body).data)
end
slice.report()
connection:close()
