-- Actions on many bookings by one request: what is refused on the spot, what is believed of the answer, and how a doubt
-- is resolved by reading.
local blame = require "spec.support.blame"
local bulk = require "spec.support.bulk"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local held = require "spec.support.held"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure
local LOST = bulk.LOST
local booking, client, endings, entries, fields, methods =
  bulk.booking, bulk.client, bulk.endings, bulk.entries, bulk.fields, bulk.methods

local BOTH = { { "b1", "confirm" }, { "b2", "decline", { message = "Full" } } }

describe("update_bookings", function()
  local box, tk, first, second, third

  before_each(function()
    box = timekit.sandbox.new { now = 1893456000 }
    tk = timekit.new { app_key = "test_key", transport = box, retries = 0 }
    local ids = {}
    for index = 1, 3 do ids[index] = assert(tk:create_booking(fields())).id end
    first, second, third = ids[1], ids[2], ids[3]
  end)

  local function states()
    local list = {}
    for index, id in ipairs { first, second, third } do list[index] = assert(tk:booking(id):get()).state end
    return list
  end

  local function count(method)
    local sum = 0
    for _, request in ipairs(box:requests()) do
      if request.method == method then sum = sum + 1 end
    end
    return sum
  end

  it("performs all by one request, and tells of each in order", function()
    local results, info = tk:update_bookings {
      { first, "confirm" }, { { id = second, graph = "confirm_decline" }, "decline", { message = "Full" } },
      { third, "confirm", nil, { settings = { notify = { enabled = false } } } },
    }
    assert.same({ "confirmed", "declined", "confirmed" }, endings(results))
    assert.same({ first, second, third }, { results[1][1].id, results[2][1].id, results[3][1].id })
    assert.same({ 3, 0, 200, false, 1 }, { results.done, results.failed, info.status, info.reconciled, info.attempts })
    assert.same({ 1, 0 }, { count("PUT"), count("GET") })
  end)

  it("sends each action as a request of its own would, beside its booking's id", function()
    local all = entries(booking("b1", "confirmed"), booking("b2", "declined"))
    local items = {
      { "b1", "confirm", nil, { apply_to_bulked_bookings = false, settings = { notify = { enabled = false } } } },
      { "b2", "decline", { message = "Full" } },
    }
    local copy = core.encode(items[2])
    local scripted_client, transport = client(all)
    assert(scripted_client:update_bookings(items, { reset_all_on_error = true, include = "meta", timeout = 9 }))
    local request = transport.requests[1]
    assert.same({ "PUT", "/bookings/bulk?include=meta", 9 }, { request.method, request.target, request.timeout })
    assert.same({
      bookings = {
        { id = "b1", action = "confirm", apply_to_bulked_bookings = false, notify = { enabled = false } },
        { id = "b2", action = "decline", decline = { message = "Full" } },
      },
      reset_all_on_error = true,
    }, core.decode(request.body))
    assert.equal(copy, core.encode(items[2]))
  end)

  it("replicates to related bookings unless told not to", function()
    box:relate { first, second }
    assert(tk:update_bookings { { first, "confirm", nil, { apply_to_bulked_bookings = false } } })
    assert.same({ "confirmed", "tentative", "tentative" }, states())
    box:relate { second, third }
    assert(tk:update_bookings { { second, "confirm" } })
    assert.same({ "confirmed", "confirmed", "confirmed" }, states())
  end)

  it("sends nothing when one is certain to be refused, and names it", function()
    local cases = {
      { { { id = second, graph = "instant" }, "decline" }, "input" },
      { { { id = second, graph = "confirm_decline" }, "decline", { mesage = "x" } }, "input" },
      { { { id = second, graph = "confirm_decline", state = "declined" }, "confirm" }, "transition" },
    }
    for _, case in ipairs(cases) do
      local none, err = tk:update_bookings { { first, "confirm" }, case[1], case[1] }
      assert.is_nil(none)
      assert.same({ case[2], "no", 2, 0 }, { err.kind, err.sent, err.index, err.attempts })
      assert.matches("^item 2: ", err.message)
    end
    assert.equal(0, count("PUT"))
  end)

  it("tells of those that failed, each by its own error, and stops when that is asked for", function()
    local items = { { first, "confirm" }, { second, "cancel" }, { "nobody", "confirm" }, { third, "confirm" } }
    local results = tk:update_bookings(items)
    assert.same({ "confirmed", "transition tentative", "not_found", "confirmed" }, endings(results))
    assert.same({ 4, 2 }, { results.done, results.failed })
    local err = results[2][2]
    assert.same({ "cancel", "yes", 422, 1 }, { err.action, err.sent, err.status, err.attempts })
    assert.same({ "confirm", "decline" }, (tk:booking { id = second, graph = "confirm_decline",
      state = "tentative" }):actions())
    results = tk:update_bookings({ { second, "cancel" }, { second, "confirm" } }, { stop_on_first_error = true })
    assert.same({ "transition tentative", "validation" }, endings(results))
    assert.same({ "confirmed", "tentative", "confirmed" }, states())
  end)

  it("puts all back when that is asked for, and claims no success then", function()
    local results = tk:update_bookings({ { first, "confirm" }, { second, "cancel" } }, { reset_all_on_error = true })
    assert.same({ "validation", "transition tentative" }, endings(results))
    assert.same({ "tentative", "tentative", "tentative" }, states())
    -- An answer that shows the booking as it was meanwhile.
    local shown = entries(booking("b1", "confirmed"), '{"error":"no"}')
    assert.same({ "confirmed", "validation" }, endings(client(shown):update_bookings(BOTH)))
    assert.same({ "uncertain confirmed", "validation" },
      endings(client(shown):update_bookings(BOTH, { reset_all_on_error = true })))
  end)

  it("raises on what is not a list of items, naming the wrong one", function()
    local cases = {
      [7] = "expected a list", [{ id = first }] = "expected a list",
      [{ { first, "confirm" }, 7 }] = "item 2: expected {",
      [{ { first, "confirm" }, { 7, "confirm" } }] = "item 2: the id:",
      [{ { first } }] = "item 1: the action's name", [{ { "..", "confirm" } }] = "item 1: the id",
      [{ { first, "confirm", "x" } }] = "item 1: inputs: expected a table",
      [{ { first, "confirm", { x = print } } }] = "item 1: inputs.x:",
      [{ { first, "confirm", nil, { include = "meta" } } }] = "item 1: unknown option 'include'",
      [{ { first, "confirm", nil, { settings = { id = "x" } } } }] = "item 1: settings: 'id' cannot stand",
      [{ { first, "id" } }] = "item 1: the action 'id' cannot stand",
      [{ { first, "confirm" }, [3] = { second, "confirm" } }] = "expected a list",
    }
    for items, message in pairs(cases) do
      assert.matches(message, blame(function() tk:update_bookings(items) end, message), 1, true)
    end
    assert.matches("did you mean 'reset_all_on_error'",
      blame(function() tk:update_bookings({}, { reset_on_error = true }) end), 1, true)
    assert.same({ done = 0, failed = 0 }, (tk:update_bookings {}))
    local _, err = tk:update_bookings { { first, "confirm", { note = ("x"):rep(1048577) } } }
    assert.same({ "input", "no" }, { err.kind, err.sent })
    assert.equal(0, count("PUT"))
    tk:close()
    assert.matches("closed", blame(function() tk:update_bookings {} end))
  end)

  it("finds out item by item what became of a lost request, by the booking's state", function()
    box:fault { match = "PUT /v2/bookings/bulk", when = "after", what = "close" }
    local results, info = tk:update_bookings {
      { first, "confirm" }, { second, "cancel" }, { "nobody", "confirm" }, { third, "decline" },
    }
    assert.same({ "confirmed reconciled", "uncertain tentative", "uncertain", "declined reconciled" }, endings(results))
    assert.same({ true, 1, 2 }, { info.reconciled, info.attempts, results.failed })
    assert.same({ 1, 4 }, { count("PUT"), count("GET") })
    local success, err = results[1][2], results[2][2]
    assert.same({ 200, 1, true }, { success.status, success.attempts, success.reconciled })
    assert.same({ "network", "cancel", "confirm_decline", 1, false },
      { err.cause.kind, err.action, err.graph, err.attempts, err.retryable })
    assert.same({ "confirm", "decline" }, err.allowed)
  end)

  it("claims nothing of a request that may yet arrive, and repeats none of it", function()
    for _, fault in ipairs { { what = "close" }, { what = "status", status = 502 }, { what = "garbage" },
      { what = "status", status = 500, body = '{"data":[{"error":"x"},{"error":"x"}]}' } } do
      fault.match = "PUT /v2/bookings/bulk"
      box:fault(fault)
      local results = timekit.new({ app_key = "test_key", transport = box, retries = 5 })
        :update_bookings { { first, "confirm" }, { second, "decline" } }
      assert.same({ "uncertain tentative", "uncertain tentative" }, endings(results))
      assert.not_nil(results[1][2].cause)
    end
    assert.equal(4, count("PUT"))
    assert.same({ "tentative", "tentative", "tentative" }, states())
  end)

  it("does not read when doubts are only to be reported", function()
    local reporting, transport = client(LOST, nil, { uncertain = "report" })
    assert.same({ "uncertain", "uncertain" }, endings(reporting:update_bookings(BOTH)))
    assert.equal("PUT", methods(transport))
  end)

  it("judges by the same rules as of a single action", function()
    -- Other actions lead there as well, or nobody knows the graph, or the booking is elsewhere, or cannot be read.
    local results = client(LOST, {
      b1 = answer(200, '{"data":' .. booking("b1", "confirmed", "their_graph") .. "}"), b2 = "completed",
      b3 = answer(500), b4 = answer(404), b5 = "declined",
    }):update_bookings {
      { "b1", "confirm" }, { "b2", "decline" }, { "b3", "confirm" }, { "b4", "confirm" }, { "b5", "decline" },
    }
    assert.same({ "uncertain confirmed", "uncertain completed", "uncertain", "uncertain", "declined reconciled" },
      endings(results))
  end)

  it("takes a state for the proof of one action, not of two", function()
    local twice = { { "b1", "confirm" }, { "b2", "confirm" }, { "b1", "confirm" }, { "b1", "cancel" } }
    assert.same({ "confirmed reconciled", "confirmed reconciled", "uncertain confirmed", "uncertain confirmed" },
      endings(client(LOST, { b1 = "confirmed", b2 = "confirmed" }):update_bookings(twice)))
    -- What an answer tells of each counts.
    local nagged = booking("b1", "nagged", "theirs")
    assert.same({ "nagged", "nagged" },
      endings(client(entries(nagged, nagged)):update_bookings { { "b1", "nag" }, { "b1", "nag" } }))
    -- It is the second that was done, if one was; or the state was there before.
    assert.same({ "uncertain confirmed", "confirmed" }, endings(client(entries("null", booking("b1", "confirmed")),
      { b1 = "confirmed" }):update_bookings { twice[1], twice[3] }))
  end)

  it("knows that nothing is under way after Timekit's own rate limit", function()
    local limit = answer(503, '{"error":"slow down"}', { ["retry-after"] = "7" })
    local results = client(limit, { b1 = "tentative", b2 = "declined" }):update_bookings(BOTH)
    assert.same({ "rate_limited tentative", "declined reconciled" }, endings(results))
    assert.same({ 7, true }, { results[1][2].retry_after, results[1][2].retryable })
    -- A gateway's is a doubt like any other.
    results = client(answer(503, "<html>"), { b1 = "tentative", b2 = "declined" }):update_bookings(BOTH)
    assert.same({ "uncertain tentative", "declined reconciled" }, endings(results))
  end)

  it("claims success for all or for none where all may be put back", function()
    local undo = { reset_all_on_error = true }
    assert.same({ "confirmed reconciled", "declined reconciled" },
      endings(client(LOST, { b1 = "confirmed", b2 = "declined" }):update_bookings(BOTH, undo)))
    local results = client(LOST, { b1 = "confirmed", b2 = "tentative" }):update_bookings(BOTH, undo)
    assert.same({ "uncertain confirmed", "uncertain tentative" }, endings(results))
    assert.same({ "network", 2 }, { results[1][2].cause.kind, results.failed })
  end)

  it("reads the bookings of items that an answer does not tell of", function()
    local b1, b2, other = booking("b1", "confirmed"), booking("b2", "declined"), booking("b3", "declined")
    local states_now = { b1 = "confirmed", b2 = "declined" }
    local function check(expected, body)
      local with_answer, transport = client(answer(200, body), states_now)
      assert.same(expected, endings(with_answer:update_bookings(BOTH)), body)
      assert.matches("^PUT[GET ]*$", methods(transport))
    end
    -- Of one item nothing is told, or it is shown as it was before.
    for _, entry in ipairs { "null", "{}", "[]", '"ok"', '{"id":"b1"}', '{"id":"b1","error":""}', '{"error":{}}',
      '{"status":500,"error":"oops"}', '{"status":503,"error":"slow down"}',
      '{"id":"b1","state":"confirmed","error":"no"}',
      '{"status":"422","error":"no"}', booking("b1", "tentative"), '{"data":' .. b1 .. "}" } do
      check({ "confirmed reconciled", "declined" }, entries(entry, b2).body)
    end
    -- Not one for each, in their order, where they were to be.
    local both = { "confirmed reconciled", "declined reconciled" }
    for _, body in ipairs { entries().body, entries(b2).body, entries(b1, b2, b2).body, entries(b2, b1).body,
      entries(b1, other).body, entries('{"id":"b2","error":"no"}', '{"error":"no"}').body,
      '{"data":' .. b1 .. "}", '{"bookings":[' .. b1 .. "," .. b2 .. "]}",
      '{"data":{"bookings":[' .. b1 .. "," .. b2 .. "]}}",
      '{"data":[' .. b2 .. '],"errors":[{"id":"b1","error":"no"}]}' } do
      check(both, body)
    end
  end)

  it("believes no state that the action does not lead to", function()
    -- Somebody else has brought it there.
    assert.same({ "uncertain declined", "completed" }, endings(client(
      entries(booking("b1", "declined"), booking("b2", "completed")), { b1 = "declined" })
      :update_bookings { { "b1", "confirm" }, { "b2", "confirm" } }))
    -- Its graph has no such action.
    assert.same({ "uncertain declined", "confirmed" }, endings(client(
      entries(booking("b1", "declined"), booking("b2", "confirmed")), { b1 = "declined" })
      :update_bookings { { "b1", "pay" }, { "b2", "confirm" } }))
    -- Shown as it was before, and so it is.
    assert.same({ "uncertain tentative", "declined" }, endings(client(
      entries(booking("b1", "tentative"), booking("b2", "declined")), { b1 = "tentative" }):update_bookings(BOTH)))
  end)

  it("reads what a refusal of the whole has left", function()
    local whole = answer(422, '{"error":"Index 1: no such input"}')
    local results = client(whole, { b1 = "confirmed", b2 = "tentative" }):update_bookings(BOTH)
    assert.same({ "confirmed reconciled", "validation tentative" }, endings(results))
    assert.matches("as a whole: Index 1", results[2][2].message, 1, true)
    -- Whether that item was there before cannot be told.
    whole = answer(422, [[{"error":"Cannot apply action 'confirm' to current state 'confirmed'"}]])
    assert.same({ "uncertain confirmed", "validation tentative" },
      endings(client(whole, { b1 = "confirmed", b2 = "tentative" }):update_bookings(BOTH)))
    -- It is about all, when it says so, when there is but one, or when all is put back.
    local named = answer(422, '{"errors":{"bookings.1.action":["no"]}}')
    for _, case in ipairs {
      { named, BOTH }, { whole, { BOTH[1] } }, { whole, BOTH, { reset_all_on_error = true } }, { answer(401), BOTH },
      { answer(429), BOTH }, { answer(405), BOTH }, { failure("network", "no"), BOTH },
    } do
      local of_it, transport = client(case[1])
      local none, err = of_it:update_bookings(case[2], case[3])
      assert.is_nil(none)
      assert.not_equal("uncertain", err.kind)
      assert.equal("PUT", methods(transport))
    end
    -- What it says of items is not documented.
    local list = answer(422, '{"data":[' .. booking("b1", "confirmed") .. ',{"error":"no"}]}')
    assert.same({ "confirmed reconciled", "validation tentative" },
      endings(client(list, { b1 = "confirmed", b2 = "tentative" }):update_bookings(BOTH)))
  end)

  it("reads several bookings at once, and none after its time", function()
    local clock = clocks.install()
    local transport = held.new()
    local most = 0
    transport.on_wait = function()
      local open = {}
      for number, transfer in ipairs(transport.transfers) do
        if not transfer:done() then open[#open + 1] = number end
      end
      most = math.max(most, #open)
      if transport.transfers[open[1]].request.method == "PUT" then
        clock:advance(2)
        return transport:finish(open[1], LOST)
      end
      for _, number in ipairs(open) do
        assert.is_true(transport.transfers[number].request.timeout <= 3.001)
        transport:finish(number, scripted.booking("confirmed"))
      end
      clock:advance(2)
    end
    local items = {}
    for index = 1, 20 do items[index] = { "b" .. index, "confirm" } end
    local slow = timekit.new { app_key = "test_key", transport = transport, timeout = 5 }
    local results, info = slow:update_bookings(items)
    clock:remove()
    assert.equal(8, most)
    assert.same({ 20, 4 }, { results.done, results.failed })
    assert.same({ "uncertain", "network", 6 }, { results[20][2].kind, results[20][2].cause.kind, info.elapsed })
    assert.equal(17, #transport.transfers)
  end)

  it("does not keep a host waiting in a call, and can be cancelled there", function()
    local transport = held.new()
    local other = timekit.new { app_key = "test_key", transport = transport }
    local call = other:start(function() return other:update_bookings(BOTH) end)
    transport:finish(1, LOST)
    other:update()
    assert.same({ "PUT", "GET", "GET" }, { transport.transfers[1].request.method,
      transport.transfers[2].request.method, transport.transfers[3].request.method })
    transport:finish(2, answer(200, '{"data":' .. booking("b1", "confirmed") .. "}"))
    other:update()
    assert.is_false(call:done())
    call:cancel()
    while not call:done() do other:update() end
    local results = call:result()
    assert.same({ "confirmed reconciled", "cancelled" }, endings(results))
    assert.same({ "maybe", "network" }, { results[2][2].sent, results[2][2].cause.kind })
    assert.equal(0, #transport.waits)
  end)

  it("tells what was sent, also of those that nobody had looked at when it was cancelled", function()
    local transport = held.new()
    local other = timekit.new { app_key = "test_key", transport = transport }
    local items = {}
    for index = 1, 10 do items[index] = { "b" .. index, "confirm" } end
    local call = other:start(function() return other:update_bookings(items) end)
    transport:finish(1, LOST)
    other:update()
    assert.equal(9, #transport.transfers)
    call:cancel()
    while not call:done() do other:update() end
    local results = call:result()
    for index = 1, 10 do
      local err = results[index][2]
      assert.same({ "cancelled", "maybe", "network", 1 }, { err.kind, err.sent, err.cause.kind, err.attempts })
    end
    assert.equal(9, #transport.transfers)
  end)

  it("has no key in its errors", function()
    local echo = entries('{"error":"not with sk_test_secret"}', booking("b2", "declined"))
    local results = client(echo, nil, { app_key = "sk_test_secret" }):update_bookings(BOTH)
    assert.is_nil(core.encode(results[1][2].body):find("secret"))
    assert.is_nil(results[1][2].message:find("secret"))
  end)

  it("is seen by hooks as one request, and its reads as reconciliation", function()
    local seen = {}
    local watched = client(LOST, { b1 = "confirmed", b2 = "declined" }, { before = function(event)
      seen[#seen + 1] = ("%s %s %s"):format(event.method, event.route, tostring(event.reconcile))
    end })
    assert(watched:update_bookings(BOTH))
    assert.same({ "PUT /bookings/bulk false", "GET /bookings/{id} true", "GET /bookings/{id} true" }, seen)
  end)
end)

describe("bulk requests over HTTP", function()
  local served

  setup(function() served = sandbox_server.start() end)
  teardown(function() served:close() end)

  it("create and act, and a lost answer is looked into", function()
    local tk = timekit.new { app_key = "test_api_key_1", base_url = served.url }
    local results = assert(tk:create_bookings({ fields(), fields(), fields() }, { delete_all_on_error = true }))
    assert.equal(0, results.failed)
    local items = {}
    for index, result in ipairs(results) do items[index] = { result[1], "confirm" } end
    items[3][2] = "decline"
    assert.equal(200, (served:request("POST", "/_sandbox/faults", core.encode {
      match = "PUT /v2/bookings/bulk", when = "after", what = "close",
    })))
    assert.same({ "confirmed reconciled", "confirmed reconciled", "declined reconciled" },
      endings(tk:update_bookings(items)))
    local again = tk:update_bookings { { items[1][1].id, "confirm" }, { items[2][1].id, "cancel" } }
    assert.same({ "transition confirmed", "cancelled" }, endings(again))
    assert.is_true(again[1][2].already)
    tk:close()
  end)
end)
