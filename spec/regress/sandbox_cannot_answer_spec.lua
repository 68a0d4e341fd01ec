-- A user saw: the sandbox take a booking and then raise at every request that would show it.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local sandbox = require "timekit.sandbox"
local server = require "timekit.sandbox.served.control"
local support = require "spec.support.box"

-- `count` objects, one in the other.
local function nested(count)
  return ('{"a":'):rep(count - 1) .. "{}" .. ("}"):rep(count - 1)
end

local function booking_with(field, value)
  return ('{"graph":"instant","start":"%s","end":"%s","%s":%s}'):format(support.START, support.END, field, value)
end

describe("a time that is outside the years 0 to 9999 in UTC", function()
  it("is refused for an event, and no booking is left behind", function()
    local api = support.new()
    for _, times in ipairs {
      { "0000-01-01T00:00:00+2300", "0000-01-01T01:00:00+2300" },
      { "9999-12-31T22:00:00Z", "9999-12-31T23:00:00-2300" },
    } do
      local status, answer = api:request("POST", "/bookings?include=event", {
        graph = "instant", start = times[1], ["end"] = times[2],
      })
      assert.equal(422, status)
      assert.matches("0 to 9999", core.encode(answer.errors))
    end
    assert.same({}, api.box:bookings())
    for _, times in ipairs {
      { "0000-01-01T00:00:00Z", "0000-01-01T01:00:00Z" }, { "9999-12-31T23:00:00Z", "9999-12-31T23:59:59Z" },
    } do
      local fields = { graph = "instant", start = times[1], ["end"] = times[2] }
      assert.equal(201, (api:request("POST", "/bookings?include=event", fields)))
    end
    assert.equal(200, (api:request("GET", "/bookings?include=event")))
  end)

  it("is no clock for a box", function()
    for _, now in ipairs { 1 / 0, -1 / 0, 0 / 0, 1e18, -1e18 } do
      assert.matches("^now: expected .*0 to 9999", blame(function() sandbox.new { now = now } end))
      local box = sandbox.new { now = function() return now end }
      assert.matches("0 to 9999", blame(function() box:now() end))
    end
    local last = 253402300799 -- 9999-12-31T23:59:59Z
    local box = sandbox.new { now = last }
    assert.equal(last, box:now())
    assert.matches("10000", blame(function() box:advance(1) end))
  end)
end)

describe("a body with many levels", function()
  -- The deepest that an answer puts a part of a body: participants of bulked bookings, in a list.
  local EVERYTHING = "include=attributes,customers,meta,event,bulked_bookings.attributes,bulked_bookings.customers"

  it("is refused where an answer could not hold it, and no booking is left behind", function()
    local api = support.new()
    for _, field in ipairs { "meta", "customer", "settings" } do
      local status, answer = api:request("POST", "/bookings?include=meta", booking_with(field, nested(62)))
      assert.equal(422, status)
      assert.matches("levels", answer.error)
    end
    local id = api:create("confirm_decline")
    local status = api:act(id, "decline", ('{"decline":{"note":%s}}'):format(nested(61)))
    assert.equal(422, status)
    assert.equal("tentative", api:get(id).state)
    assert.equal(1, #api.box:bookings())
  end)

  it("is shown wherever it stands when it is taken", function()
    local api = support.new()
    local ids = {}
    for levels = 50, 63 do
      for _, body in ipairs {
        booking_with("meta", nested(levels)), booking_with("customer", nested(levels)),
        booking_with("participants", "[" .. nested(levels) .. "]"),
        ('{"graph":"instant","event":{"start":"%s","end":"%s","participants":[%s]}}'):format(
          support.START, support.END, nested(levels)),
      } do
        local status, answer = api:request("POST", "/bookings", body)
        if status == 201 then ids[#ids + 1] = answer.data.id end
      end
    end
    assert.is_true(#ids >= 16)
    api.box:relate(ids)
    assert.equal(200, (api:request("GET", "/bookings?" .. EVERYTHING)))
    for _, name in ipairs { "requests", "bookings" } do
      local answer = server.handle(api.box, { method = "GET", target = "/_sandbox/" .. name, body = "" })
      assert.equal(200, answer.status)
    end
  end)
end)

describe("a control endpoint's answer that JSON cannot say", function()
  it("is replaced by one that says why", function()
    local box = sandbox.new()
    local answer = server.handle(box, { method = "GET", target = "/_sandbox/\255", body = "" })
    assert.equal(400, answer.status)
    assert.matches("UTF%-8", assert(core.decode(answer.body)).error)
    box.requests = function() return { function() end } end
    answer = server.handle(box, { method = "GET", target = "/_sandbox/requests", body = "" })
    assert.equal(400, answer.status)
    assert.matches("cannot encode a function", assert(core.decode(answer.body)).error)
  end)
end)
