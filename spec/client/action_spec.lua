-- Actions, handles, reads and creations: what is refused before anything is sent, what is sent, and what comes back.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- A client without retries whose server gives these answers.
local function client(...)
  local transport = scripted.new { ... }
  return timekit.new { app_key = "test_key", transport = transport, retries = 0, uncertain = "report" }, transport
end

local function sandbox()
  local box = timekit.sandbox.new { now = 1000000000 }
  return timekit.new { app_key = "test_key", transport = box }, box
end

-- A booking's fields, for the sandbox.
local function fields(graph, extra)
  local new = {
    graph = graph, resource_id = "67623db3-cb5f-41e8-b85b-23b5efd04e07", what = "Mens haircut", where = "Sesame St",
    start = "2027-03-01T08:00:00+00:00", ["end"] = "2027-03-01T09:00:00+00:00",
    customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io", timezone = "America/Los_Angeles" },
  }
  for name, value in pairs(extra or {}) do new[name] = value end
  return new
end

describe("an action", function()
  it("is one request, without a look at the booking before", function()
    local tk, transport = client(scripted.booking "confirmed")
    local booking, info = tk:booking("b1"):action("confirm")
    assert.equal("confirmed", booking.state)
    assert.equal("confirm_decline", booking.graph)
    assert.equal(1, #transport.requests)
    local request = transport.requests[1]
    assert.same({ "PUT", "/bookings/b1/confirm", "{}", 30 },
      { request.method, request.target, request.body, request.timeout })
    assert.equal(200, info.status)
  end)

  it("tells how it went", function()
    local answer = scripted.booking "declined"
    answer.headers = { ["timekit-request-id"] = "d37d74e7", ["x-ratelimit-remaining"] = "806" }
    local _, info = client(answer):booking("b1"):decline { message = "Fully booked" }
    assert.is_true(info.elapsed >= 0 and info.elapsed < 5)
    info.elapsed = nil
    assert.same({
      status = 200, request_id = "d37d74e7", attempts = 1, reconciled = false, rate_limit_remaining = 806,
    }, info)
  end)

  it("takes inputs and options, and changes neither", function()
    local tk, transport = client(scripted.booking "declined")
    local inputs, include = { message = "Fully booked" }, { "attributes", "customers" }
    local opts = {
      apply_to_bulked_bookings = false, settings = { notify = { enabled = false } }, include = include, timeout = 3,
    }
    assert(tk:booking("b1"):action("decline", inputs, opts))
    assert.same({ message = "Fully booked" }, inputs)
    assert.same({ "attributes", "customers" }, include)
    assert.same({
      apply_to_bulked_bookings = false, settings = { notify = { enabled = false } }, include = include, timeout = 3,
    }, opts)
    local request = transport.requests[1]
    assert.equal("/bookings/b1/decline?include=attributes,customers", request.target)
    assert.equal(3, request.timeout)
    assert.same({
      decline = { message = "Fully booked" }, apply_to_bulked_bookings = false, notify = { enabled = false },
    }, core.decode(request.body))
  end)

  it("of a known graph is a method as well", function()
    for _, graph in pairs(graphs) do
      for _, action in ipairs(graph.actions) do
        local tk, transport = client(scripted.booking(action.to, graph.name))
        local booking = tk:booking { id = "b1" }
        assert(booking[action.name](booking, { note = "x" }, { timeout = 9 }))
        assert.equal("/bookings/b1/" .. action.name, transport.requests[1].target)
        assert.same({ [action.name] = { note = "x" } }, core.decode(transport.requests[1].body))
        assert.equal(9, transport.requests[1].timeout)
      end
    end
  end)

  it("of a graph of one's own is a method, but for the names that are taken", function()
    finally(function() rawset(graphs, "library", nil) end)
    assert.is_nil(client():booking("b1").lend)
    graphs.define {
      name = "library", initial = "initialized", first = "lend",
      states = { initialized = {}, lent = {}, back = { final = true } },
      actions = {
        { name = "lend", from = "initialized", to = "lent" }, { name = "get", from = "lent", to = "back" },
        { name = "state", from = "lent", to = "back" },
      },
    }
    local tk, transport = client(scripted.booking("lent", "library"), scripted.booking("lent", "library"))
    local booking = tk:booking("b1")
    assert.is_nil(booking.state)
    assert.equal("lent", booking:lend().state)
    assert(booking:get())
    assert.equal("GET", transport.requests[2].method)
    assert.is_nil(booking.return_it)
  end)

  it("of a graph that nobody knows here is sent, and the server decides", function()
    local tk, transport = client(scripted.booking("archived", "custom"), scripted.booking("archived", "custom"))
    local booking = tk:booking { id = "b1", graph = "custom", state = "shelved" }
    assert.equal("archived", booking:action("archive", { anything = 1 }).state)
    assert(booking:action "archive")
    assert.equal(2, #transport.requests)
  end)
end)

describe("a handle", function()
  it("remembers what it saw last", function()
    local tk = client(scripted.booking("tentative", "confirm_decline", ',"completed":false'),
      scripted.booking("declined", "confirm_decline", ',"completed":true'))
    local booking = tk:booking("b1")
    assert.same({ "b1" }, { booking.id, booking.graph, booking.state, booking.completed })
    booking:get()
    assert.same({ "b1", "confirm_decline", "tentative", false },
      { booking.id, booking.graph, booking.state, booking.completed })
    booking:decline()
    assert.same({ "declined", true }, { booking.state, booking.completed })
    assert.equal("timekit.booking (b1)", tostring(booking))
  end)

  it("takes a booking as the API returns it", function()
    local tk = client()
    local booking = tk:booking { id = "b1", graph = "instant", state = "confirmed", completed = false, meta = {} }
    assert.same({ "b1", "instant", "confirmed", false },
      { booking.id, booking.graph, booking.state, booking.completed })
    booking = tk:booking { id = "b1", graph = timekit.null, state = 7, completed = "no" }
    assert.same({ "b1" }, { booking.id, booking.graph, booking.state, booking.completed })
    assert.equal("confirmed", tk:booking(tk:booking { id = "b1", state = "confirmed" }).state)
  end)

  it("learns from a refusal, and forgets what has become uncertain", function()
    local refusal = scripted.answer(422, [[{"error":"Cannot apply action 'confirm' to current state 'cancelled'"}]])
    local tk = client(refusal, scripted.failure("network", "maybe"))
    local booking = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative", completed = false }
    local _, err = booking:confirm()
    assert.equal("transition", err.kind)
    assert.equal("cancelled", booking.state)
    assert.is_nil(booking.completed)

    booking = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative", completed = false }
    _, err = booking:confirm()
    assert.equal("uncertain", err.kind)
    assert.same({ "confirm_decline" }, { booking.graph, booking.state, booking.completed })
  end)
end)

describe("an action is refused before anything is sent", function()
  local function refused(hint, action, inputs)
    local tk, transport = client()
    hint.id = "b1"
    local booking, err = tk:booking(hint):action(action, inputs)
    assert.is_nil(booking)
    assert.equal(0, #transport.requests)
    assert.same({ "no", 0, 0, false }, { err.sent, err.attempts, err.elapsed, err.retryable })
    assert.equal(action, err.action)
    return err
  end

  it("when its graph has no such action", function()
    local err = refused({ graph = "instant", state = "confirmed" }, "decline")
    assert.equal("input", err.kind)
    assert.same({ "instant", "confirmed" }, { err.graph, err.state })
    assert.same({ "cancel", "cancel_by_customer", "reschedule_by_customer", "complete" }, err.allowed)
    assert.matches("graph 'instant' has no action 'canel', did you mean 'cancel'?",
      refused({ graph = "instant" }, "canel").message, 1, true)
  end)

  it("when an input is one that the graph says is wrong", function()
    local err = refused({ graph = "confirm_decline", state = "tentative" }, "decline", { message = 42 })
    assert.equal("input", err.kind)
    assert.matches("inputs.message: expected a string", err.message, 1, true)
    err = refused({ graph = "confirm_decline" }, "decline", { mesage = "Fully booked" })
    assert.matches("inputs.mesage: unknown, did you mean 'message'?", err.message, 1, true)
  end)

  it("when an input is wrong for the action as it is in this state", function()
    finally(function() rawset(graphs, "workshop", nil) end)
    graphs.define {
      name = "workshop", initial = "initialized", first = "open",
      states = { initialized = {}, open = {}, full = {}, closed = { final = true } },
      actions = {
        { name = "open", from = "initialized", to = "open" }, { name = "fill", from = "open", to = "full" },
        { name = "close", from = "open", to = "closed" },
        { name = "close", from = "full", to = "closed", inputs = { refund = { type = "boolean", required = true } } },
      },
    }
    assert.equal("input", refused({ graph = "workshop", state = "full" }, "close").kind)
    local tk = client(scripted.booking("closed", "workshop"))
    assert(tk:booking({ id = "b1", graph = "workshop", state = "open" }):close())
  end)

  it("when its body would be too large", function()
    local err = refused({}, "decline", { message = ("x"):rep(10 * 1024 * 1024) })
    assert.equal("input", err.kind)
    assert.matches("limit of 1048576 bytes", err.message, 1, true)
    assert.is_true(#tostring(err) < 1000)
  end)

  it("when the state is final by the graph, and the server does not say otherwise", function()
    for _, hint in ipairs {
      { graph = "confirm_decline", state = "declined" },
      { graph = "confirm_decline", state = "declined", completed = true },
    } do
      local err = refused(hint, "confirm")
      assert.equal("transition", err.kind)
      assert.same({ "confirm_decline", "declined" }, { err.graph, err.state })
      assert.is_false(err.already)
      assert.same({}, err.allowed)
      assert.is_true(refused(hint, "decline").already)
    end
  end)

  it("when the server says that it is final and no graph objects", function()
    local err = refused({ graph = "custom", state = "gone", completed = true }, "confirm")
    assert.same({ "transition", "custom", "gone" }, { err.kind, err.graph, err.state })
    assert.is_nil(err.already)
    err = refused({ state = "cancelled", completed = true }, "cancel")
    assert.same({ "transition", true }, { err.kind, err.already })
    assert.equal("transition", refused({ graph = "instant", state = "on_holiday", completed = true }, "cancel").kind)
  end)
end)

describe("an action is sent", function()
  local function sent(hint, action, inputs)
    local tk, transport = client(scripted.booking "confirmed")
    hint.id = "b1"
    assert(tk:booking(hint):action(action, inputs))
    assert.equal(1, #transport.requests)
  end

  it("wherever a refusal is not certain", function()
    -- The last known state may be out of date.
    sent({ graph = "confirm_decline", state = "confirmed" }, "confirm")
    -- The server has the last word on what is final.
    sent({ graph = "confirm_decline", state = "declined", completed = false }, "confirm")
    sent({ graph = "instant_payment", state = "paid", completed = true }, "cancel")
    sent({ graph = "instant_payment", completed = true }, "cancel")
    sent({ graph = "instant", state = "on_holiday" }, "cancel")
    -- The API may know more inputs than we do.
    sent({ graph = "confirm_decline", state = "tentative" }, "decline", { reason_code = 7 })
    -- Without a graph there are no rules.
    sent({}, "decline", { mesage = 42 })
    -- A graph whose name is that of a function in the table of graphs is not known either.
    sent({ graph = "define", state = "x" }, "decline")
  end)
end)

describe("an action that failed", function()
  it("tells what the transport knows", function()
    local tk = client(scripted.failure("network", "no"), scripted.failure("timeout", "maybe"))
    local booking = tk:booking("b1")
    local none, err = booking:confirm()
    assert.is_nil(none)
    assert.same({ "network", "no", true, 1, "confirm" },
      { err.kind, err.sent, err.retryable, err.attempts, err.action })
    assert.is_true(err.elapsed >= 0)
    none, err = booking:confirm()
    assert.is_nil(none)
    assert.same({ "uncertain", "maybe", false, 1 }, { err.kind, err.sent, err.retryable, err.attempts })
    assert.equal("timeout", err.cause.kind)
    assert.matches("timekit: uncertain: it is not known whether the action 'confirm' was applied: planned timeout",
      tostring(err), 1, true)
  end)
end)

describe("can and actions", function()
  it("answer from graph and state without a request", function()
    local tk, transport = client()
    local booking = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative" }
    assert.is_true(booking:can("confirm"))
    local possible, reason = booking:can("cancel")
    assert.is_false(possible)
    assert.is_string(reason)
    assert.same({ "confirm", "decline" }, booking:actions())
    booking = tk:booking { id = "b1", graph = "confirm_decline", state = "declined" }
    assert.is_false((booking:can("confirm")))
    assert.same({}, booking:actions())
    assert.equal(0, #transport.requests)
  end)

  it("read the booking once when they know too little", function()
    local tk, transport = client(scripted.booking "tentative", scripted.booking "declined")
    local booking = tk:booking("b1")
    assert.is_true(booking:can("decline"))
    assert.is_false((booking:can("cancel")))
    assert.same({ "confirm", "decline" }, booking:actions())
    assert.equal(1, #transport.requests)
    assert.equal("/bookings/b1?include=available_actions", transport.requests[1].target)
    assert.same({}, tk:booking("b2"):actions())
  end)

  it("read the booking when its graph is known and its state is not", function()
    local tk, transport = client(scripted.booking "declined")
    local booking = tk:booking { id = "b1", graph = "confirm_decline" }
    assert.is_false((booking:can("confirm")))
    assert.equal("declined", booking.state)
    assert.equal(1, #transport.requests)
  end)

  it("take the server's word for a graph that is not known here", function()
    for _, field in ipairs { "available_actions", "possible_actions" } do
      local answer = scripted.booking("shelved", "custom", (',"%s":["archive","confirm"]'):format(field))
      local tk, transport = client(answer, answer, answer)
      local booking = tk:booking("b1")
      assert.is_true(booking:can("archive"))
      assert.same({ "archive", "confirm" }, booking:actions())
      local possible, reason = booking:can("cancel")
      assert.is_false(possible)
      assert.matches("archive, confirm", reason)
      assert.equal(3, #transport.requests)
    end
    local tk = client(scripted.booking("gone", "custom", ',"available_actions":[]'))
    local possible, reason = tk:booking("b1"):can("archive")
    assert.is_false(possible)
    assert.matches("possible now: nothing", reason)
  end)

  it("return an error when nothing can be found out", function()
    local tk = client(scripted.failure("timeout", "maybe"), scripted.answer(404, '{"error":"Resource does not exist"}'),
      scripted.booking("shelved", "custom"))
    local booking = tk:booking("b1")
    local possible, err = booking:can("confirm")
    assert.is_nil(possible)
    assert.equal("timeout", err.kind)
    possible, err = booking:actions()
    assert.is_nil(possible)
    assert.equal("not_found", err.kind)
    possible, err = booking:can("archive")
    assert.is_nil(possible)
    assert.same({ "response", "custom", "shelved" }, { err.kind, err.graph, err.state })
  end)

  it("raise for what is no action", function()
    local booking = client():booking { id = "b1", graph = "instant", state = "confirmed" }
    assert.matches("booking:can: the action's name: expected a string", blame(function() booking:can(nil) end), 1, true)
    assert.matches("booking:can: ", blame(function() booking:can("") end), 1, true)
  end)
end)

describe("a read", function()
  it("is a GET, with includes", function()
    local tk, transport = client(scripted.booking "tentative")
    local booking, info = tk:booking("b 1"):get { include = "attributes", timeout = 2 }
    assert.equal("tentative", booking.state)
    assert.equal(200, info.status)
    local request = transport.requests[1]
    assert.same({ "GET", "/bookings/b%201?include=attributes", 2 }, { request.method, request.target, request.timeout })
    assert.is_nil(request.body)
  end)
end)

describe("a creation", function()
  it("is a POST with the fields, which stay as they are", function()
    local tk, transport = client(scripted.booking "tentative")
    local given = { graph = "confirm_decline", customer = { name = "Marty McFly" }, participants = timekit.array {} }
    local booking, info = tk:create_booking(given, { include = { "customers" }, timeout = 4 })
    assert.equal("b1", booking.id)
    assert.equal(1, info.attempts)
    assert.same({ graph = "confirm_decline", customer = { name = "Marty McFly" }, participants = {} }, given)
    local request = transport.requests[1]
    assert.same({ "POST", "/bookings?include=customers", 4 }, { request.method, request.target, request.timeout })
    assert.matches('"participants":[]', request.body, 1, true)
  end)

  it("fails like an action, and is uncertain more often", function()
    local tk = client(scripted.failure("network", "no"), scripted.failure("network", "maybe"), scripted.answer(503),
      scripted.answer(201, '{"data":{"graph":"instant","state":"confirmed"}}'),
      scripted.answer(422, '{"errors":{"graph":["unknown"]}}'))
    local given = { graph = "instant" }
    assert.equal("network", select(2, tk:create_booking(given)).kind)
    assert.equal("uncertain", select(2, tk:create_booking(given)).kind)
    assert.equal("uncertain", select(2, tk:create_booking(given)).kind)
    -- It was created, but without an id it cannot be found again.
    assert.equal("uncertain", select(2, tk:create_booking(given)).kind)
    assert.same({ graph = { "unknown" } }, select(2, tk:create_booking(given)).fields)
    local err = select(2, tk:create_booking { what = ("x"):rep(2 ^ 20) })
    assert.same({ "input", "no", 0 }, { err.kind, err.sent, err.attempts })
  end)
end)

describe("against the sandbox", function()
  it("a booking goes through its graph", function()
    local tk, box = sandbox()
    local created = assert(tk:create_booking(fields "confirm_decline"))
    assert.equal("tentative", created.state)
    local booking = tk:booking(created)
    assert.same({ "confirm", "decline" }, booking:actions())
    assert.equal("confirmed", assert(booking:confirm()).state)
    assert.is_true(booking:can("cancel"))
    box:advance(30 * 365 * 86400)
    local none, err = booking:cancel { message = "too late" }
    assert.is_nil(none)
    assert.same({ "transition", "completed", false, {}, 422 },
      { err.kind, err.state, err.already, err.allowed, err.status })
    -- Now it is known to be final.
    none, err = booking:cancel()
    assert.is_nil(none)
    assert.same({ "transition", "no" }, { err.kind, err.sent })
  end)

  it("every possible action of every graph is done, and every impossible one explained", function()
    local tk = sandbox()
    local owner = assert(tk:create_booking(fields("group_owner", { settings = { max_seats = 500 } })))
    for _, graph in pairs(graphs) do
      if graph.first then
        for _, action in ipairs(graph.actions) do
          local created = assert(tk:create_booking(fields(graph.name, { related = { owner_booking_id = owner.id } })))
          -- A handle that knows nothing, so the server has to refuse.
          local done, err = tk:booking(created.id):action(action.name)
          if graph:can(created.state, action.name) then
            assert.equal(graph:next_state(created.state, action.name), done.state)
          else
            assert.same({ "transition", action.name, created.state, "yes" },
              { err.kind, err.action, err.state, err.sent })
            local known = tk:booking { id = created.id, graph = graph.name }
            err = select(2, known:action(action.name))
            assert.same(graph:actions_in(created.state), err.allowed)
            assert.equal(graph:leads_to(action.name, created.state), err.already)
          end
        end
      end
    end
  end)

  it("a booking that does not exist is not found", function()
    local tk = sandbox()
    local booking = tk:booking("00000000-0000-4000-8000-000000000000")
    for _, method in ipairs { "confirm", "get" } do
      local none, err = booking[method](booking)
      assert.is_nil(none)
      assert.same({ "not_found", 404, "yes" }, { err.kind, err.status, err.sent })
    end
  end)

  it("a wrong key is refused", function()
    local box = timekit.sandbox.new { app_key = "the_right_key" }
    local _, err = timekit.new({ app_key = "the_wrong_key", transport = box }):booking("b1"):get()
    assert.same({ "auth", 401 }, { err.kind, err.status })
    _, err = timekit.new({ app_key = "the_right_key", transport = box }):booking("b1"):get()
    assert.equal("not_found", err.kind)
  end)
end)
