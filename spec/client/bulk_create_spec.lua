-- Many bookings created by one request: what is refused on the spot, what is believed of the answer, and what stays in
-- doubt.
local blame = require "spec.support.blame"
local bulk = require "spec.support.bulk"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure
local START, LOST = bulk.START, bulk.LOST
local booking, client, endings, entries, fields, methods =
  bulk.booking, bulk.client, bulk.endings, bulk.entries, bulk.fields, bulk.methods

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

  it("takes a booking or a refusal for what became of its item", function()
    local bad = { '{"error":"No such thing"}', '{"errors":{"graph":["No such thing"]},"action":"save_booking_data"}',
      '{"status":422,"error":"No such thing"}', '{"status":404,"error":"No such thing","model":"Resource"}',
      '{"id":"x","error":"No such thing","errors":null}' }
    for _, second in ipairs(bad) do
      for _, status in ipairs { 200, 201, 207 } do
        local body = entries(booking("a", "confirmed"), second).body
        local results = client(answer(status, body)):create_bookings { fields(), fields() }
        assert.equal("a", results[1][1].id)
        assert.matches("No such thing", results[2][2].message, 1, true)
        assert.matches("^[vn][ao][lt]", results[2][2].kind)
        assert.same({ 2, 1 }, { results.done, results.failed })
      end
    end
  end)

  it("is uncertain as a whole when the answer is lost or no use, and is never repeated", function()
    local one = booking("a", "confirmed")
    for _, first in ipairs { LOST, answer(500), answer(502, "<html>"), answer(200, "junk"), answer(200, ""),
      answer(200, '{"data":null}'), entries(one), entries(), entries(one, one, one),
      answer(200, one), failure("timeout", "maybe"), failure("response", "yes", 200, '{"data":['),
      answer(200, '{"bookings":[' .. one .. "," .. one .. "]}"),
      answer(200, '{"data":{"bookings":[' .. one .. "," .. one .. "]}}"),
      answer(422, '{"data":[' .. one .. "," .. one .. "]}"),
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
    local mixed = entries(booking("a", "confirmed"), '{"error":"no"}')
    local list = { fields(), fields() }
    assert.same({ "confirmed", "validation" }, endings(client(mixed):create_bookings(list)))
    local results = client(mixed):create_bookings(list, { delete_all_on_error = true })
    assert.same({ "uncertain confirmed", "validation" }, endings(results))
    for _, nothing in ipairs { "null", "{}", '"ok"', "[]", "[1]", '{"state":"confirmed"}', '{"id":"x"}',
      '{"status":500,"error":"oops"}', '{"error":""}', '{"errors":[]}', '{"error":true}', '{"status":200,"error":"no"}',
      '{"id":"x","state":"confirmed","error":"no"}', '{"id":"x","state":"confirmed","status":422}',
      '{"success":false,"message":"no"}', '{"data":' .. booking("b", "confirmed") .. "}" } do
      results = client(entries(booking("a", "confirmed"), nothing)):create_bookings(list)
      assert.same({ "confirmed", "uncertain" }, endings(results))
    end
  end)

  it("sends nothing for an empty list", function()
    local results, info = tk:create_bookings {}
    assert.same({ { done = 0, failed = 0 }, 0, 0 }, { results, info.attempts, sent() })
  end)

  it("repeats what certainly had no effect", function()
    local transport = scripted.new {
      failure("network", "no"), answer(429), entries(booking("a", "x")),
    }
    local clock = clocks.install()
    local results, info = timekit.new({ app_key = "test_key", transport = transport }):create_bookings { fields() }
    clock:remove()
    assert.same({ "x" }, endings(results))
    assert.equal(3, info.attempts)
  end)

  it("is refused when it is too large, and raises on what is not a list of fields", function()
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
    local echo = entries('{"error":"not with sk_test_secret"}', booking("a", "x"))
    local results = client(echo, nil, { app_key = "sk_test_secret" }):create_bookings { fields(), fields() }
    assert.is_nil(core.encode(results[1][2].body):find("secret"))
    assert.is_nil(results[1][2].message:find("secret"))
  end)
end)
