--- A program that requests one location over and over, from when it prints "ready" until it reads a line. It prints the
-- worst latency in milliseconds, and the number of requests. `lua latency_probe.lua PORT PATH`
local socket = require "socket"

-- Seconds between two requests.
local PAUSE = 0.002

local port, path = arg[1], arg[2]
local connection = assert(socket.connect("127.0.0.1", port))
connection:setoption("tcp-nodelay", true)
connection:settimeout(20)

local function ask()
  local began = socket.gettime()
  assert(connection:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path)))
  local length
  for line in function() return assert(connection:receive("*l")) end do
    if line == "" then break end
    length = length or line:match("^Content%-Length: (%d+)")
  end
  assert(connection:receive(tonumber(length)))
  return socket.gettime() - began
end

-- luasocket can wait for any object that tells its descriptor.
local stdin = { getfd = function() return 0 end }

ask()
print("ready")
io.flush()
local worst, count = 0, 0
while not socket.select({ stdin }, nil, PAUSE)[stdin] do
  worst, count = math.max(worst, ask()), count + 1
end
print(("%.1f %d"):format(worst * 1000, count))
