-- What a caller is told, and what its handle knows afterwards: by planned answers, and by a sandbox with faults.
local clocks = require "spec.support.clock"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure

local LOST, UNSENT = failure("network", "maybe"), failure("network", "no")

local function refused(state)
  return answer(422, ([[{"error":"Cannot apply action 'confirm' to current state '%s'"}]]):format(state))
end

local clock

before_each(function() clock = clocks.install() end)
after_each(function() clock:remove() end)

-- A client whose requests take one second each.
local function client(plan, options)
  local transport = scripted.new(function()
    clock:advance(1)
    return table.remove(plan, 1) or error "an unplanned request"
  end)
  local given = { app_key = "k_test", transport = transport }
  for name, value in pairs(options or {}) do given[name] = value end
  return timekit.new(given), transport
end

describe("a success", function()
  it("tells how it was found out", function()
    local look = booking("confirmed", nil, ',"completed":false')
    look.headers = { ["timekit-request-id"] = "r2", ["x-ratelimit-remaining"] = "7" }
    local done, info = client({ LOST, look }):booking("b1"):confirm()
    assert.equal("confirmed", done.state)
    assert.same({
      status = 200, request_id = "r2", attempts = 1, reconciled = true, elapsed = 2, rate_limit_remaining = 7,
    }, info)
  end)

  it("that a refusal tells of, where the last look failed, is told like any other", function()
    for _, outcome in ipairs { answer(404), failure("timeout", "maybe"), failure("network", "maybe") } do
      local tk = client({ LOST, booking "tentative", refused "confirmed", outcome, outcome, outcome }, { retries = 1 })
      local handle = tk:booking("b1")
      local done, info = handle:confirm()
      assert.equal("confirmed", done and done.state)
      assert.same({ 2, true, "number" }, { info.attempts, info.reconciled, type(info.elapsed) })
      assert.same({ "confirm_decline", "confirmed" }, { handle.graph, handle.state })
    end
  end)

  it("is looked for again when a look fails as reads do", function()
    for _, outcome in ipairs { LOST, UNSENT, answer(500), answer(503), answer(200, "") } do
      local done, info = client({ LOST, outcome, outcome, booking "confirmed" }):booking("b1"):confirm()
      assert.equal("confirmed", done and done.state)
      assert.same({ 1, true, 200 }, { info.attempts, info.reconciled, info.status })
    end
  end)

  it("shows no key where the server echoes it as the request's id", function()
    local done = booking "confirmed"
    done.headers = { ["timekit-request-id"] = "r1 k_test" }
    local _, info = client({ done }):booking("b1"):confirm()
    assert.equal("r1 [redacted]", info.request_id)
  end)

  it("is looked for with the includes that the caller asked for", function()
    local tk, transport = client { LOST, booking "tentative", booking "confirmed" }
    assert(tk:booking("b1"):confirm(nil, { include = { "attributes", "customers" } }))
    assert.same({ "/bookings/b1/confirm?include=attributes,customers", "/bookings/b1?include=attributes,customers" },
      { transport.requests[1].target, transport.requests[2].target })
    assert.same({ transport.requests[1].target, "{}" }, { transport.requests[3].target, transport.requests[3].body })
  end)
end)

