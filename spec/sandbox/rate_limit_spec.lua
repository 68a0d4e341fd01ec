-- Timekit's rate limits, where a box is asked to have them (spec/api.md 1).
local blame = require "spec.support.blame"
local sandbox = require "timekit.sandbox"
local support = require "spec.support.box"

describe("a sandbox with a rate limit", function()
  -- The statuses of some requests at once, and what the last one says is left.
  local function ask(api, count)
    local statuses, headers = {}, nil
    for index = 1, count do
      local status, _, received = api:request("GET", "/bookings")
      statuses[index], headers = status, received
    end
    return statuses, headers["x-ratelimit-remaining"]
  end

  local function times(status, count)
    local list = {}
    for index = 1, count do list[index] = status end
    return list
  end

  it("a minute answers 503 beyond it, and leaks", function()
    local api = support.new { rate_limit = { per_minute = 6 } }
    local statuses, left = ask(api, 6)
    assert.same({ times(200, 6), "0" }, { statuses, left })
    statuses, left = ask(api, 2)
    assert.same({ times(503, 2), "0" }, { statuses, left })
    -- One drop leaks in ten seconds. What was refused added none.
    api.box:advance(9)
    assert.same(times(503, 1), (ask(api, 1)))
    api.box:advance(1)
    assert.same({ 200, 503 }, (ask(api, 2)))
    api.box:advance(40)
    statuses, left = ask(api, 3)
    assert.same({ times(200, 3), "1" }, { statuses, left })
    api.box:advance(3600)
    assert.equal("5", select(2, ask(api, 1)))
  end)

  it("a minute takes a burst at once", function()
    local api = support.new { rate_limit = { per_minute = 600, burst = 10 } }
    local statuses, left = ask(api, 10)
    assert.same({ times(200, 10), "0" }, { statuses, left })
    assert.same({ 503 }, (ask(api, 1)))
    api.box:advance(1)
    assert.equal("9", select(2, ask(api, 1)))
  end)

  it("leaks to the last drop, whatever its size", function()
    for _, per_minute in ipairs { 7, 11, 13, 59 } do
      local api = support.new { rate_limit = { per_minute = per_minute } }
      ask(api, per_minute)
      for _ = 1, 60 do api.box:advance(1) end
      assert.same(times(200, per_minute), (ask(api, per_minute)))
    end
  end)

  it("a day answers 429 beyond it, until the next day in UTC", function()
    local api = support.new { rate_limit = { per_day = 3 } }
    local statuses, left = ask(api, 2)
    assert.same({ times(200, 2), "1" }, { statuses, left })
    api.box:advance(86399)
    assert.same({ 200, 429, 429 }, (ask(api, 3)))
    api.box:advance(1)
    assert.equal("2", select(2, ask(api, 1)))
  end)

  it("can have both, and says what is left of the scarcer", function()
    local api = support.new { rate_limit = { per_minute = 2, per_day = 3 } }
    local statuses, left = ask(api, 3)
    assert.same({ { 200, 200, 503 }, "0" }, { statuses, left })
    api.box:advance(60)
    statuses, left = ask(api, 2)
    assert.same({ { 200, 429 }, "0" }, { statuses, left })
  end)

  it("changes nothing by a request that it refuses, and counts none without a key", function()
    local api = support.new { app_key = "test_api_key_1", rate_limit = { per_minute = 2 } }
    for _ = 1, 5 do assert.equal(401, (api:request("GET", "/bookings", nil, {}))) end
    local id = api:create("confirm_decline")
    assert.equal(200, (api:act(id, "confirm")))
    local status, answer = api:act(id, "cancel")
    assert.same({ 503, { error = "Rate limit exceeded" } }, { status, answer })
    assert.equal("confirmed", api.box:bookings()[1].state)
    assert.equal(503, api.box:requests()[8].status)
    api.box:reset()
    assert.same(times(200, 2), (ask(api, 2)))
  end)

  it("is what the client calls a rate limit", function()
    local tk = require("timekit").new {
      transport = sandbox.new { now = support.NOW, rate_limit = { per_minute = 1 } }, retries = 0,
    }
    local booking = assert(tk:create_booking(support.fields()))
    local none, err = tk:booking(booking.id):get()
    assert.same({ nil, "rate_limited", 503 }, { none, err.kind, err.status })
    tk:close()
  end)

  it("raises for limits that are none", function()
    local function refusal(limit) return blame(function() sandbox.new { rate_limit = limit } end) end
    assert.equal("rate_limit.per_minut: unknown, did you mean 'per_minute'?", refusal { per_minut = 1 })
    assert.equal("rate_limit: expected a table, got a number", refusal(600))
    assert.equal("rate_limit: expected a table, got a boolean", refusal(false))
    assert.equal("rate_limit.burst: means nothing without per_minute", refusal { per_day = 1, burst = 1 })
    for _, name in ipairs { "per_minute", "per_day", "burst" } do
      for _, value in ipairs { 0, -1, 1.5, "1", math.huge } do
        assert.matches("^rate_limit." .. name .. ": expected", refusal { [name] = value })
      end
    end
  end)
end)

describe("a sandbox without a rate limit", function()
  it("says what Timekit grants, and keeps saying so", function()
    local api = support.new()
    for key, left in pairs { ["Basic OnRlc3RfYXBpX2tleV8x"] = "2999", ["Basic OmxpdmU="] = "599" } do -- :live
      for _ = 1, 3 do
        local _, _, headers = api:request("GET", "/bookings", nil, { Authorization = key })
        assert.equal(left, headers["x-ratelimit-remaining"])
      end
    end
  end)
end)
