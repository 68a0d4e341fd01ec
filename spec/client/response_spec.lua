-- How an answer is read: bodies from public sources, useful answers, refusals, and every kind of error.
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local response = require "timekit.http.response"
local scripted = require "spec.support.scripted"

local answer, failure = scripted.answer, scripted.failure

local READ = { expects = "booking", graph = "confirm_decline" }
local LIST = { expects = "page" }
local ACTION = { expects = "booking", writes = true, action = "confirm", graph = "confirm_decline" }
local CREATE = { expects = "created", writes = true, graph = "confirm_decline" }

local function no_clock() error("nobody should ask for the time") end

-- Reads an outcome as the end of an operation that is not repeated: a doubt becomes `uncertain`.
local function read(outcome, operation)
  local data, found, doubt = response.read(outcome, operation, no_clock)
  if doubt then found = response.uncertain(operation, found) end
  return data, found
end

-- The error fields of an outcome that must fail.
local function failed(outcome, operation)
  local data, found = read(outcome, operation)
  assert.is_nil(data)
  assert.is_string(found.message)
  return found
end

describe("an answer found in public sources", function()
  it("is read when it is a booking", function()
    for name, expected in pairs {
      ["bookingjs-2016-create-201-instant"] = { "0096163d-54a4-488f-aa3a-0b40111ee4be", "instant", "initialized" },
      ["bookingjs-2016-put-confirm-200"] = { "0096163d-54a4-488f-aa3a-0b40111ee4be", "instant", "confirmed" },
      ["bookingjs-create-201"] = { "58190fc6-1ec0-4ebb-b627-7ce6aa9fc703", "confirm_decline", "tentative" },
      ["bookingjs-create-201-provider_event"] =
        { "58190fc6-1ec0-4ebb-b627-7ce6aa9fc703", "confirm_decline", "tentative" },
      ["ruby-booking_create"] = { "58190fc6-1ec0-4ebb-b627-7ce6aa9fc703", "confirm_decline", "tentative" },
      ["ruby-booking_update"] = { "58190fc6-1ec0-4ebb-b627-7ce6aa9fc703", "confirm_decline", "tentative" },
      ["ruby-booking_show"] = { "f68979ff-27da-4afd-8d0c-847f9340331b", "confirm_decline", "declined" },
    } do
      for _, operation in ipairs { READ, ACTION, CREATE } do
        local booking = assert(read(answer(operation == CREATE and 201 or 200, fixture(name)), operation))
        assert.same(expected, { booking.id, booking.graph, booking.state })
      end
    end
  end)

  it("is read with everything in it", function()
    local booking = assert(read(answer(200, fixture "bookingjs-create-201-provider_event"), READ))
    assert.equal("35653134386234302d623230352d343166622d386132332d613034396339613534326630", booking.provider_event.id)
    assert.equal("2015-03-01T08:00:00+00:00", booking.attributes.event_info.start)
    assert.equal("marty.mcfly@timekit.io", booking.customers[1].email)
    assert.same({ "decline", "confirm" }, booking.possible_actions)
    assert.is_false(booking.completed)
  end)

  it("is read when it is a list", function()
    for name, states in pairs {
      ["pagination-list"] = { "initialized", "initialized" },
      ["ruby-booking_list"] = { "declined", "initialized" },
      ["bookingjs-group-slots"] = { "tentative", "tentative", "tentative" },
    } do
      local list = assert(read(answer(200, fixture(name)), LIST))
      local found = {}
      for index, booking in ipairs(list.data) do found[index] = booking.state end
      assert.same(states, found)
    end
  end)

  it("is an error that says what the server said", function()
    local found = failed(answer(404, fixture "bookingjs-404"), READ)
    assert.equal("not_found", found.kind)
    assert.equal("Resource does not exist", found.message)
    assert.equal("Widget", found.body.model)

    found = failed(answer(422, fixture "bookingjs-create-422"), CREATE)
    assert.equal("validation", found.kind)
    assert.same({ event = { "calendar id must be a valid UUID" } }, found.fields)
    assert.equal("event: calendar id must be a valid UUID", found.message)
    assert.equal("save_booking_data", found.body.action)

    found = failed(answer(422, fixture "bookingjs-findtime-422"), READ)
    assert.same({ future = { "future in not a valid timestamp or relative time" } }, found.fields)

    local capture = core.decode(fixture "error-422-invalid-url-jssdk66")
    found = failed(answer(capture.status, core.encode(capture.body), capture.headers), ACTION)
    assert.equal("validation", found.kind)
    assert.equal("Index 1: url: Invalid URL format, ", found.message)
    assert.equal("d37d74e7-5a37-44e0-bf3e-87c4c28c721c", found.request_id)
    assert.equal(422, found.status)

    found = failed(answer(422, fixture "error-cannot-apply-action"), ACTION)
    assert.equal("transition", found.kind)
    assert.same({ "confirm", "initialized" }, { found.action, found.state })
  end)
end)

