-- Changes beside actions (meta, reschedule, delete, reservations, groups) against the sandbox, in this process and over
-- HTTP.
local sandbox_server = require "spec.support.sandbox_server"
local core = require "timekit.core"
local timekit = require "timekit"

local START, STOP = "2030-03-01T08:00:00Z", "2030-03-01T09:00:00Z"
local LATER = { start = "2030-03-02T08:00:00Z", ["end"] = "2030-03-02T09:00:00Z" }
local RESOURCE = "67623db3-cb5f-41e8-b85b-23b5efd04e07"

local function suite(start)
  local tk, fault, stop

  before_each(function() tk, fault, stop = start() end)
  after_each(function() stop() end)

  local function create(changes)
    local fields = { graph = "instant", start = START, ["end"] = STOP, resource_id = RESOURCE }
    for name, value in pairs(changes or {}) do fields[name] = value end
    local booking = assert(tk:create_booking(fields))
    return tk:booking(booking), booking
  end

  -- Loses the connection: "after" the request was applied, or "before".
  local function lose(match, when)
    fault { match = match, when = when, what = "close" }
  end

  it("changes meta", function()
    local handle = create()
    assert.equal(7, assert(handle:update_meta({ seat = 7 }, { include = "meta" })).meta.seat)
    assert.equal(7, assert(handle:get { include = "meta" }).meta.seat)
    lose("PUT /v2/bookings/*", "after")
    local _, info = assert(handle:update_meta { seat = { 8, "by the window" } })
    assert.is_true(info.reconciled)
    lose("PUT /v2/bookings/*", "before")
    local none, err = handle:update_meta { seat = 9 }
    assert.is_nil(none)
    assert.equal("uncertain", err.kind)
    assert.same({ 8, "by the window" }, assert(handle:get { include = "meta" }).meta.seat)
  end)

  it("moves a booking", function()
    local handle = create()
    local function starts() return assert(handle:get { include = "attributes" }).attributes.event_info.start end
    assert(handle:reschedule(LATER))
    assert.matches("^2030%-03%-02", starts())
    lose("POST /v2/bookings/*/reschedule", "after")
    local _, info = assert(handle:reschedule { start = START, ["end"] = STOP, resource_id = RESOURCE, message = "x" })
    assert.is_true(info.reconciled)
    lose("POST /v2/bookings/*/reschedule", "before")
    local none, err = handle:reschedule(LATER)
    assert.is_nil(none)
    assert.equal("uncertain", err.kind)
    assert.matches("^2030%-03%-01", starts())
    none, err = handle:reschedule { start = STOP, ["end"] = START }
    assert.is_nil(none)
    assert.equal("input", err.kind)
  end)

  it("deletes a booking only in a final state", function()
    local handle = create()
    local none, err = handle:delete()
    assert.is_nil(none)
    assert.same({ "transition", "confirmed" }, { err.kind, err.state })
    assert(handle:cancel())
    lose("DELETE /v2/bookings/*", "before")
    none, err = handle:delete()
    assert.is_nil(none)
    assert.same({ "uncertain", "cancelled" }, { err.kind, err.state })
    lose("DELETE /v2/bookings/*", "after")
    local deleted, info = handle:delete()
    assert.same({ true, true }, { deleted, info.reconciled })
    assert.equal("not_found", select(2, handle:get()).kind)
    assert.equal("not_found", select(2, handle:delete()).kind)
  end)

  it("holds a slot, for longer, and books it", function()
    local held = assert(tk:reserve { resource_id = RESOURCE, start = START, ["end"] = STOP, reservation_time = 60 })
    assert(tk:extend_reservation { reservation_id = held.id, reservation_time = 600 })
    local _, booking = create { reservation_id = held.id }
    assert.equal("confirmed", booking.state)
  end)

  it("finds groups and their seats", function()
    local _, group = create { graph = "group_owner", settings = { max_seats = 1 } }
    create()
    local found
    for booking in tk:group_bookings { include = "attributes" } do
      assert.is_nil(found)
      found = booking
    end
    assert.equal(group.id, found.id)
    assert.equal(1, found.attributes.group_booking.max_seats)
    assert.equal(group.id, assert(tk:group_booking(group.id)).id)
    local seat = { graph = "group_customer", related = { owner_booking_id = group.id } }
    assert(tk:create_booking(seat))
    assert.equal("validation", select(2, tk:create_booking(seat)).kind)
  end)

  it("asks for anything else", function()
    assert(tk:request("GET", "/bookings/graphs/instant"))
    local handle = create()
    assert.equal("cancelled", assert(tk:request("PUT", ("/bookings/%s/cancel"):format(handle.id), { body = {} })).state)
    assert(tk:request("DELETE", "/bookings/" .. handle.id))
    assert.equal("not_found", select(2, tk:request("GET", "/bookings/" .. handle.id)).kind)
    assert.equal("validation", select(2, tk:request("GET", "/bookings", { include = "nonsense" })).kind)
  end)
end

describe("a client of a sandbox in this process", function()
  suite(function()
    local box = timekit.sandbox.new { now = 1893456000 }
    local tk = timekit.new { transport = box }
    return tk, function(fault) box:fault(fault) end, function() tk:close() end
  end)
end)

describe("a client of a sandbox over HTTP", function()
  suite(function()
    local server = sandbox_server.start()
    local tk = timekit.new { app_key = "test_api_key_1", base_url = server.url }
    local function fault(plan)
      assert.equal(200, server:request("POST", "/_sandbox/faults", assert(core.encode(plan))))
    end
    return tk, fault, function()
      tk:close()
      server:close()
    end
  end)
end)
