-- A user saw: wait_until waiting to its timeout for a state whose name was misspelt.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

describe("wait_until, for a state that the graph lacks,", function()
  local function wait(booking, plan)
    local transport = scripted.new(plan)
    local handle = timekit.new({ app_key = "test_key", transport = transport }):booking(booking)
    local none, err = handle:wait_until("confrmed", { timeout = 5 })
    assert.is_nil(none)
    assert.equal("input", err.kind)
    assert.matches("graph 'confirm_decline' has no state 'confrmed', did you mean 'confirmed'?", err.message, 1, true)
    return err, transport
  end

  it("asks nobody when the graph is known", function()
    local err, transport = wait({ id = "b1", graph = "confirm_decline", state = "tentative" }, {})
    assert.same({ "no", 0, 0, "confirm_decline", "tentative", false },
      { err.sent, err.attempts, err.elapsed, err.graph, err.state, err.retryable })
    assert.equal(0, #transport.requests)
  end)

  it("asks once when it is not", function()
    local err, transport = wait("b1", { scripted.booking "tentative" })
    assert.same({ "yes", 1, "tentative" }, { err.sent, err.attempts, err.state })
    assert.equal(1, #transport.requests)
  end)
end)
