-- After a 503 of Timekit's, all clients that share a rate send no more than what is in flight, and one that tries.
local core = require "timekit.core"
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"
local redis_host = require "spec.support.redis_host"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local CLIENTS, CALLS = 8, 3

-- Seconds: before Timekit refuses, and for which it does so from the first refusal on. The pauses that follow are of
-- one and of two seconds.
local BEFORE, DENIAL = 1.5, 2.5

describe("a refusal", function()
  local server
  setup(function() server = redis_host.open() end)
  teardown(function() redis_host.close(server) end)
  before_each(host.reset)

  it("is met by what is in flight, and by one more", function()
    local in_flight, at_first, further, first, well = 0, nil, 0, nil, 0
    local function before() in_flight = in_flight + 1 end
    local function after(event)
      in_flight = in_flight - 1
      if event.status ~= 503 then
        if first then well = well + 1 end
      elseif first then
        further = further + 1
      else
        first, at_first = core.now(), in_flight
      end
    end
    local clients, is_over = {}, false
    for index = 1, CLIENTS do
      local tk = host.client {
        retries = 0, before = before, after = after,
        rate = { redis = server.address, name = "refusal", per_second = 9.8, burst = 10 },
      }
      clients[index] = tk
      for _ = 1, CALLS do
        tk:start(function()
          while not is_over do tk:booking("x"):get() end
        end)
      end
    end
    local function run_until(is_done)
      repeat
        for _, tk in ipairs(clients) do tk:update() end
        core.sleep(0.0005)
      until is_done()
    end
    local began = core.now()
    run_until(function() return core.now() >= began + BEFORE end)
    host.plan { match = "GET /v2/bookings/*", what = "status", status = 503, when = "before", times = 100000,
      body = '{"error":"Too many requests"}' }
    run_until(function() return first and core.now() >= first + DENIAL end)
    host.reset()
    assert.is_true(further <= at_first + 1, ("%d further ones, and %d were in flight"):format(further, at_first))
    -- Afterwards all is well again.
    run_until(function() return well >= 5 end)
    is_over = true
    for _, tk in ipairs(clients) do tk:close() end
  end)
end)
