-- A receiver of webhooks that answers 500 to the first request and 204 to all others. Prints its port; ends with its
-- standard input.
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0))
io.stdout:write(select(2, listener:getsockname()), "\n")
io.stdout:flush()
listener:settimeout(0.05)
local count = 0
local input = { getfd = function() return 0 end, dirty = function() return false end }
while true do
  local ready = socket.select({ listener, input }, nil)
  if ready[input] and not io.stdin:read(1) then break end
  local client = ready[listener] and listener:accept()
  if client then
    client:settimeout(5)
    local length = 0
    for line in function() return client:receive("*l") end do
      if line == "" then break end
      length = tonumber(line:lower():match("^content%-length: (%d+)")) or length
    end
    client:receive(length)
    count = count + 1
    client:send(("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):format(
      count == 1 and "500 Not Now" or "204 No Content"))
    client:close()
  end
end
