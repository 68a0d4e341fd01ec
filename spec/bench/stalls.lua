--- How long an nginx keeps others waiting while it answers a request.
local socket = require "socket"

local PATIENCE = 20

local stalls = {}

local function connect(port)
  local connection = assert(socket.connect("127.0.0.1", port))
  connection:settimeout(PATIENCE)
  connection:setoption("tcp-nodelay", true)
  return connection
end

local function send(connection, path)
  assert(connection:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path)))
end

local function receive(connection)
  local length, chunked, body = nil, false, ""
  for line in function() return assert(connection:receive("*l")) end do
    if line == "" then break end
    length = length or tonumber(line:lower():match("^content%-length: (%d+)"))
    chunked = chunked or line:lower():find("^transfer%-encoding: chunked") ~= nil
  end
  if not chunked then return assert(connection:receive(length)) end
  while true do
    local size = tonumber(assert(connection:receive("*l")), 16)
    body = body .. assert(connection:receive(size + 2)):sub(1, size)
    if size == 0 then return body end
  end
end

--- Asks for `path`, and for `/fast` over and over until it is answered.
-- @tparam integer port
-- @tparam string path
-- @tparam string expected in the answer's body
-- @tparam integer times
-- @treturn {number,...} milliseconds: the longest that `/fast` took, each time
function stalls.measure(port, path, expected, times)
  local slow, fast, list = connect(port), connect(port), {}
  for index = 1, times do
    local worst = 0
    send(slow, path)
    repeat
      local began = socket.gettime()
      send(fast, "/fast")
      receive(fast)
      worst = math.max(worst, socket.gettime() - began)
    until socket.select({ slow }, nil, 0)[slow]
    local body = receive(slow)
    assert(body:find(expected, 1, true), body)
    list[index] = worst * 1000
  end
  slow:close()
  fast:close()
  return list
end

return stalls
