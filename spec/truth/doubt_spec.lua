-- What becomes of an action that may or may not have been applied: timekit.call.retry alone, without I/O.
local graphs = require "timekit.graphs"
local machine = require "spec.support.machine"
local scripted = require "spec.support.scripted"

local action, limited, refused, rounded, run =
  machine.action, machine.limited, machine.refused, machine.rounded, machine.run
local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure
local CREATE, READ, LATE, LIMITED, LOST, UNSENT =
  machine.CREATE, machine.READ, machine.LATE, machine.LIMITED, machine.LOST, machine.UNSENT

describe("a doubt", function()
  it("is cleared up by the state that the action leads to", function()
    local ended = run(action(nil), { LOST, booking("confirmed", nil, ',"completed":false,"note":"x"') })
    assert.same({ "PUT", "GET" }, ended.done)
    assert.same({ true, 1, "x" }, { ended.reconciled, ended.attempts, ended.data.note })
  end)

  it("is followed by a repeat where the action is possible", function()
    local ended = run(action(nil), { LOST, booking "tentative", booking "confirmed" })
    assert.same({ "PUT", "GET", 0.2, "PUT" }, rounded(ended.done))
    assert.same({ false, 2, "confirmed" }, { ended.reconciled, ended.attempts, ended.data.state })
    -- The pauses go on growing, and each further doubt leads to a read.
    ended = run(action(nil), {
      LOST, booking "tentative", answer(500), booking "tentative", answer(502), booking "confirmed",
    })
    assert.same({ "PUT", "GET", 0.2, "PUT", "GET", 0.4, "PUT", "GET" }, rounded(ended.done))
    assert.same({ true, 3 }, { ended.reconciled, ended.attempts })
  end)

  it("ends as uncertain when the tries are used up, with the first cause and the last state", function()
    local ended = run(action(nil), {
      LOST, booking "tentative", answer(500), booking("tentative", nil, ',"x":1'), UNSENT, booking("tentative"),
    })
    assert.same({ "uncertain", "network", "maybe", "yes", "tentative", "confirm_decline", 3 }, {
      ended.failure.kind, ended.failure.cause.kind, ended.failure.cause.sent, ended.failure.sent, ended.failure.state,
      ended.failure.graph, ended.attempts,
    })
    assert.same({ "confirm", "decline" }, ended.failure.allowed)
    assert.is_nil(ended.failure.cause.cause)
  end)

  it("keeps a refusal of the repeat from being the last word", function()
    local ended = run(action(nil), { LOST, booking "tentative", refused "confirmed", booking "confirmed" })
    assert.same({ "PUT", "GET", 0.2, "PUT", "GET" }, rounded(ended.done))
    assert.same({ true, 2 }, { ended.reconciled, ended.attempts })
    -- Moved elsewhere.
    ended = run(action(nil), { LOST, booking "tentative", refused "declined", booking "declined" })
    assert.same({ "uncertain", "declined", {} }, { ended.failure.kind, ended.failure.state, ended.failure.allowed })
    -- A refusal that would be an error on the first try.
    for _, outcome in ipairs {
      answer(401), answer(403), answer(404), answer(409), answer(422, '{"errors":{"a":["b"]}}'),
    } do
      ended = run(action(nil), { LOST, booking "tentative", outcome, booking "tentative" }, { retries = 5 })
      assert.same({ "uncertain", "network", "tentative", 2, "yes" }, {
        ended.failure.kind, ended.failure.cause.kind, ended.failure.state, ended.attempts, ended.failure.sent,
      })
      -- The first request arrived in the meantime.
      ended = run(action(nil), { LOST, booking "tentative", outcome, booking "confirmed" })
      assert.is_true(ended.reconciled)
    end
  end)

  it("is cleared up by a refusal that says that the booking is there already, even when no look succeeds", function()
    for _, outcome in ipairs { answer(404), answer(401), LATE, limited(429, "100") } do
      local ended = run(action(nil), { LOST, booking("tentative", nil, ',"note":"x"'), refused "confirmed", outcome })
      assert.same({ true, 2 }, { ended.reconciled, ended.attempts })
      assert.same({ "b1", "confirm_decline", "confirmed", "x", false }, {
        ended.data.id, ended.data.graph, ended.data.state, ended.data.note, ended.data.completed,
      })
    end
    local ended = run(action(nil, "decline"), {
      LOST, booking("tentative", nil, ',"completed":false,"available_actions":["confirm","decline"]'),
      refused("declined", "decline"), answer(404),
    })
    assert.same({ "declined", true }, { ended.data.state, ended.data.completed })
    -- The error must not list the actions of the earlier state.
    local offered = ended.data.available_actions
    assert.is_true(offered == nil or #offered == 0)
  end)

  it("is cleared up by such a refusal of what was never seen, if its graph is known", function()
    local operation = action "confirm_decline"
    operation.id = "b1"
    local ended = run(operation, { LIMITED, refused "confirmed", answer(404) })
    assert.same({ id = "b1", graph = "confirm_decline", state = "confirmed", completed = false }, ended.data)
    assert.is_true(ended.reconciled)
  end)

  it("is cleared up by such a refusal when there is no time left to look", function()
    local ended = run(action(nil), { LOST, booking "tentative", { 59.9, refused "confirmed" } })
    assert.is_true(ended.reconciled)
    assert.equal("confirmed", ended.data.state)
  end)

  it("is not cleared up by a refusal of something else, or that says something else", function()
    for _, outcome in ipairs {
      refused "declined", refused("confirmed", "cancel"), refused("declined", "decline"), answer(422),
    } do
      local ended = run(action(nil), { LOST, booking "tentative", outcome, answer(404) })
      assert.is_nil(ended.data)
      assert.equal("uncertain", ended.failure.kind)
    end
  end)

  it("shows the state that was heard of last", function()
    local ended = run(action(nil), { LOST, booking "tentative", refused "declined", answer(404) })
    assert.same({ "uncertain", "declined", {} }, { ended.failure.kind, ended.failure.state, ended.failure.allowed })
  end)

  it("shows what was seen rather than what was heard before", function()
    local ended = run(action(nil), { LOST, booking "tentative", refused "on_its_way", booking "declined" })
    assert.same({ "uncertain", "declined", {} }, { ended.failure.kind, ended.failure.state, ended.failure.allowed })
    ended = run(action(nil), { LOST, booking "tentative", refused "declined", booking "tentative" })
    assert.same({ "uncertain", "tentative", 2 }, { ended.failure.kind, ended.failure.state, ended.attempts })
  end)

  it("stays when the booking cannot be read", function()
    for _, outcome in ipairs { answer(401), answer(403), answer(404), answer(422), answer(302) } do
      local ended = run(action "confirm_decline", { LOST, outcome }, { retries = 5 })
      assert.same({ "uncertain", "network", "maybe" },
        { ended.failure.kind, ended.failure.cause.kind, ended.failure.sent })
      assert.is_nil(ended.failure.state)
      assert.equal("confirm_decline", ended.failure.graph)
    end
    for _, outcome in ipairs { UNSENT, LOST, answer(500), answer(503), answer(429), answer(200, "") } do
      for retries = 0, 3 do
        local ended = run(action(nil), { LOST, rest = outcome }, { retries = retries })
        assert.equal("uncertain", ended.failure.kind)
        local looks = 0
        for _, what in ipairs(ended.done) do looks = looks + (what == "GET" and 1 or 0) end
        assert.same({ 1 + retries, 1 }, { looks, ended.attempts })
      end
    end
  end)

  it("stays in a state that proves nothing, or of a graph that is not known here", function()
    for _, case in ipairs {
      { "declined" }, { "cancelled" }, { "error" }, { "on_holiday" }, { "confirmed", "parcel" },
    } do
      local ended = run(action "confirm_decline", { LOST, booking(case[1], case[2]) }, { retries = 5 })
      assert.same({ "PUT", "GET" }, ended.done)
      assert.same({ "uncertain", case[1], case[2] or "confirm_decline" },
        { ended.failure.kind, ended.failure.state, ended.failure.graph })
    end
  end)

  it("names a graph and a state only where the answer had them", function()
    local ended = run(action "confirm_decline", {
      LOST, answer(200, '{"data":{"id":"b1","state":"tentative","graph":null}}'),
    })
    assert.same({ "uncertain", "tentative" }, { ended.failure.kind, ended.failure.state })
    assert.is_true(ended.failure.graph == nil or type(ended.failure.graph) == "string")
  end)

  it("makes `sent` as strong as the strongest try", function()
    local ended = run(action(nil), { LOST, booking "tentative", UNSENT, UNSENT, booking "tentative" })
    assert.same({ "uncertain", "maybe", 3 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
    ended = run(action(nil), { limited(429, "1"), UNSENT, UNSENT })
    assert.same({ "network", "yes" }, { ended.failure.kind, ended.failure.sent })
    ended = run(action(nil), { UNSENT, UNSENT, LOST, answer(404) })
    assert.same({ "uncertain", "maybe" }, { ended.failure.kind, ended.failure.sent })
  end)
end)

describe("to report", function()
  local DOUBTFUL = {
    LOST, LATE, failure("response", "yes", 200, "{"), answer(200, ""), answer(302), answer(500), answer(502),
    answer(504),
  }

  it("is neither to look nor to repeat", function()
    for _, outcome in ipairs(DOUBTFUL) do
      for _, graph in ipairs { "confirm_decline", "nobody_knows_it" } do
        local ended = run(action(graph), { outcome }, { uncertain = "report" })
        assert.same({ "PUT" }, ended.done)
        assert.same({ "uncertain", outcome.sent, 1 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
        assert.equal(outcome.status, ended.failure.cause.status)
      end
    end
  end)

  it("still allows what surely had no effect to be repeated", function()
    local ended = run(action(nil), { UNSENT, limited(429, "1"), booking "confirmed" }, { uncertain = "report" })
    assert.same({ "confirmed", false, 3 }, { ended.data.state, ended.reconciled, ended.attempts })
    ended = run(action(nil), { UNSENT, LOST }, { uncertain = "report", retries = 5 })
    assert.same({ "uncertain", "maybe", 2 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
  end)

  it("allows 503 to be repeated where the graph makes that safe", function()
    local ended = run(action "confirm_decline", { limited(503, "2"), booking "confirmed" }, { uncertain = "report" })
    assert.same({ "PUT", 2, "PUT" }, ended.done)
    assert.is_false(ended.reconciled)
    for _, graph in ipairs { "nobody_knows_it", false } do
      ended = run(action(graph or nil), { limited(503, "2") }, { uncertain = "report" })
      assert.same({ "uncertain", "rate_limited", 2 },
        { ended.failure.kind, ended.failure.cause.kind, ended.failure.retry_after })
    end
    -- No longer so once another request may be under way.
    ended = run(action "confirm_decline", { LIMITED, LOST }, { uncertain = "report", retries = 5 })
    assert.same({ "uncertain", "rate_limited", 2 }, { ended.failure.kind, ended.failure.cause.kind, ended.attempts })
    ended = run(action "confirm_decline", { rest = LIMITED }, { uncertain = "report" })
    assert.same({ "uncertain", "rate_limited", 3 }, { ended.failure.kind, ended.failure.cause.kind, ended.attempts })
    -- The first request may have been applied, whatever the answer to the second says.
    for state, outcome in pairs {
      confirmed = refused "confirmed", declined = refused "declined", [404] = answer(404), [401] = answer(401),
    } do
      ended = run(action "confirm_decline", { LIMITED, outcome }, { uncertain = "report" })
      assert.same({ "PUT", 0.2, "PUT" }, rounded(ended.done))
      assert.same({ "uncertain", 503 }, { ended.failure.kind, ended.failure.cause.status })
      assert.equal(type(state) == "string" and state or nil, ended.failure.state)
    end
  end)
end)

describe("503", function()
  it("is repeated at once where the graph is known, and looked into in the end", function()
    local ended = run(action "confirm_decline", { limited(503, "2"), LIMITED, booking "confirmed" })
    assert.same({ "PUT", 2, "PUT", 0.4, "PUT" }, rounded(ended.done))
    ended = run(action "confirm_decline", { LIMITED, LIMITED, LIMITED, booking "confirmed" })
    assert.same({ "PUT", 0.2, "PUT", 0.4, "PUT", "GET" }, rounded(ended.done))
    assert.same({ true, 3 }, { ended.reconciled, ended.attempts })
    ended = run(action "confirm_decline", { LIMITED, refused "confirmed", booking "confirmed" })
    assert.same({ true, 2 }, { ended.reconciled, ended.attempts })
  end)

  it("is looked into first where the graph is not known", function()
    local ended = run(action(nil), { LIMITED, booking "confirmed" })
    assert.same({ "PUT", "GET" }, ended.done)
    assert.is_true(ended.reconciled)
    ended = run(action(nil), { LIMITED, booking "tentative", booking "confirmed" })
    assert.same({ "PUT", "GET", 0.2, "PUT" }, rounded(ended.done))
  end)

  it("is not repeated sooner than Retry-After says, nor is 429 after a doubt", function()
    for _, plan in ipairs {
      { limited(503, "7"), booking "tentative", booking "confirmed" },
      { LOST, booking "tentative", limited(503, "7"), booking "tentative", booking "confirmed" },
      { LOST, booking "tentative", limited(429, "7"), booking "confirmed" },
    } do
      local ended = run(action(nil), plan)
      local waited = 0
      for index = #ended.done - 1, 1, -1 do
        local what = ended.done[index]
        if what == "PUT" then break end
        if type(what) == "number" then waited = waited + what end
      end
      assert.equal("PUT", ended.done[#ended.done])
      assert.is_true(waited >= 7, ("it was repeated after %g seconds"):format(waited))
    end
    for _, status in ipairs { 429, 503 } do
      local ended = run(action(nil), { LOST, booking "tentative", limited(status, "100"), booking "tentative" })
      assert.same({ "uncertain", 2 }, { ended.failure.kind, ended.attempts })
    end
  end)

  it("that asks for more time than there is ends the operation with a look, and tells when to come back", function()
    for _, graph in ipairs { "confirm_decline", false } do
      local ended = run(action(graph or nil), { limited(503, "100"), booking "tentative", rest = answer(404) })
      assert.same({ "PUT", "GET" }, ended.done)
      assert.same({ 100, "yes", 1 }, { ended.failure.retry_after, ended.failure.sent, ended.attempts })
      ended = run(action(graph or nil), { limited(503, "100"), booking "confirmed" })
      assert.is_true(ended.reconciled)
    end
  end)

  it("after a doubt is one more doubt", function()
    local ended = run(action "confirm_decline", { LOST, booking "tentative", answer(503), booking "confirmed" })
    assert.same({ true, 2 }, { ended.reconciled, ended.attempts })
    ended = run(action "confirm_decline", { LOST, booking "tentative", answer(503), answer(404) }, { retries = 5 })
    assert.same({ "uncertain", "network" }, { ended.failure.kind, ended.failure.cause.kind })
  end)
end)

describe("503 that is not Timekit's own", function()
  -- A gateway gave up, but the server behind it may go on.
  local PAGES = {
    answer(503), answer(503, "<html><title>Application error</title></html>"), answer(503, "Service Unavailable"),
    answer(503, '"Service Unavailable"'), answer(503, "[1]"), answer(503, "503"),
    answer(503, '{"error":"' .. ("x"):rep(100000) .. '"}'),
  }
  local OWN = {
    LIMITED, answer(503, "", { ["retry-after"] = "0" }), answer(503, "<html>", { ["retry-after"] = "soon" }),
    answer(503, "", { ["x-ratelimit-remaining"] = "0" }), answer(503, "<html>", { ["x-ratelimit-limit"] = "600" }),
  }

  it("is looked into before a repeat, as 502 is", function()
    for _, outcome in ipairs(PAGES) do
      local ended = run(action "confirm_decline", { outcome, booking "tentative", booking "confirmed" })
      assert.same({ "PUT", "GET", 0.2, "PUT" }, rounded(ended.done))
    end
    for _, outcome in ipairs(OWN) do
      assert.equal("PUT", run(action "confirm_decline", { outcome, booking "confirmed" }).done[3])
    end
  end)

  it("stays in doubt where the action is still possible, since it may yet come", function()
    for _, outcome in ipairs(PAGES) do
      local ended = run(action "confirm_decline", { outcome, booking "tentative" }, { retries = 0 })
      assert.same({ "uncertain", "tentative", 503 },
        { ended.failure.kind, ended.failure.state, ended.failure.cause.status })
      assert.is_falsy(ended.failure.retryable)
      assert.is_falsy(ended.failure.cause.retryable)
    end
    for _, outcome in ipairs(OWN) do
      local ended = run(action "confirm_decline", { outcome, booking "tentative" }, { retries = 0 })
      assert.same({ "rate_limited", "tentative", true },
        { ended.failure.kind, ended.failure.state, ended.failure.retryable })
      assert.is_nil(ended.failure.cause)
    end
    -- One such answer is enough.
    local ended = run(action "confirm_decline", { LIMITED, PAGES[2], booking "tentative" }, { retries = 1 })
    assert.same({ "PUT", 0.2, "PUT", "GET" }, rounded(ended.done))
    assert.equal("uncertain", ended.failure.kind)
  end)

  it("is not repeated in report mode, and is a reason like any other to read once more", function()
    for _, outcome in ipairs(PAGES) do
      local ended = run(action "confirm_decline", { outcome }, { uncertain = "report" })
      assert.same({ "PUT" }, ended.done)
      assert.equal("uncertain", ended.failure.kind)
      ended = run(READ, { outcome, booking "tentative" })
      assert.equal("tentative", ended.data.state)
    end
  end)
end)

describe("a refusal on the first try", function()
  it("is the answer", function()
    for state, already in pairs { confirmed = true, declined = false, initialized = false } do
      local ended = run(action "confirm_decline", { refused(state) }, { retries = 5 })
      assert.same({ "transition", already, state, "yes" },
        { ended.failure.kind, ended.failure.already, ended.failure.state, ended.failure.sent })
      assert.is_falsy(ended.failure.retryable)
      -- Also when an earlier request had surely no effect.
      ended = run(action "confirm_decline", { UNSENT, limited(429, "1"), refused(state) }, { retries = 5 })
      assert.same({ "transition", already, 3 }, { ended.failure.kind, ended.failure.already, ended.attempts })
    end
    for _, status in ipairs { 400, 401, 403, 404, 405, 409, 422 } do
      local ended = run(action "confirm_decline", { answer(status) })
      assert.same({ "PUT" }, ended.done)
      assert.is_not.equal("uncertain", ended.failure.kind)
    end
  end)
end)

describe("what is not repeatable", function()
  before_each(function()
    graphs.define {
      name = "lamp", initial = "initialized", first = "install",
      states = { initialized = {}, off = {}, dimmed = {}, on = {} },
      actions = {
        { name = "install", from = "initialized", to = "off" },
        { name = "brighten", from = "off", to = "dimmed" }, { name = "brighten", from = "dimmed", to = "on" },
      },
    }
  end)

  after_each(function() rawset(graphs, "lamp", nil) end)

  it("is repeated only when it surely had no effect", function()
    for _, outcome in ipairs { LOST, answer(503), answer(500), answer(200, "") } do
      local ended = run(action("lamp", "brighten"), { outcome, booking("off", "lamp"), rest = error }, { retries = 5 })
      assert.same({ "PUT", "GET" }, ended.done)
    end
    local ended = run(action("lamp", "brighten"), { UNSENT, limited(429, "1"), booking("dimmed", "lamp") })
    assert.equal(3, ended.attempts)
    ended = run(action("lamp", "brighten"), { LOST, booking("on", "lamp") })
    assert.is_true(ended.reconciled)
  end)

  it("was not done for certain where it is still possible", function()
    -- The action leads from `dimmed` to `on`, and from `off` to `dimmed`.
    local ended = run(action("lamp", "brighten"), { LOST, booking("dimmed", "lamp") })
    local failed = ended.failure or {}
    assert.same({ "uncertain", "dimmed" }, { failed.kind, failed.state })
  end)
end)

describe("a state that two actions lead to", function()
  before_each(function()
    graphs.define {
      name = "gate", initial = "initialized", first = "install",
      states = { initialized = {}, waiting = {}, through = { final = true } },
      actions = {
        { name = "install", from = "initialized", to = "waiting" },
        { name = "pass", from = "waiting", to = "through" }, { name = "jump", from = "waiting", to = "through" },
      },
    }
  end)

  after_each(function() rawset(graphs, "gate", nil) end)

  it("does not tell which one was applied, whoever names it", function()
    for _, plan in ipairs {
      { LOST, booking("through", "gate") },
      { LOST, booking("waiting", "gate"), refused("through", "pass"), answer(404) },
      { LOST, booking("waiting", "gate"), refused("through", "pass"), booking("through", "gate") },
    } do
      local ended = run(action(nil, "pass"), plan)
      assert.is_nil(ended.data)
      assert.same({ "uncertain", "through", "gate" },
        { ended.failure.kind, ended.failure.state, ended.failure.graph })
    end
  end)
end)

describe("a cancelled request", function()
  it("ends the operation as cancelled, and tells what was sent", function()
    for _, sent in ipairs { "no", "maybe", "yes" } do
      for _, operation in ipairs { READ, CREATE, action "confirm_decline" } do
        local ended = run(operation, { failure("cancelled", sent) }, { retries = 5 })
        assert.same({ "cancelled", sent, 1 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
        assert.is_falsy(ended.failure.retryable)
        assert.equal(operation.action, ended.failure.action)
      end
    end
    assert.is_nil(run(action(nil), { UNSENT, failure("cancelled", "maybe") }).failure.cause)
  end)

  it("keeps the doubt that there was before", function()
    local ended = run(action(nil), { LOST, booking "tentative", failure("cancelled", "no") })
    assert.same({ "cancelled", "maybe", 2 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
    assert.same({ "network", "maybe" }, { ended.failure.cause.kind, ended.failure.cause.sent })
  end)

  it("does so while the booking is looked at, too", function()
    for _, sent in ipairs { "no", "maybe", "yes" } do
      local ended = run(action "confirm_decline", { LOST, failure("cancelled", sent) })
      assert.same({ "cancelled", "maybe", 1 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
      assert.same({ "confirm", "confirm_decline", "network" },
        { ended.failure.action, ended.failure.graph, ended.failure.cause.kind })
    end
  end)
end)
