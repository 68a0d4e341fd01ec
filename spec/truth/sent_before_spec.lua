-- `sent_before`: an earlier process may have sent the action. The booking is read before anything is sent.
local graphs = require "timekit.graphs"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure

local function client(options, ...)
  local transport = scripted.new { ... }
  local all = { app_key = "test_key", transport = transport, retries = 0 }
  for name, value in pairs(options) do all[name] = value end
  return timekit.new(all), transport
end

local function booking(state, graph)
  return answer(200, ('{"data":{"id":"b1","graph":"%s","state":"%s"}}'):format(graph or "confirm_decline", state))
end

local function refused(state)
  return answer(422, ([[{"error":"Cannot apply action 'confirm' to current state '%s'"}]]):format(state))
end

local function methods(transport)
  local list = {}
  for index, request in ipairs(transport.requests) do list[index] = request.method end
  return table.concat(list, " ")
end

local function confirm(tk, handle)
  return (handle or tk:booking("b1")):action("confirm", nil, { sent_before = true })
end

describe("an action that an earlier process may have sent", function()
  it("is not sent where it was applied", function()
    local tk, transport = client({}, booking "confirmed")
    local found, info = confirm(tk)
    assert.same({ "confirmed", true, 0 }, { found.state, info.reconciled, info.attempts })
    assert.equal("GET", methods(transport))
  end)

  it("is sent where it was not applied", function()
    local tk, transport = client({}, booking "tentative", booking "confirmed")
    local found, info = confirm(tk)
    assert.same({ "confirmed", false, 1 }, { found.state, info.reconciled, info.attempts })
    assert.equal("GET PUT", methods(transport))
  end)

  it("was applied, too, where the earlier request arrives between the read and the repeat", function()
    local tk, transport = client({}, booking "tentative", refused "confirmed", booking "confirmed")
    local found, info = confirm(tk)
    assert.same({ "confirmed", true }, { found.state, info.reconciled })
    assert.equal("GET PUT GET", methods(transport))
  end)

  it("is uncertain where the state is another one, and nothing is sent", function()
    for _, state in ipairs { "declined", "cancelled", "no_such_state" } do
      local tk, transport = client({}, booking(state))
      local none, err = confirm(tk)
      assert.is_nil(none)
      assert.same({ "uncertain", state, "maybe", 0 }, { err.kind, err.state, err.sent, err.attempts })
      assert.matches("an earlier process may have sent the action", err.message, 1, true)
      assert.equal("GET", methods(transport))
    end
  end)

  it("is uncertain where its graph is not known or lets it happen twice, and nothing is sent", function()
    graphs.define {
      name = "circle", initial = "initialized", first = "create",
      states = { initialized = {}, on = {}, off = {} },
      actions = {
        { name = "create", from = "initialized", to = "off" },
        { name = "confirm", from = "off", to = "on" }, { name = "stop", from = "on", to = "off" },
      },
    }
    for _, graph in ipairs { "circle", "unknown_here" } do
      local tk, transport = client({}, booking("off", graph))
      local _, err = confirm(tk)
      assert.same({ "uncertain", "off" }, { err.kind, err.state })
      assert.equal("GET", methods(transport))
    end
    graphs.circle = nil
  end)

  it("is uncertain where the booking cannot be read, and nothing is sent", function()
    for _, failed in ipairs { failure("network", "no"), failure("timeout", "maybe"), answer(404), answer(500) } do
      local tk, transport = client({}, failed)
      local _, err = confirm(tk)
      assert.same({ "uncertain", "maybe" }, { err.kind, err.sent })
      assert.equal("GET", methods(transport))
    end
  end)

  it("is uncertain where its own request is lost", function()
    local tk, transport = client({}, booking "tentative", failure("network", "maybe"), booking "tentative")
    local _, err = confirm(tk)
    assert.same({ "uncertain", "tentative", 1 }, { err.kind, err.state, err.attempts })
    assert.equal("GET PUT GET", methods(transport))
  end)

  it("is neither read nor sent by a client that only reports", function()
    local tk, transport = client { uncertain = "report" }
    local _, err = confirm(tk)
    assert.same({ "uncertain", 0 }, { err.kind, #transport.requests })
  end)

  it("is not refused for a state that was seen before", function()
    local tk = client({}, booking "tentative", booking "confirmed")
    local handle = tk:booking { id = "b1", graph = "confirm_decline", state = "cancelled", completed = true }
    assert.equal("confirmed", assert(confirm(tk, handle)).state)
  end)

  it("is refused as ever where the graph has no such action, or an input is wrong", function()
    local tk, transport = client {}
    local handle = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative" }
    local _, err = handle:action("pay", nil, { sent_before = true })
    assert.same({ "input", "no" }, { err.kind, err.sent })
    _, err = handle:action("decline", { message = 1 }, { sent_before = true })
    assert.equal("input", err.kind)
    assert.equal(0, #transport.requests)
    local ok, problem = pcall(handle.action, handle, "confirm", nil, { sent_before = 1 })
    assert.is_false(ok)
    assert.matches("sent_before: expected true or false", problem, 1, true)
  end)
end)