describe("a useful answer", function()
  it("is an object with a string as its state", function()
    for _, body in ipairs {
      "", " \r\n", "null", "[]", '"confirmed"', "{}", '{"data":null}', '{"data":[]}', '{"data":{}}', '{"data":"ok"}',
      '{"data":[{"id":"b1","state":"confirmed"}]}', '{"data":{"id":"b1"}}', '{"data":{"id":"b1","state":null}}',
      '{"data":{"id":"b1","state":7}}', '{"state":"confirmed"}', '{"id":"b1"}', '{"id":"b1","state":"x","data":null}',
      '{"id":"b1","state":"confirmed"}', '{"error":"odd"}',
      '{"data":{"id":"b1","state":"conf', "<html><title> 200 OK </title></html>", "OK",
    } do
      local found = failed(answer(200, body), READ)
      assert.equal("response", found.kind)
      assert.equal("yes", found.sent)
      assert.is_true(found.retryable)

      for _, operation in ipairs { ACTION, CREATE } do
        found = failed(answer(200, body), operation)
        assert.equal("uncertain", found.kind)
        assert.equal("response", found.cause.kind)
        assert.equal(body, found.body)
      end
    end
  end)

  it("has an id when it is of a creation", function()
    assert.is_truthy(read(answer(200, '{"data":{"state":"confirmed"}}'), ACTION))
    assert.equal("uncertain", failed(answer(201, '{"data":{"state":"confirmed"}}'), CREATE).kind)
  end)

  it("is an array when a list is expected", function()
    assert.same({ data = {} }, read(answer(200, '{"data":[]}'), LIST))
    for _, body in ipairs { '{"data":{}}', '{"data":[1]}', '{"data":[[]]}', '{"data":null}', "{}", "null", '"x"' } do
      assert.equal("response", failed(answer(200, body), LIST).kind)
    end
  end)

  it("is described shortly when it is something else", function()
    assert.equal("the answer is empty", failed(answer(200, ""), READ).message)
    assert.equal("the answer is a page, not JSON: 502 Bad Gateway",
      failed(answer(200, "\n<!DOCTYPE html><html><TITLE>\n 502 Bad Gateway\n</TITLE><body>…"), READ).message)
    assert.equal("the answer is a page, not JSON", failed(answer(200, "<html><body>no title"), READ).message)
    assert.matches("^the answer is not JSON: .", failed(answer(200, "It works!"), READ).message)
    assert.equal("the answer does not hold a booking", failed(answer(200, "{}"), READ).message)
  end)
end)

describe("a refusal", function()
  local function message_of(body, status)
    local found = failed(answer(status or 400, body), READ)
    return found.message, found.fields
  end

  it("is read in either shape, and in the ones that a framework writes", function()
    assert.equal("no", (message_of '{"error":"no"}'))
    assert.equal("no", (message_of '{"error":{"message":"no","code":7}}'))
    assert.equal("Server Error", (message_of '{"message":"Server Error"}'))
    assert.equal("no", (message_of '{"error":"no","message":"another"}'))
    assert.equal("no", (message_of '"no"'))
    local message, fields = message_of '{"errors":{"b":["one","two"],"a":"three","c":{"d":["four"],"e":"five"},"f":[]}}'
    assert.equal("a: three; b: one, two; c: four, five; f: ", message)
    assert.same({ a = { "three" }, b = { "one", "two" }, c = { "four", "five" }, f = {} }, fields)
    message, fields = message_of '{"error":"bad","errors":{"a":["one"]}}'
    assert.equal("bad; a: one", message)
    assert.same({ a = { "one" } }, fields)
    message, fields = message_of '{"errors":["one",{"x":"two"},null,3]}'
    assert.equal("one; two", message)
    assert.is_nil(fields)
  end)

  it("is read when it is not JSON", function()
    assert.equal("Unauthorized.", (message_of("Unauthorized.\r\nGo away.", 401)))
    assert.equal("the answer is a page, not JSON: 403 Forbidden",
      (message_of("<html><head><title>403 Forbidden</title></head></html>", 403)))
    local found = failed(answer(403, "<html>"), READ)
    assert.equal("<html>", found.body)
  end)

  it("has a message even when the server gave none", function()
    for _, body in ipairs { "", " ", "null", "{}", "[]", '{"error":null}', '{"error":""}', '{"errors":null}', "7" } do
      assert.equal("the server answered 418 without a reason", (message_of(body, 418)))
    end
  end)

  it("keeps its body decoded, and a large one as text", function()
    assert.same({ error = "no", n = { 1 } }, failed(answer(400, '{"error":"no","n":[1]}'), READ).body)
    local large = ('{"error":"no","x":"%s"}'):format(("x"):rep(70000))
    local found = failed(answer(400, large), READ)
    assert.equal("no", found.message)
    assert.equal("string", type(found.body))
  end)
end)

