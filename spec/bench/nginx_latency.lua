--- What an action costs in nginx at low load, next to proxy_pass to the same upstream: one request at a time.
-- `make bench-nginx`; REQUESTS for each kind in a round, ROUNDS.
package.path = "./?.lua;" .. package.path

local server = require "spec.bench.server"
local socket = require "socket"

local REQUESTS = tonumber(os.getenv("REQUESTS")) or 2000
local ROUNDS = tonumber(os.getenv("ROUNDS")) or 5

local upstream = server.start()
local front = server.front(upstream.port)

local connection = assert(socket.connect("127.0.0.1", front.port))
connection:settimeout(10)
connection:setoption("tcp-nodelay", true)

local function request(path)
  assert(connection:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path)))
  local length, chunked
  while true do
    local line = assert(connection:receive("*l"))
    if line == "" then break end
    length = length or tonumber(line:lower():match("^content%-length: (%d+)"))
    chunked = chunked or line:lower():find("^transfer%-encoding: chunked")
  end
  if length then return assert(connection:receive(length)) end
  assert(chunked)
  local body = ""
  while true do
    local size = tonumber(assert(connection:receive("*l")), 16)
    local part = assert(connection:receive(size + 2))
    if size == 0 then return body end
    body = body .. part:sub(1, size)
  end
end

local function measure(path, expected)
  local times = {}
  for index = 1, REQUESTS do
    local began = socket.gettime()
    local body = request(path)
    times[index] = (socket.gettime() - began) * 1e6
    assert(body:find(expected, 1, true), body)
  end
  table.sort(times)
  local sum = 0
  for _, time in ipairs(times) do sum = sum + time end
  return { mean = sum / #times, median = times[math.floor(#times / 2)], p99 = times[math.floor(#times * 0.99)] }
end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

local costs = {}
print(("%d requests of each kind in a round, microseconds: mean, median, p99"):format(REQUESTS))
for round = 0, ROUNDS do
  local proxy = measure("/proxy", "confirmed")
  local action = measure("/action", "confirmed")
  -- Round 0 warms up.
  if round > 0 then
    costs[round] = action.mean - proxy.mean
    print(("proxy_pass %5.0f %5.0f %5.0f   action %5.0f %5.0f %5.0f   more %5.0f %5.0f"):format(
      proxy.mean, proxy.median, proxy.p99, action.mean, action.median, action.p99,
      action.mean - proxy.mean, action.median - proxy.median))
  end
end
print(("an action costs %.3f ms more than proxy_pass (median of the rounds' means)"):format(median(costs) / 1000))
io.write(front:complaints())

connection:close()
front:close()
upstream.close()
