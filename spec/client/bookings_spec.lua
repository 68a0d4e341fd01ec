-- Creating, changing, moving and deleting bookings, and holding slots: what is refused on the spot, what is sent, and
-- what becomes of an outcome that is in doubt.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local graphs = require "timekit.graphs"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure

local START, STOP = "2030-03-01T08:00:00+00:00", "2030-03-01T09:00:00+00:00"

-- A client whose server gives these answers, one after the other.
local function client(...)
  local transport = scripted.new { ... }
  return timekit.new { app_key = "test_key", transport = transport, retries = 0 }, transport
end

local function with(changes, fields)
  local all = fields or { graph = "instant", start = START, ["end"] = STOP }
  for name, value in pairs(changes) do all[name] = value or nil end
  return all
end

-- `fn` must be refused on the spot, with these fields to blame.
local function refused(expected, tk, transport, fn)
  local none, err = fn(tk)
  assert.is_nil(none)
  assert.same({ "input", "no", 0, false }, { err.kind, err.sent, err.attempts, err.retryable })
  local names = {}
  for name, texts in pairs(err.fields) do
    names[#names + 1] = name
    assert.matches(name .. ": " .. texts[1], err.message, 1, true)
  end
  table.sort(names)
  assert.same(expected, names)
  assert.equal(0, #transport.requests)
  return err
end

describe("a new booking", function()
  local tk, transport

  before_each(function() tk, transport = client() end)

  local function refuses(names, fields)
    return refused(names, tk, transport, function() return tk:create_booking(fields) end)
  end

  local function sends(fields, options)
    local plan = scripted.new { answer(201, '{"data":{"id":"b1","state":"confirmed"}}') }
    local all = { app_key = "test_key", transport = plan }
    for name, value in pairs(options or {}) do all[name] = value end
    assert(timekit.new(all):create_booking(fields))
    assert.same(fields, core.decode(plan.requests[1].body))
  end

  it("is refused with an action that its graph lacks or does not begin with", function()
    local err = refuses({ "action" }, with { action = "confrm" })
    assert.matches("did you mean 'confirm'", err.message, 1, true)
    assert.equal("instant", err.graph)
    refuses({ "action" }, with { graph = "confirm_decline", action = "confirm" })
    refuses({ "action" }, with { action = 7 })
    for name, graph in pairs(graphs) do
      local fields = { graph = name, action = graph.first, related = { owner_booking_id = "b0" } }
      if graph.first then sends(fields) else refuses({ "graph" }, fields) end
    end
  end)

  it("is refused without what its graph requires", function()
    for _, name in ipairs { "group_customer", "group_customer_payment" } do
      for _, related in ipairs { false, {}, { owner_booking_id = "" }, { owner_booking_id = core.null }, "b0" } do
        refuses({ "related.owner_booking_id" }, { graph = name, related = related or nil })
      end
      sends { graph = name, related = { owner_booking_id = "b0" } }
    end
  end)

  it("is refused with settings that its graph says are wrong", function()
    local owner = { graph = "group_owner" }
    for _, seats in ipairs { "three", 0, -1, 2.5, true } do
      refuses({ "settings.max_seats" }, with({ settings = { max_seats = seats } }, { graph = "group_owner" }))
      refuses({ "max_seats" }, with({ max_seats = seats }, { graph = "group_owner" }))
    end
    local err = refuses({ "settings.max_seat" }, with({ settings = { max_seat = 3 } }, owner))
    assert.matches("did you mean 'max_seats'", err.message, 1, true)
    refuses({ "settings" }, { graph = "group_owner", settings = "none" })
    refuses({ "settings.min_cancel_time" }, { graph = "group_owner", settings = { min_cancel_time = 5 } })
    for _, timeout in ipairs { 25, "25 min", { time = 25 }, { unit = "min" }, { time = -1, unit = "min" },
      { time = "soon", unit = "min" } } do
      refuses({ "timeout" }, { graph = "instant_payment", timeout = timeout })
      refuses({ "settings.timeout" }, { graph = "instant_payment", settings = { timeout = timeout } })
    end
  end)

  it("is sent wherever a refusal is not certain", function()
    sends(core.decode(fixture "create-request-group_owner"))
    sends(core.decode(fixture "create-request-group_customer"))
    sends(core.decode(fixture "create-request-confirm_decline-2016"))
    sends { graph = "instant_payment", timeout = { time = 25, unit = "min" } }
    sends { graph = "instant_payment", timeout = { time = 2, unit = "fortnights" } }
    sends { graph = "group_owner", settings = { max_seats = core.null, allow_double_bookings = true } }
    sends { graph = "a_graph_of_theirs", action = "anything" }
    sends { what = "x" }
    sends(with { start = core.null })
    sends({ graph = "instant", start = "01.03.2030 08:00" }, { input_timestamp_format = "d.m.Y H:i" })
  end)

  it("is refused with times that are none, lack their zone or are the wrong way round", function()
    for _, bad in ipairs { "2030-03-01T08:00:00", "2030-03-01", "tomorrow", "", 1898582400, true,
      "2030-02-30T08:00:00Z", "2030-03-01T25:00:00Z", "2030-03-01 08:00:00Z" } do
      refuses({ "start" }, with { start = bad })
      refuses({ "end" }, with { ["end"] = bad })
      refuses({ "event.start" }, { graph = "instant", event = { start = bad, ["end"] = STOP } })
    end
    assert.matches("time zone is missing", refuses({ "start" }, with { start = "2030-03-01T08:00:00" }).message)
    refuses({ "end" }, with { ["end"] = START })
    -- An earlier time, though it looks later: the offsets differ.
    refuses({ "end" }, with { ["end"] = "2030-03-01T08:30:00+01:00" })
    refuses({ "event.end" }, { graph = "instant", event = { start = STOP, ["end"] = START } })
    refuses({ "end", "start" }, with { start = "x", ["end"] = "y" })
  end)

  it("of a graph of one's own is checked by its rules", function()
    timekit.graphs.define {
      name = "spec_83", initial = "new", first = "begin", requires = { "customer.email" },
      settings = { tables = { type = "integer", required = false } },
      states = { new = {}, going = {} }, actions = { { name = "begin", from = "new", to = "going" } },
    }
    refuses({ "action", "customer.email", "settings.tables" },
      { graph = "spec_83", action = "begn", settings = { tables = "two" } })
    sends { graph = "spec_83", action = "begin", customer = { email = "a@b.c" }, settings = { tables = 2 } }
    rawset(timekit.graphs, "spec_83", nil)
  end)

  it("leaves the fields as they are", function()
    local fields = { graph = "group_customer", related = {}, settings = { a = core.null } }
    tk:create_booking(fields)
    assert.same({ graph = "group_customer", related = {}, settings = { a = core.null } }, fields)
  end)

  it("that Timekit refuses for a full group names the field", function()
    local box = timekit.sandbox.new()
    local own = timekit.new { transport = box }
    local group = assert(own:create_booking {
      graph = "group_owner", start = START, ["end"] = STOP, settings = { max_seats = 1 },
    })
    local seat = { graph = "group_customer", related = { owner_booking_id = group.id } }
    assert(own:create_booking(seat))
    local none, err = own:create_booking(seat)
    assert.is_nil(none)
    assert.equal("validation", err.kind)
    assert.is_table(err.fields["related.owner_booking_id"])
  end)
end)

local BOOKING = '{"data":{"id":"b1","graph":"instant","state":"confirmed","completed":false%s}}'

local function booking(extra) return answer(200, BOOKING:format(extra or "")) end

describe("meta", function()
  it("is changed by one request", function()
    local tk, transport = client(booking ',"meta":{"a":1}')
    local meta = { a = 1, list = timekit.array {} }
    local handle = tk:booking("b/1")
    local changed, info = handle:update_meta(meta, { include = "meta", timeout = 3 })
    assert.same({ a = 1 }, changed.meta)
    assert.same({ 200, 1, false }, { info.status, info.attempts, info.reconciled })
    local request = transport.requests[1]
    assert.same({ "PUT", "/bookings/b%2F1?include=meta", 3 }, { request.method, request.target, request.timeout })
    assert.same({ meta = { a = 1, list = {} } }, core.decode(request.body))
    assert.same({ a = 1, list = {} }, meta)
  end)

  it("is a success after a doubt only where the booking has all of it and nothing else", function()
    for text, proved in pairs {
      ['{"a":1,"b":{"c":[true]}}'] = true, ['{"a":1,"b":{"c":[true]},"n":null}'] = true,
      ['{"a":1}'] = false, ['{"a":1,"b":{"c":[false]}}'] = false, ['{"a":1,"b":{"c":[true]},"d":2}'] = false,
      ["null"] = false, ["{}"] = false,
    } do
      for _, lost in ipairs { failure("network", "maybe"), answer(502), answer(200, "[]"), answer(204) } do
        local tk, transport = client(lost, booking(',"meta":' .. text))
        local changed, info = tk:booking("b1"):update_meta { a = 1, b = { c = { true } }, n = core.null }
        assert.equal(2, #transport.requests)
        assert.same({ "GET", "/bookings/b1?include=meta" },
          { transport.requests[2].method, transport.requests[2].target })
        if proved then
          assert.is_true(info.reconciled)
          assert.equal("confirmed", changed.state)
        else
          assert.is_nil(changed)
          assert.same({ "uncertain", "confirmed" }, { info.kind, info.state })
          assert.matches("the booking's meta was changed", info.message, 1, true)
        end
      end
    end
  end)

  it("is never sent again after a doubt, and again where nothing had happened", function()
    local transport = scripted.new { failure("network", "no"), answer(429), answer(502), answer(404) }
    local clock = clocks.install()
    local tk = timekit.new { app_key = "test_key", transport = transport, retries = 2 }
    local none, err = tk:booking("b1"):update_meta { a = 1 }
    clock:remove()
    assert.is_nil(none)
    assert.same({ "uncertain", 3, "server" }, { err.kind, err.attempts, err.cause.kind })
    assert.equal(4, #transport.requests)
  end)

  it("is reported at once when that is asked for", function()
    local transport = scripted.new { answer(500) }
    local tk = timekit.new { app_key = "test_key", transport = transport, uncertain = "report" }
    assert.equal("uncertain", select(2, tk:booking("b1"):update_meta { a = 1 }).kind)
    assert.equal(1, #transport.requests)
  end)

  it("that is none raises", function()
    local handle = client():booking("b1")
    for _, meta in ipairs { "x", 7, { 1 }, timekit.array {} } do
      assert.matches("^booking:update_meta: expected a table of named fields",
        blame(function() handle:update_meta(meta) end))
    end
    assert.matches("fields.meta.f", blame(function() handle:update_meta { f = print } end), 1, true)
    assert.matches("unknown option 'timout'", blame(function() handle:update_meta({}, { timout = 1 }) end), 1, true)
    assert.matches("call it with a colon", blame(function() handle.update_meta {} end), 1, true)
  end)
end)

describe("a reschedule", function()
  local MOVED = { start = START, ["end"] = STOP, resource_id = "r1", message = "Sorry" }

  it("is one request", function()
    local tk, transport = client(booking())
    local handle = tk:booking("b1")
    assert(handle:reschedule(MOVED, { include = { "event" } }))
    local request = transport.requests[1]
    assert.same({ "POST", "/bookings/b1/reschedule?include=event" }, { request.method, request.target })
    assert.same(MOVED, core.decode(request.body))
    assert.equal("confirmed", handle.state)
  end)

  it("is refused with times that are none, and with slips of the pen", function()
    local tk, transport = client()
    local function refuses(names, fields)
      refused(names, tk, transport, function() return tk:booking("b1"):reschedule(fields) end)
    end
    refuses({ "start" }, { start = "2030-03-01T08:00:00", ["end"] = STOP })
    refuses({ "end" }, { start = STOP, ["end"] = START })
    refuses({ "start" }, { start = 7, ["end"] = STOP })
    refuses({ "mesage" }, { start = START, ["end"] = STOP, mesage = "x" })
    refuses({ "message" }, { start = START, ["end"] = STOP, message = true })
  end)

  it("is a success after a doubt only where the booking stands at the new times", function()
    local at = ',"attributes":{"event_info":{"start":"%s","end":"%s"}}%s'
    local there, elsewhere = "2030-03-01T09:00:00+0100", "2030-03-01T10:00:00+0100"
    for text, proved in pairs {
      [at:format(there, elsewhere, ',"resource":{"id":"r1"}')] = true,
      [',"resource":{"id":"r1"},"event":{"start":"2030-03-01T08:00:00Z","end":"2030-03-01T09:00:00Z"}'] = true,
      [at:format(there, elsewhere, ',"resource":{"id":"r2"}')] = false,
      [at:format(there, elsewhere, "")] = false,
      [at:format(there, there, ',"resource":{"id":"r1"}')] = false,
      [',"resource":{"id":"r1"}'] = false,
      [',"attributes":null,"event":null'] = false,
    } do
      local tk, transport = client(answer(504), booking(text))
      local moved, info = tk:booking("b1"):reschedule(MOVED)
      assert.equal("/bookings/b1?include=attributes,event,resource", transport.requests[2].target)
      if proved then assert.is_true(info.reconciled) else assert.equal("uncertain", info.kind) end
      assert.equal(proved, moved ~= nil)
    end
  end)

  it("does not learn about a booking that took its place", function()
    local tk = client(answer(200, '{"data":{"id":"b2","graph":"instant","state":"confirmed"}}'))
    local handle = tk:booking { id = "b1", graph = "instant", state = "tentative" }
    assert.equal("b2", handle:reschedule(MOVED).id)
    assert.is_nil(handle.state)
  end)
end)

describe("a deletion", function()
  it("is a success with no answer, an empty one and one that says something", function()
    for _, done in ipairs { answer(204), answer(200), answer(200, "{}"), answer(200, '{"data":[]}') } do
      local tk, transport = client(done)
      local handle = tk:booking { id = "b1", graph = "instant", state = "cancelled", completed = true }
      local deleted, info = handle:delete { timeout = 4 }
      assert.is_true(deleted)
      assert.equal(done.status, info.status)
      local request = transport.requests[1]
      assert.same({ "DELETE", "/bookings/b1", 4 }, { request.method, request.target, request.timeout })
      assert.is_nil(request.body)
      assert.is_nil(handle.state)
    end
  end)

  it("is for Timekit to refuse, whatever state was seen", function()
    local tk, transport = client(answer(422,
      '{"error":"Cannot apply action \'delete\' to current state \'confirmed\'"}'))
    local none, err = tk:booking { id = "b1", graph = "instant", state = "confirmed", completed = false }:delete()
    assert.is_nil(none)
    assert.same({ "transition", "yes", "confirmed" }, { err.kind, err.sent, err.state })
    assert.equal(1, #transport.requests)
  end)

  it("is a success after a doubt only where the booking is gone", function()
    local gone = answer(404, fixture "bookingjs-404")
    for _, case in ipairs {
      { gone, true }, { booking(), false }, { answer(401), false }, { answer(500), false },
    } do
      for _, lost in ipairs { failure("network", "maybe"), answer(500), answer(200, "<html>"), answer(503) } do
        local tk, transport = client(lost, case[1])
        local deleted, info = tk:booking("b1"):delete()
        assert.equal(2, #transport.requests)
        assert.equal("GET", transport.requests[2].method)
        if case[2] then
          assert.same({ true, true }, { deleted, info.reconciled })
        else
          assert.is_nil(deleted)
          assert.equal("uncertain", info.kind)
        end
      end
    end
  end)

  it("of a booking that is not there is not_found", function()
    local tk = client(answer(404, fixture "bookingjs-404"))
    assert.equal("not_found", select(2, tk:booking("b1"):delete()).kind)
    assert.matches("unknown option 'include'",
      blame(function() tk:booking("b1"):delete { include = "meta" } end), 1, true)
  end)
end)

describe("a reservation", function()
  it("is made and extended by one request each", function()
    local tk, transport = client(answer(201, '{"data":{"id":"r1","graph":"reservation","state":"reserved"}}'),
      answer(200, '{"id":"r1"}'))
    local slot = { resource_id = "x", start = START, ["end"] = STOP }
    local held, info = tk:reserve(slot)
    assert.same({ "r1", 201 }, { held.id, info.status })
    assert.equal("r1", tk:extend_reservation({ reservation_id = "r1" }, { timeout = 2 }).id)
    assert.same({ "POST", "/bookings/reserve", slot },
      { transport.requests[1].method, transport.requests[1].target, core.decode(transport.requests[1].body) })
    assert.same({ "PUT", "/bookings/reserve/extend", 2 },
      { transport.requests[2].method, transport.requests[2].target, transport.requests[2].timeout })
  end)

  it("is refused with times that are none", function()
    local tk, transport = client()
    refused({ "start" }, tk, transport, function()
      return tk:reserve { start = "2030-03-01T08:00:00", ["end"] = STOP }
    end)
    refused({ "end" }, tk, transport, function() return tk:reserve { start = STOP, ["end"] = START } end)
  end)

  it("is never sent again after a doubt", function()
    for _, lost in ipairs { failure("network", "maybe"), answer(500), answer(201), answer(201, "[]") } do
      local tk, transport = client(lost, lost)
      local none, err = tk:reserve { start = START, ["end"] = STOP }
      assert.is_nil(none)
      assert.equal("uncertain", err.kind)
      assert.matches("the slot was reserved", err.message, 1, true)
      none, err = tk:extend_reservation { reservation_id = "r1" }
      assert.is_nil(none)
      assert.matches("the reservation was extended", err.message, 1, true)
      assert.equal(2, #transport.requests)
    end
  end)

  it("of no fields raises", function()
    local tk = client()
    assert.matches("^client:reserve: expected a table of named fields", blame(function() tk:reserve() end))
    assert.matches("^client:extend_reservation: expected a table of named fields, got a list",
      blame(function() tk:extend_reservation { 1 } end))
    assert.matches("^client:reserve: fields.x", blame(function() tk:reserve { x = print } end))
    assert.matches("^client:reserve: unknown option", blame(function() tk:reserve({}, { tineout = 1 }) end))
    tk:close()
    assert.matches("^client:reserve: the client is closed", blame(function() tk:reserve {} end))
  end)
end)