describe("an error's kind", function()
  it("follows from the status", function()
    for status, kind in pairs {
      [400] = "validation", [401] = "auth", [403] = "auth", [404] = "not_found", [405] = "validation",
      [409] = "validation", [410] = "validation", [422] = "validation", [429] = "rate_limited",
    } do
      for _, operation in ipairs { READ, ACTION, CREATE } do
        local found = failed(answer(status, '{"error":"no"}'), operation)
        assert.equal(kind, found.kind)
        assert.equal(status, found.status)
        assert.equal("yes", found.sent)
        assert.equal(kind == "rate_limited", found.retryable)
        assert.equal(operation.action, found.action)
        assert.equal("confirm_decline", found.graph)
      end
    end
  end)

  it("is uncertain for an action or a creation that may have been applied", function()
    for status, kind in pairs {
      [500] = "server", [501] = "server", [502] = "server", [504] = "server", [520] = "server",
      [301] = "response", [302] = "response", [304] = "response", [308] = "response", [600] = "response",
    } do
      local found = failed(answer(status, "<html>", { ["timekit-request-id"] = "r1" }), READ)
      assert.equal(kind, found.kind)
      assert.equal(kind == "server", found.retryable)
      for _, operation in ipairs { ACTION, CREATE } do
        found = failed(answer(status, "<html>", { ["timekit-request-id"] = "r1" }), operation)
        assert.equal("uncertain", found.kind)
        assert.equal(kind, found.cause.kind)
        assert.is_falsy(found.retryable)
        assert.same({ status, "yes", "r1", "<html>", operation.action },
          { found.status, found.sent, found.request_id, found.body, found.action })
      end
    end
    assert.matches("redirect", failed(answer(302, ""), READ).message)
    assert.matches("'confirm' was applied", failed(answer(502, ""), ACTION).message)
    assert.matches("booking was created", failed(answer(502, ""), CREATE).message)
  end)

  it("is in doubt for 503, which is the rate limit's or a gateway's", function()
    for _, operation in ipairs { ACTION, CREATE, READ } do
      local doubts = {}
      for index, outcome in ipairs { answer(503, "{}"), answer(503, "<html>"), answer(502, "{}"), answer(429) } do
        doubts[index] = select(3, response.read(outcome, operation, no_clock)) or "none"
      end
      local expected = { "limited", "lost", "lost", "none" }
      if not operation.writes then expected = { "none", "none", "none", "none" } end
      assert.same(expected, doubts)
    end
    local limited = answer(503, "", { ["retry-after"] = "7" })
    local found = failed(limited, READ)
    assert.same({ "rate_limited", 7, true }, { found.kind, found.retry_after, found.retryable })
    for _, operation in ipairs { ACTION, CREATE } do
      found = failed(limited, operation)
      assert.equal("uncertain", found.kind)
      assert.same({ "rate_limited", 7, true }, { found.cause.kind, found.cause.retry_after, found.cause.retryable })
      assert.is_falsy(found.retryable)
    end
  end)

  it("follows from the transport's failure and from what was sent", function()
    for _, kind in ipairs { "network", "timeout" } do
      for _, operation in ipairs { READ, ACTION, CREATE } do
        local found = failed(failure(kind, "no"), operation)
        assert.same({ kind, "no", true }, { found.kind, found.sent, found.retryable })
        assert.is_nil(found.status)
        assert.is_nil(found.body)
      end
    end
    for _, kind in ipairs { "network", "timeout", "response" } do
      for _, sent in ipairs { "maybe", "yes" } do
        -- With a status the failure came in the middle of the answer, whatever the status promised.
        for _, status in ipairs { false, 200, 422, 429, 503 } do
          local outcome = failure(kind, sent, status or nil, status and '{"data":{"id":"b1","state":"confirmed"}}')
          local found = failed(outcome, READ)
          assert.same({ kind, sent, true }, { found.kind, found.sent, found.retryable })
          for _, operation in ipairs { ACTION, CREATE } do
            found = failed(outcome, operation)
            assert.same({ "uncertain", sent, kind }, { found.kind, found.sent, found.cause.kind })
            assert.is_falsy(found.retryable)
            assert.equal(status or nil, found.status)
          end
        end
      end
    end
    for _, sent in ipairs { "no", "maybe", "yes" } do
      for _, operation in ipairs { READ, ACTION, CREATE } do
        local found = failed(failure("cancelled", sent), operation)
        assert.same({ "cancelled", sent, false }, { found.kind, found.sent, found.retryable })
      end
    end
  end)

  it("has the time to wait with 429", function()
    local headers = { ["retry-after"] = "Sun, 06 Nov 1994 08:50:07 GMT", date = "Sun, 06 Nov 1994 08:49:37 GMT" }
    assert.equal(30, failed(answer(429, "slow down", headers), ACTION).retry_after)
    local _, found = response.read(answer(429, "", { ["retry-after"] = headers["retry-after"] }), ACTION,
      function() return 784111777 end)
    assert.equal(30, found.retry_after)
    assert.is_nil(failed(answer(429, ""), ACTION).retry_after)
    assert.is_nil(failed(answer(422, "", { ["retry-after"] = "7" }), ACTION).retry_after)
  end)
end)