describe("a failure", function()
  it("tells its story", function()
    local tk = client({ UNSENT, LOST, booking "declined" }, { retries = 1 })
    local none, err = tk:booking("b1"):confirm({ note = 1 })
    assert.is_nil(none)
    assert.same({ "uncertain", "maybe", false, 2, "confirm", "declined", "confirm_decline", {} },
      { err.kind, err.sent, err.retryable, err.attempts, err.action, err.state, err.graph, err.allowed })
    assert.is_true(err.elapsed >= 3 and err.elapsed <= 3.2)
    assert.same({ "network", "maybe" }, { err.cause.kind, err.cause.sent })
    assert.equal("timekit: network: planned network", tostring(err.cause))
    assert.matches("^timekit: uncertain: .*confirm.*planned network.*declined", tostring(err))
    assert.is_nil(tostring(err):find("\n"))
  end)

  it("has the answer that left the doubt", function()
    local lost = answer(502, "<html>Bad Gateway", { ["timekit-request-id"] = "r1" })
    local _, err = client({ lost, answer(404) }):booking("b1"):confirm()
    assert.same({ "uncertain", 502, "r1", "<html>Bad Gateway", "server" },
      { err.kind, err.status, err.request_id, err.body, err.cause.kind })
    assert.same({ 502, "r1" }, { err.cause.status, err.cause.request_id })
  end)

  it("is retryable where a repeat can do no harm", function()
    for _, case in ipairs {
      { true, "network", UNSENT }, { true, "timeout", failure("timeout", "no") }, { true, "rate_limited", answer(429) },
      { false, "transition", refused "declined" }, { false, "auth", answer(401) }, { false, "auth", answer(403) },
      { false, "not_found", answer(404) }, { false, "validation", answer(409) }, { false, "uncertain", LOST },
      { false, "uncertain", answer(500) }, { false, "cancelled", failure("cancelled", "maybe") },
    } do
      local _, err = client({ case[3] }, { retries = 0, uncertain = "report" }):booking("b1"):confirm()
      assert.same({ case[2], case[1], 1 }, { err.kind, err.retryable, err.attempts })
    end
    for _, outcome in ipairs { LOST, answer(500), answer(503), answer(200, ""), failure("timeout", "maybe") } do
      local _, err = client({ outcome }, { retries = 0 }):booking("b1"):get()
      assert.is_true(err.retryable)
    end
  end)

  it("comes by the deadline, pauses and all", function()
    for _, uncertain in ipairs { "reconcile", "report" } do
      for _, plan in ipairs { UNSENT, answer(429), answer(503), answer(500), LOST } do
        local many = {}
        for index = 1, 200 do many[index] = plan end
        local began = clock.time
        local _, err = client(many, { retries = 100, timeout = 20, uncertain = uncertain }):booking("b1"):confirm()
        assert.is_true(clock.time - began <= 20 + 1)
        assert.equal(clock.time - began, err.elapsed)
      end
    end
  end)

  it("gives each request only the time that is left", function()
    local tk, transport = client({ UNSENT, LOST, booking "tentative", booking "confirmed" }, { timeout = 20 })
    assert(tk:booking("b1"):confirm())
    local slept = 0
    for _, seconds in ipairs(clock.slept) do slept = slept + seconds end
    assert.equal(20, transport.requests[1].timeout)
    assert.is_true(transport.requests[2].timeout <= 19 and transport.requests[2].timeout >= 18.8)
    assert.is_true(math.abs(transport.requests[3].timeout - (transport.requests[2].timeout - 1)) < 1e-6)
    assert.is_true(math.abs(transport.requests[4].timeout - (17 - slept)) < 1e-6)
  end)

  it("of a client's many operations uses up one budget of retries", function()
    local tk, transport = client(setmetatable({}, { __index = function() return UNSENT end }), {})
    transport.plan = function() return UNSENT end
    for _ = 1, 50 do assert.equal(3, select(2, tk:booking("b1"):confirm()).attempts) end
    assert.equal(1, select(2, tk:booking("b2"):get()).attempts)
    assert.equal(1, select(2, tk:create_booking { graph = "instant" }).attempts)
    -- Another client has its own.
    local other = timekit.new { app_key = "k_test", transport = scripted.new(function() return UNSENT end) }
    assert.equal(3, select(2, other:booking("b1"):confirm()).attempts)
  end)
end)

