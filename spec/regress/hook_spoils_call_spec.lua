-- A user saw: a call that outlived its timeout or hid what it had sent, because of what a hook did meanwhile.
local clocks = require "spec.support.clock"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure

local LOST, UNSENT = failure("network", "maybe"), failure("network", "no")

local clock

before_each(function() clock = clocks.install() end)
after_each(function() clock:remove() end)

-- A client whose requests take as long as they may when `slow`, else no time; its transport; its hooks, set later.
local function client(plan, options)
  local given = { app_key = "k_test", hooks = {} }
  for name, value in pairs(options or {}) do given[name] = value end
  local hooks, slow = given.hooks, given.slow
  given.hooks, given.slow = nil, nil
  given.transport = scripted.new(function(request)
    if slow then clock:advance(request.timeout) end
    return table.remove(plan, 1) or error "an unplanned request"
  end)
  given.before = function(event) if hooks.before then hooks.before(event) end end
  given.after = function(event) if hooks.after then hooks.after(event) end end
  return timekit.new(given), given.transport, hooks
end

describe("a slow hook", function()
  it("before a request takes its time from the request", function()
    local tk, transport, hooks = client({ failure("timeout", "maybe") }, { timeout = 1, slow = true })
    hooks.before = function() clock:advance(0.75) end
    local _, err = tk:booking("b1"):confirm()
    assert.same({ "uncertain", "timeout", 1 }, { err.kind, err.cause.kind, err.elapsed })
    assert.equal(0.25, transport.requests[1].timeout)
  end)

  it("that leaves no time leaves the request unsent", function()
    for _, seconds in ipairs { 1, 5 } do
      local tk, transport, hooks = client({}, { timeout = 1 })
      local seen
      function hooks.before() clock:advance(seconds) end
      function hooks.after(event) seen = event end
      for _, call in ipairs {
        function(handle) return handle:confirm() end,
        function(handle) return handle:get() end,
        function() return tk:create_booking { graph = "instant" } end,
      } do
        seen = nil
        local _, err = call(tk:booking("b1"))
        assert.same({ "timeout", "no", true }, { err.kind, err.sent, err.retryable })
        assert.same({ "timeout", "no", 0 }, { seen.kind, seen.sent, seen.elapsed })
      end
      assert.equal(0, #transport.requests)
    end
  end)

  it("that leaves no time to look leaves the doubt", function()
    local tk, transport, hooks = client({ LOST }, { timeout = 1 })
    function hooks.before(event) if event.reconcile then clock:advance(1) end end
    local _, err = tk:booking("b1"):confirm()
    assert.same({ "uncertain", "network", "maybe", 1 }, { err.kind, err.cause.kind, err.sent, err.attempts })
    assert.equal(1, #transport.requests)
  end)
end)

describe("a client that a hook closes", function()
  -- What comes of an action whose n-th try is the one in whose hook the client is closed.
  local function confirm(plan, name, number, options)
    local tk, transport, hooks = client(plan, options)
    hooks[name] = function(event) if event.attempt == number then tk:close() end end
    local done, info = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative" }:confirm()
    assert.equal(1, transport.closed)
    return done, info, transport
  end

  it("sends nothing more", function()
    local done, err, transport = confirm({}, "before", 1)
    assert.is_nil(done)
    assert.same({ "cancelled", "no", "confirm", "confirm_decline", false },
      { err.kind, err.sent, err.action, err.graph, err.retryable })
    assert.is_nil(err.cause)
    assert.equal(0, #transport.requests)
  end)

  it("still tells of what was done", function()
    local done, info = confirm({ booking "confirmed" }, "after", 1)
    assert.same({ "confirmed", 200, 1 }, { done.state, info.status, info.attempts })
    local _, err = confirm({ answer(404) }, "after", 1)
    assert.equal("not_found", err.kind)
  end)

  it("tells that the action may have been applied", function()
    for _, case in ipairs {
      { { LOST }, "after", 1, "maybe", 1 }, { { LOST }, "before", 2, "maybe", 1 },
      { { LOST, booking "tentative" }, "after", 2, "maybe", 1 },
      { { LOST, booking "tentative" }, "before", 3, "maybe", 2 },
      { { answer(500), booking "tentative" }, "before", 3, "yes", 2 },
    } do
      local _, err = confirm(case[1], case[2], case[3])
      local cause = case[4] == "yes" and "server" or "network"
      assert.same({ "cancelled", cause, case[4], case[5], false },
        { err.kind, err.cause.kind, err.sent, err.attempts, err.retryable })
      assert.matches("^timekit: " .. cause, tostring(err.cause))
    end
  end)

  it("does not wait for the next try", function()
    local _, err = confirm({ UNSENT }, "after", 1)
    assert.same({ "cancelled", "no", 1 }, { err.kind, err.sent, err.attempts })
    _, err = confirm({ answer(429, "", { ["retry-after"] = "20" }) }, "after", 1)
    assert.same({ "cancelled", "yes", 0 }, { err.kind, err.sent, err.elapsed })
    assert.same({}, clock.slept)
  end)

  it("ends a call that does not wait, likewise", function()
    local tk, _, hooks = client { LOST }
    function hooks.after() tk:close() end
    local call = tk:booking("b1"):start("confirm")
    tk:update()
    local _, err = call:result()
    assert.same({ "cancelled", "network", "maybe" }, { err.kind, err.cause.kind, err.sent })
  end)
end)

describe("an error of a hook that cannot be written", function()
  it("breaks no call", function()
    for _, writer in ipairs { error, function() return {} end, function() error {} end } do
      for _, name in ipairs { "before", "after" } do
        local tk, _, hooks = client { booking "confirmed" }
        local problem = setmetatable({}, { __tostring = writer })
        hooks[name] = function() error(problem) end
        assert.equal("confirmed", tk:booking("b1"):confirm().state)
        local ok, message = pcall(tk.close, tk)
        assert.is_false(ok)
        assert.matches(("the hook '%s' raised: an error of type table"):format(name), message, 1, true)
      end
    end
  end)
end)