describe("an impossible action", function()
  local function refused(action, state, graph, status)
    local body = ([[{"error":"Cannot apply action '%s' to current state '%s'"}]]):format(action, state)
    return failed(answer(status or 422, body), { expects = "booking", writes = true, action = action, graph = graph })
  end

  it("tells what is possible and whether the booking is already there", function()
    local found = refused("confirm", "tentative", "instant_payment")
    assert.same({ "transition", "confirm", "tentative" }, { found.kind, found.action, found.state })

    found = refused("decline", "confirmed", "confirm_decline")
    assert.same({ "cancel", "cancel_by_customer", "reschedule_by_customer", "complete" }, found.allowed)
    assert.is_false(found.already)
    assert.matches("^Cannot apply action 'decline' to current state 'confirmed'; possible now: cancel, ", found.message)

    found = refused("confirm", "confirmed", "confirm_decline")
    assert.is_true(found.already)

    found = failed(answer(422, fixture "error-cancel-twice"), { expects = "booking", writes = true, action = "cancel" })
    assert.same({ "transition", true, {} }, { found.kind, found.already, found.allowed })

    found = refused("cancel", "cancelled", "confirm_decline", 409)
    assert.same({ "transition", true, {} }, { found.kind, found.already, found.allowed })
  end)

  it("is judged by all known graphs while its own is not known", function()
    local found = refused("cancel", "cancelled", nil)
    assert.same({ true, {} }, { found.already, found.allowed })
    assert.is_nil(found.graph)

    -- In `tentative`, different graphs offer different actions.
    found = refused("cancel_by_customer", "tentative", nil)
    assert.is_nil(found.allowed)
    assert.is_false(found.already)
  end)

  it("is not judged where the graph has no say", function()
    for _, case in ipairs { { "cancel", "cancelled", "custom" }, { "cancel", "on_holiday", "instant" } } do
      local found = refused(case[1], case[2], case[3])
      assert.equal("transition", found.kind)
      assert.is_nil(found.allowed)
      assert.is_nil(found.already)
    end
    local found = refused("archive", "cancelled", "instant")
    assert.same({}, found.allowed)
    assert.is_nil(found.already)
  end)

  it("is not told by other statuses", function()
    assert.equal("auth", refused("confirm", "tentative", "instant", 403).kind)
    assert.equal("uncertain", refused("confirm", "tentative", "instant", 500).kind)
  end)
end)
