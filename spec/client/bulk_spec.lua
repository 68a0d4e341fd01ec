-- Many bookings by one request: what is refused on the spot, what every plausible answer is taken for, and what becomes
-- of an outcome that is in doubt.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local held = require "spec.support.held"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure

local START, STOP = "2030-03-01T08:00:00+00:00", "2030-03-01T09:00:00+00:00"
local LOST = failure("network", "maybe")

local function fields(graph, changes)
  local all = { graph = graph or "confirm_decline", start = START, ["end"] = STOP }
  for name, value in pairs(changes or {}) do all[name] = value end
  return all
end

local function booking(id, state, graph)
  return ('{"id":"%s","graph":"%s","state":"%s"}'):format(id, graph or "confirm_decline", state)
end

-- A client of a server that gives `first` to the bulk request, and shows bookings in these states when asked.
local function client(first, states, options)
  local all = { app_key = "test_key", retries = 0 }
  for name, value in pairs(options or {}) do all[name] = value end
  all.transport = scripted.new(function(request)
    if request.method ~= "GET" then return first end
    local id = request.target:match("^/bookings/([^?]+)")
    local state = assert(states and states[id], "not to be read: " .. request.target)
    return type(state) == "table" and state or answer(200, '{"data":' .. booking(id, state) .. "}")
  end)
  return timekit.new(all), all.transport
end

-- How each item ended: a booking's state, or an error's kind and state.
local function endings(results)
  local list = {}
  for index, result in ipairs(assert(results)) do
    local one, told = result[1], result[2]
    list[index] = one and one.state .. (told.reconciled and " reconciled" or "")
      or told.kind .. (told.state and " " .. told.state or "")
  end
  return list
end

local function methods(transport)
  local list = {}
  for index, request in ipairs(transport.requests) do list[index] = request.method end
  return table.concat(list, " ")
end

local BOTH = { { "b1", "confirm" }, { "b2", "decline", { message = "Full" } } }

