-- A user saw: an error whose state, status and time to wait came from different answers.
local clocks = require "spec.support.clock"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local unpack = table.unpack or unpack -- luacheck: globals unpack table.unpack

local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure

local LOST, UNSENT = failure("network", "maybe"), failure("network", "no")
local LIMITED = answer(503, '{"error":"Too many requests"}')

local function refused(state)
  return answer(422, ([[{"error":"Cannot apply action 'confirm' to current state '%s'"}]]):format(state),
    { ["timekit-request-id"] = "refusal" })
end

local function later(status, seconds)
  return answer(status, "{}", { ["retry-after"] = seconds })
end

local clock

before_each(function() clock = clocks.install() end)
after_each(function() clock:remove() end)

local function confirm(plan, state, options)
  local given = { transport = scripted.new(plan) }
  for name, value in pairs(options or {}) do given[name] = value end
  local handle = timekit.new(given):booking { id = "b1", graph = "confirm_decline", state = state, completed = false }
  local done, info = handle:confirm()
  return done, info, handle
end

describe("a refusal, after the rate limit, of a booking that was seen in another state since", function()
  it("tells of the state that it is about, and the handle knows the newer one", function()
    local _, err, handle = confirm { LIMITED, refused "initialized", booking("tentative", nil, ',"completed":false') }
    assert.same({ "transition", "initialized", { "create" }, false }, { err.kind, err.state, err.allowed, err.already })
    assert.matches("'initialized'; possible now: create", err.message, 1, true)
    assert.same({ "tentative", false }, { handle.state, handle.completed })
    assert.same({ "confirm", "decline" }, handle:actions())
  end)

  it("leaves the handle with what was seen last, whatever the refusal is", function()
    for kind, outcome in pairs { auth = answer(401), not_found = answer(404), validation = answer(409) } do
      local _, err, handle = confirm({ LIMITED, outcome, booking "tentative" }, "initialized")
      assert.same({ kind, "tentative", "confirm_decline" }, { err.kind, err.state, err.graph })
      assert.equal("tentative", handle.state)
    end
    local _, err, handle = confirm({ LIMITED, UNSENT, UNSENT, booking "tentative" }, "initialized")
    assert.same({ "network", "tentative", "tentative" }, { err.kind, err.state, handle.state })
  end)
end)

describe("a handle whose action was cancelled", function()
  it("forgets a state that may no longer be true", function()
    local _, err, handle = confirm({ failure("cancelled", "maybe") }, "tentative")
    assert.same({ "cancelled", "maybe" }, { err.kind, err.sent })
    assert.same({ "confirm_decline" }, { handle.graph, handle.state, handle.completed })
    _, _, handle = confirm({ failure("cancelled", "no") }, "tentative")
    assert.same({ "confirm_decline", "tentative", false }, { handle.graph, handle.state, handle.completed })
  end)
end)

describe("a success that a refusal told", function()
  it("has that refusal's status and request id, not those of the look that failed", function()
    for _, last in ipairs { answer(404), answer(500), LOST } do
      last.headers = last.headers and { ["timekit-request-id"] = "look", ["x-ratelimit-remaining"] = "5" }
      local done, info = confirm { LOST, booking "tentative", refused "confirmed", last, last, last }
      assert.equal("confirmed", done.state)
      assert.same({ 422, "refusal", true }, { info.status, info.request_id, info.reconciled })
      assert.equal(last.headers and 5, info.rate_limit_remaining)
    end
  end)

  it("and a look confirmed has the look's", function()
    local seen = booking "confirmed"
    seen.headers = { ["timekit-request-id"] = "look" }
    local _, info = confirm { LOST, booking "tentative", refused "confirmed", seen }
    assert.same({ 200, "look", true }, { info.status, info.request_id, info.reconciled })
  end)
end)

describe("the time to wait after an uncertain outcome", function()
  it("is what was said last, to the action or to a look", function()
    for _, case in ipairs {
      { 100, LOST, later(429, "100") }, { 100, LOST, later(503, "100") },
      { 100, LOST, booking "tentative", later(503, "100"), booking "tentative" },
      { 100, LOST, booking "tentative", later(429, "100"), answer(404) },
      { 100, later(503, "100"), answer(404) }, { 200, later(503, "100"), later(429, "200") },
      -- What was waited for is over.
      { nil, later(503, "1"), LOST, answer(404) }, { nil, LOST, answer(404) }, { nil, LOST, answer(429), answer(404) },
    } do
      local _, err = confirm({ unpack(case, 2, 5) }, "tentative")
      assert.equal("uncertain", err.kind)
      assert.equal(case[1], err.retry_after)
    end
  end)

  it("is that of the client's own rate limit", function()
    local _, err = confirm({ LOST }, nil, { rate = { per_second = 0.01, burst = 1 } })
    assert.same({ "uncertain", 100 }, { err.kind, err.retry_after })
  end)
end)