describe("pauses", function()
  it("are not the same for any two clients", function()
    local seen = {}
    for _ = 1, 10 do
      clock.slept = {}
      client({ UNSENT, booking "confirmed" }):booking("b1"):confirm()
      assert.equal(1, #clock.slept)
      assert.is_nil(seen[clock.slept[1]])
      seen[clock.slept[1]] = true
    end
  end)
end)

describe("a handle", function()
  local function outcome(hint, ...)
    local handle = client({ ... }, { retries = 0 }):booking(hint)
    local done, err = handle:confirm()
    return handle, done, err
  end

  it("knows what was found out", function()
    local handle = outcome("b1", LOST, booking("confirmed", nil, ',"completed":true'))
    assert.same({ "confirm_decline", "confirmed", true }, { handle.graph, handle.state, handle.completed })
  end)

  it("knows what was seen of an uncertain outcome, also of a graph that nobody knows here", function()
    local hint = { id = "b1", graph = "confirm_decline", state = "tentative", completed = false }
    local handle, _, err = outcome(hint, LOST, booking("declined", nil, ',"completed":true'))
    assert.equal("uncertain", err.kind)
    assert.same({ "confirm_decline", "declined" }, { handle.graph, handle.state })
    assert.is_not.equal(false, handle.completed)
    handle = outcome("b1", LOST, booking("packed", "parcel"))
    assert.same({ "parcel", "packed" }, { handle.graph, handle.state })
    handle = outcome("b1", LOST, booking "tentative")
    assert.same({ "confirm_decline", "tentative" }, { handle.graph, handle.state })
    assert.same({ "confirm", "decline" }, handle:actions())
  end)

  it("knows what was seen when it turned out to be the rate limit", function()
    local handle, _, err = outcome("b1", answer(503), booking "tentative")
    assert.is_true(err.kind == "rate_limited" or err.kind == "uncertain")
    assert.same({ "confirm_decline", "tentative" }, { handle.graph, handle.state })
  end)

  it("forgets a state that may no longer be true, and asks again when it is needed", function()
    local tk, transport = client({ LOST, answer(404), booking "confirmed" }, { retries = 0 })
    local handle = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative", completed = false }
    assert.equal("uncertain", select(2, handle:confirm()).kind)
    assert.same({ "confirm_decline" }, { handle.graph, handle.state, handle.completed })
    assert.is_true(handle:can("cancel"))
    assert.equal(3, #transport.requests)
  end)

  it("holds nothing but names", function()
    local handle = outcome({ id = "b1", graph = "confirm_decline" }, LOST,
      answer(200, '{"data":{"id":"b1","state":"tentative","graph":null}}'))
    assert.is_true(handle.graph == nil or type(handle.graph) == "string")
    assert.equal("tentative", handle.state)
  end)

  it("believes a refusal, and nothing that was not said", function()
    local handle = outcome({ id = "b1", graph = "confirm_decline", state = "tentative", completed = false },
      refused "confirmed")
    assert.same({ "confirmed", nil }, { handle.state, handle.completed })
    for _, planned in ipairs { UNSENT, answer(429), answer(401), answer(404), answer(422) } do
      handle = outcome({ id = "b1", graph = "confirm_decline", state = "tentative", completed = false }, planned)
      assert.same({ "confirm_decline", "tentative", false }, { handle.graph, handle.state, handle.completed })
    end
  end)
end)

describe("against a sandbox with faults", function()
  local MATCH = "PUT /v2/bookings/*/confirm"

  -- Confirms a booking while a fault is planned. Returns what came of it, and what really happened to the booking.
  local function confirm(fault, options)
    local box = timekit.sandbox.new { now = 1893456000 }
    local given = { app_key = "k_test", transport = box }
    for name, value in pairs(options or {}) do given[name] = value end
    local tk = timekit.new(given)
    local created = assert(tk:create_booking {
      graph = "confirm_decline", start = "2030-01-01T10:00:00Z", ["end"] = "2030-01-01T11:00:00Z",
    })
    fault.match = MATCH
    box:fault(fault)
    local done, info = tk:booking(created.id):confirm()
    -- One more request, so that a late one arrives.
    tk:booking(created.id):get()
    local times = 0
    for _, step in ipairs(box:bookings()[1].history) do
      if step.action == "confirm" then times = times + 1 end
    end
    return done, info, times
  end

  local DOUBTFUL = {
    { what = "close" }, { what = "truncate" }, { what = "garbage" }, { what = "stall", seconds = 5 },
    { what = "status", status = 500 }, { what = "status", status = 502 }, { what = "status", status = 503 },
    { what = "status", status = 504 }, { what = "status", status = 302 },
  }

  it("an action whose answer was lost is found to be done", function()
    for _, fault in ipairs(DOUBTFUL) do
      fault.when = "after"
      local done, info, times = confirm(fault)
      local slow = fault.what == "stall"
      assert.same({ "confirmed", 1, not slow, 1 }, { done.state, info.attempts, info.reconciled, times })
    end
  end)

  it("an action that was lost is done by a repeat", function()
    for _, fault in ipairs(DOUBTFUL) do
      fault.when = "before"
      local done, info, times = confirm(fault)
      local slow = fault.what == "stall"
      assert.same({ "confirmed", slow and 1 or 2, false, 1 }, { done.state, info.attempts, info.reconciled, times })
    end
    local done, info, times = confirm { what = "refuse" }
    assert.same({ "confirmed", 2, false, 1 }, { done.state, info.attempts, info.reconciled, times })
  end)

  it("an action that comes late is done once", function()
    for after_requests = 1, 3 do
      local done, info, times = confirm { what = "late", after_requests = after_requests }
      assert.same({ "confirmed", 2, 1 }, { done.state, info.attempts, times })
    end
  end)

  it("an action is reported as uncertain, and left alone, where that is asked for", function()
    for _, fault in ipairs(DOUBTFUL) do
      for when, expected in pairs { before = 0, after = 1 } do
        if fault.what ~= "stall" then
          fault.when = when
          local done, err, times = confirm(fault, { uncertain = "report" })
          assert.is_nil(done)
          assert.same({ "uncertain", 1, expected }, { err.kind, err.attempts, times })
        end
      end
    end
  end)

  it("an answer that never comes ends as uncertain by the deadline", function()
    for when, expected in pairs { before = 0, after = 1 } do
      local done, err, times = confirm({ what = "stall", when = when }, { timeout = 3 })
      assert.is_nil(done)
      assert.same({ "uncertain", "timeout", "maybe", 1, expected },
        { err.kind, err.cause.kind, err.sent, err.attempts, times })
    end
  end)
end)
