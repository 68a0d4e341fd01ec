--- A process that shares a rate limit: it reads bookings again and again, and writes when it sent each request. It ends
-- when it is killed. Arguments: the Redis, Timekit's URL, the file to write to, how many calls at once, and `bulk` or
-- nothing.
local address, url, path, width, bulk = arg[1], arg[2], arg[3], tonumber(arg[4]), arg[5] == "bulk"
local core = require "timekit.core"
local timekit = require "timekit"

local log = assert(io.open(path, "a"))
local asked = {}
local tk = timekit.new {
  app_key = "test_api_key_1", base_url = url, retries = 0, timeout = 20,
  rate = { redis = address, name = "proof", per_second = 9.8, burst = 10 },
  before = function(event)
    local now = core.now()
    local since = asked[event.id]
    log:write(("%.6f %s %.6f\n"):format(now, bulk and "bulk" or "call", since and now - since or 0))
    log:flush()
  end,
  after = function(event)
    if event.status ~= 503 then return end
    log:write(("%.6f refused 0\n"):format(core.now()))
    log:flush()
  end,
}
print "ready"
io.flush()
local number = 0
local function read()
  while true do
    number = number + 1
    local id = "b" .. number
    asked[id] = core.now()
    tk:booking(id):get()
    asked[id] = nil
  end
end
if bulk then
  tk:batch(function()
    number = number + 1
    return { "b" .. number, "confirm" }
  end, { concurrency = width })
else
  for _ = 1, width do tk:start(read) end
  while true do tk:update(1) end
end