describe("create_bookings", function()
  local box, tk

  before_each(function()
    box = timekit.sandbox.new { now = 1893456000 }
    tk = timekit.new { app_key = "test_key", transport = box, retries = 0 }
  end)

  local function sent() return #box:requests() end

  it("creates all by one request, and tells of each in order", function()
    local list = { fields(), fields "instant", fields("group_owner", { settings = { max_seats = 3 } }) }
    local copy = core.encode(list)
    local results, info = tk:create_bookings(list, { include = "attributes" })
    assert.same({ "tentative", "confirmed", "tentative" }, endings(results))
    assert.equal(copy, core.encode(list))
    assert.same({ 3, 0, 1 }, { results.done, results.failed, sent() })
    assert.same({ 201, 1, false }, { info.status, info.attempts, info.reconciled })
    for index, result in ipairs(results) do
      assert.equal(list[index].graph, result[1].graph)
      assert.equal(START, result[1].attributes.event_info.start)
      assert.same({ 201, 1, false, info.request_id },
        { result[2].status, result[2].attempts, result[2].reconciled, result[2].request_id })
    end
  end)

  it("relates them, so that actions are replicated, and an include shows the others", function()
    local results = assert(tk:create_bookings({ fields(), fields(), fields() }, {
      relate = true, include = { "bulked_bookings" },
    }))
    local first, second, third = results[1][1], results[2][1], results[3][1]
    assert.same({ first.id, third.id }, { second.bulked_bookings[1].id, second.bulked_bookings[2].id })
    assert(tk:booking(first):confirm(nil, { apply_to_bulked_bookings = false }))
    assert.equal("tentative", assert(tk:booking(second):get()).state)
    assert(tk:booking(second):decline())
    assert.equal("declined", assert(tk:booking(third):get()).state)
    assert.equal("confirmed", assert(tk:booking(first):get()).state)
    results = assert(tk:create_bookings({ fields(), fields() }, { include = { "bulked_bookings" } }))
    assert.same({}, results[1][1].bulked_bookings)
  end)

  it("says in the request what was asked for, and nothing else", function()
    local shapes = scripted.new { answer(201, '{"data":[{"id":"a","state":"x"}]}'),
      answer(201, '{"data":[{"id":"a","state":"x"}]}') }
    local other = timekit.new { app_key = "test_key", transport = shapes }
    assert(other:create_bookings { { graph = "instant" } })
    assert(other:create_bookings({ { graph = "instant" } }, {
      relate = true, stop_on_first_error = false, delete_all_on_error = true, include = { "meta", "event" },
      timeout = 7,
    }))
    assert.equal('{"bookings":[{"graph":"instant"}]}', shapes.requests[1].body)
    assert.equal("/bookings/bulk", shapes.requests[1].target)
    assert.same({
      bookings = { { graph = "instant" } }, relate_bookings = true, stop_on_first_error = false,
      delete_all_on_error = true,
    }, core.decode(shapes.requests[2].body))
    assert.same({ "POST", "/bookings/bulk?include=meta,event", 7 },
      { shapes.requests[2].method, shapes.requests[2].target, shapes.requests[2].timeout })
  end)

  it("sends nothing when one is certain to be refused, and names it", function()
    local none, err = tk:create_bookings {
      fields(), fields("instant", { ["end"] = START }), fields("group_customer", { action = "creat" }),
    }
    assert.is_nil(none)
    assert.same({ "input", "no", 0, 2 }, { err.kind, err.sent, err.attempts, err.index })
    local names = {}
    for name in pairs(err.fields) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "bookings[2].end", "bookings[3].action", "bookings[3].related.owner_booking_id" }, names)
    assert.equal(0, sent())
  end)

  it("tells of those that failed, each by its own error", function()
    local results, info = tk:create_bookings { fields(), fields("no_such_graph"), fields "instant" }
    assert.same({ "tentative", "validation", "confirmed" }, endings(results))
    assert.same({ 3, 1, 200 }, { results.done, results.failed, info.status })
    local err = results[2][2]
    assert.same({ "yes", 1, 422, false }, { err.sent, err.attempts, err.status, err.retryable })
    assert.is_table(err.fields.graph)
    assert.matches("graph", tostring(err), 1, true)
  end)

  it("stops at the first error, and deletes all, when that is asked for", function()
    local list = { fields(), fields("no_such_graph"), fields "instant" }
    assert.same({ "tentative", "validation", "validation" },
      endings(tk:create_bookings(list, { stop_on_first_error = true })))
    assert.equal(1, #box:bookings())
    assert.same({ "validation", "validation", "validation" },
      endings(tk:create_bookings(list, { delete_all_on_error = true })))
    assert.equal(1, #box:bookings())
  end)

  it("understands an answer wherever its list stands, and whatever its entries look like", function()
    local good = { booking("a", "confirmed"), ('{"data":%s}'):format(booking("a", "confirmed")),
      ('{"status":201,"booking":%s}'):format(booking("a", "confirmed")),
      ('{"success":true,"error":null,"errors":[],"data":%s}'):format(booking("a", "confirmed")) }
    local bad = { '{"error":"No such thing"}', '{"errors":{"graph":["No such thing"]},"action":"save_booking_data"}',
      '{"status":422,"error":"No such thing"}', '{"success":false,"message":"No such thing"}',
      '{"code":404,"data":{"id":"x","state":"error"},"error":{"message":"No such thing"}}' }
    for _, frame in ipairs { '{"data":[%s,%s]}', "[%s,%s]", '{"bookings":[%s,%s]}', '{"data":{"bookings":[%s,%s]}}',
      '{"results":[%s,%s],"meta":{}}' } do
      for _, first in ipairs(good) do
        for _, second in ipairs(bad) do
          for _, status in ipairs { 200, 207, 422 } do
            local results = client(answer(status, frame:format(first, second))):create_bookings { fields(), fields() }
            assert.equal("a", results[1][1].id)
            assert.matches("No such thing", results[2][2].message, 1, true)
            assert.matches("^[vn][ao][lt]", results[2][2].kind)
            assert.same({ 2, 1 }, { results.done, results.failed })
          end
        end
      end
    end
  end)

  it("is uncertain as a whole when the answer is lost or no use, and is never repeated", function()
    local one = booking("a", "confirmed")
    for _, first in ipairs { LOST, answer(500), answer(502, "<html>"), answer(200, "junk"), answer(200, ""),
      answer(200, '{"data":null}'), answer(201, '{"data":[' .. one .. "]}"), answer(201, '{"data":[]}'),
      answer(200, one), failure("timeout", "maybe"), failure("response", "yes", 200, '{"data":['),
      answer(302), answer(503, '{"error":"slow down"}') } do
      local tk_of_it, transport = client(first, nil, { retries = 3 })
      local none, err = tk_of_it:create_bookings { fields(), fields() }
      assert.is_nil(none)
      assert.same({ "uncertain", 1, false }, { err.kind, err.attempts, err.retryable })
      assert.is_table(err.cause)
      assert.matches("bookings were created", err.message, 1, true)
      assert.equal("POST", methods(transport))
    end
    box:fault { match = "POST /v2/bookings/bulk", when = "after", what = "close" }
    assert.equal("uncertain", select(2, tk:create_bookings { fields(), fields() }).kind)
    assert.equal(2, #box:bookings())
  end)

  it("does not claim that a refusal without a list is about all", function()
    local refusals = { answer(422, '{"errors":{"start":["is taken"]},"action":"save_booking_data"}'),
      answer(400, '{"error":"Bad"}'), answer(404, '{"error":"Resource does not exist","model":"Resource"}') }
    for _, first in ipairs(refusals) do
      local _, err = client(first):create_bookings { fields(), fields() }
      assert.same({ "uncertain", "yes" }, { err.kind, err.sent })
      assert.is_true(err.cause.kind == "validation" or err.cause.kind == "not_found")
      -- It is, when nothing can have been created beside it, or all is deleted again.
      assert.not_equal("uncertain", select(2, client(first):create_bookings({ fields() })).kind)
      assert.not_equal("uncertain",
        select(2, client(first):create_bookings({ fields(), fields() }, { delete_all_on_error = true })).kind)
    end
    local plain = {
      auth = answer(401), rate_limited = answer(429),
      validation = answer(422, '{"errors":{"bookings.0.start":["no"],"relate_bookings":["no"]}}'),
      network = failure("network", "no"),
    }
    for kind, first in pairs(plain) do
      local _, err = client(first):create_bookings { fields(), fields() }
      assert.equal(kind, err.kind)
    end
  end)

  it("claims nothing about what may have been deleted again, nor about an entry that says nothing", function()
    local mixed = answer(200, '{"data":[' .. booking("a", "confirmed") .. ',{"error":"no"}]}')
    local list = { fields(), fields() }
    assert.same({ "confirmed", "validation" }, endings(client(mixed):create_bookings(list)))
    local results = client(mixed):create_bookings(list, { delete_all_on_error = true })
    assert.same({ "uncertain confirmed", "validation" }, endings(results))
    for _, nothing in ipairs { "null", "{}", '"ok"', "[]", '{"state":"confirmed"}', '{"id":"x"}',
      '{"status":500,"error":"oops"}' } do
      results = client(answer(200, '{"data":[' .. booking("a", "confirmed") .. "," .. nothing .. "]}"))
        :create_bookings(list)
      assert.same({ "confirmed", "uncertain" }, endings(results))
    end
  end)

  it("sends nothing for an empty list", function()
    local results, info = tk:create_bookings {}
    assert.same({ { done = 0, failed = 0 }, 0, 0 }, { results, info.attempts, sent() })
  end)

  it("repeats what certainly had no effect", function()
    local transport = scripted.new {
      failure("network", "no"), answer(429), answer(201, "[" .. booking("a", "x") .. "]"),
    }
    local clock = clocks.install()
    local results, info = timekit.new({ app_key = "test_key", transport = transport }):create_bookings { fields() }
    clock:remove()
    assert.same({ "x" }, endings(results))
    assert.equal(3, info.attempts)
  end)

  it("is refused when it is too large, and raises on what is no list of fields", function()
    local _, err = tk:create_bookings { fields(), fields("instant", { what = ("x"):rep(1048577) }) }
    assert.same({ "input", "no" }, { err.kind, err.sent })
    for _, wrong in ipairs { { "b1" }, { { "b1" } }, { 7 }, { graph = "instant" }, { fields(), [3] = fields() }, 7 } do
      assert.matches("^client:create_bookings: ", blame(function() tk:create_bookings(wrong) end))
    end
    assert.matches("bookings[2].meta.x: ",
      blame(function() tk:create_bookings { fields(), fields("instant", { meta = { x = print } }) } end), 1, true)
    assert.matches("did you mean 'relate'", blame(function() tk:create_bookings({}, { relat = true }) end), 1, true)
    assert.matches("relate: expected true or false",
      blame(function() tk:create_bookings({}, { relate = 1 }) end), 1, true)
    tk:close()
    assert.matches("closed", blame(function() tk:create_bookings {} end))
    assert.equal(0, sent())
  end)

  it("has no key in its errors", function()
    local echo = answer(200, '[{"error":"not with sk_test_secret"},' .. booking("a", "x") .. "]")
    local results = client(echo, nil, { app_key = "sk_test_secret" }):create_bookings { fields(), fields() }
    assert.is_nil(core.encode(results[1][2].body):find("secret"))
    assert.is_nil(results[1][2].message:find("secret"))
  end)
end)

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
    local all = answer(200, '{"data":[' .. booking("b1", "confirmed") .. "," .. booking("b2", "declined") .. "]}")
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
    local shown = answer(200, '{"data":[' .. booking("b1", "confirmed") .. ',{"error":"no"}]}')
    assert.same({ "confirmed", "validation" }, endings(client(shown):update_bookings(BOTH)))
    assert.same({ "uncertain confirmed", "validation" },
      endings(client(shown):update_bookings(BOTH, { reset_all_on_error = true })))
  end)

  it("raises on what is no list of items, naming the wrong one", function()
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
    -- What an answer says of each counts.
    local nagged = booking("b1", "nagged", "theirs")
    assert.same({ "nagged", "nagged" }, endings(client(answer(200, "[" .. nagged .. "," .. nagged .. "]"))
      :update_bookings { { "b1", "nag" }, { "b1", "nag" } }))
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

  it("asks about items that an answer does not tell of", function()
    local b1, b2 = booking("b1", "confirmed"), booking("b2", "declined")
    local states_now = { b1 = "confirmed", b2 = "declined" }
    local told = {
      -- Another order, and refusals in a list of their own.
      ['{"data":[' .. b2 .. "," .. b1 .. "]}"] = { "confirmed", "declined" },
      ['{"data":[' .. b2 .. '],"errors":[{"id":"b1","error":"no"}]}'] = { "validation", "declined" },
      ['{"data":[{"id":"b2","error":"no"},' .. b1 .. "]}"] = { "confirmed", "validation" },
      -- Some are left out, of one nothing is said, or it is shown as it was before.
      ['{"data":[' .. b2 .. "]}"] = { "confirmed reconciled", "declined" },
      ['{"data":[]}'] = { "confirmed reconciled", "declined reconciled" },
      ['{"data":[null,' .. b2 .. "]}"] = { "confirmed reconciled", "declined" },
      ['{"data":[' .. b1 .. "," .. booking("b3", "declined") .. "]}"] = { "confirmed", "declined reconciled" },
      ['{"data":[' .. b1 .. "," .. b2 .. "," .. b2 .. "]}"] = { "confirmed", "declined reconciled" },
      ['{"data":[' .. booking("b1", "tentative") .. "," .. b2 .. "]}"] = { "confirmed reconciled", "declined" },
      ['{"data":[{"status":500,"error":"oops"},' .. b2 .. "]}"] = { "confirmed reconciled", "declined" },
      ['{"data":{"id":"b1","state":"confirmed"}}'] = { "confirmed reconciled", "declined reconciled" },
    }
    for body, expected in pairs(told) do
      local with_answer, transport = client(answer(200, body), states_now)
      assert.same(expected, endings(with_answer:update_bookings(BOTH)), body)
      assert.matches("^PUT[GET ]*$", methods(transport))
    end
    -- Shown where the action does not lead: somebody else has brought it there.
    local elsewhere = answer(200, '{"data":[' .. booking("b1", "declined") .. "," .. booking("b2", "completed") .. "]}")
    assert.same({ "uncertain declined", "completed" }, endings(client(elsewhere, { b1 = "declined" })
      :update_bookings { { "b1", "confirm" }, { "b2", "confirm" } }))
    -- Shown as it was before, and so it is.
    assert.same({ "uncertain tentative", "declined" }, endings(client(
      answer(200, '{"data":[' .. booking("b1", "tentative") .. "," .. b2 .. "]}"), { b1 = "tentative" })
      :update_bookings(BOTH)))
  end)

  it("asks what a refusal without a list has left", function()
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
    -- A list in it counts for more.
    local list = answer(422, '{"data":[' .. booking("b1", "confirmed") .. ',{"error":"no"}]}')
    assert.same({ "confirmed", "validation" }, endings(client(list):update_bookings(BOTH)))
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
    local echo = answer(200, '[{"error":"not with sk_test_secret"},' .. booking("b2", "declined") .. "]")
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
    assert.equal(200, (served:call("POST", "/_sandbox/faults", core.encode {
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
