-- A user saw: next_autoplay telling a time at which nothing happened, or nothing where something did.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local CREATED = ',"created_at":"2030-03-01T09:00:00Z"'

local function next_autoplay(graph, state, rest)
  local transport = scripted.new { scripted.booking(state, graph, rest) }
  return timekit.new({ app_key = "test_key", transport = transport }):booking("b1"):next_autoplay()
end

describe("next_autoplay", function()
  it("does not take the graph's own time where the booking shows another one that cannot be read", function()
    for _, shown in ipairs {
      '"timeout":25', '"timeout":"soon"', '"timeout":{"time":25,"unit":"fortnights"}', '"settings":{"timeout":[]}',
      '"attributes":{"settings":{"timeout":true}}',
    } do
      local action, err = next_autoplay("instant_payment", "tentative", CREATED .. "," .. shown)
      assert.is_nil(action, shown)
      assert.same({ "response", "yes" }, { err.kind, err.sent })
      assert.matches("the setting 'timeout' that the booking shows is not a duration", err.message, 1, true)
    end
  end)

  it("takes one that can be read wherever it stands", function()
    local _, at = next_autoplay("instant_payment", "tentative",
      CREATED .. ',"settings":{"timeout":25},"timeout":{"time":25,"unit":"min"}')
    assert.equal(1898587500, at)
  end)

  it("does not say that nothing plays in a state that the graph lacks", function()
    local action, err = next_autoplay("instant", "waiting", ',"event":{"end":"2030-03-01T09:00:00Z"}')
    assert.is_nil(action)
    assert.equal("response", err.kind)
    assert.matches("the graph 'instant' has no state 'waiting'", err.message, 1, true)
  end)

  it("finds the event where the other place for it is empty, as PHP writes what it lacks", function()
    for _, empty in ipairs { "[]", "{}", "null" } do
      local action, at = next_autoplay("instant", "confirmed",
        (',"attributes":{"event_info":%s},"event":{"end":"2030-03-01T09:00:00Z"}'):format(empty))
      assert.same({ "complete", 1898589600 }, { action, at }, empty)
    end
  end)

  it("is what the sandbox plays, also with a time for paying of its own", function()
    local now = 1893456000
    for graph, given in pairs { instant_payment = "timeout", group_customer_payment = "settings" } do
      local box = timekit.sandbox.new { now = now }
      local tk = timekit.new { app_key = "test_key", transport = box }
      local slot = { graph = "group_owner", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }
      local owner = assert(tk:create_booking(slot))
      slot.graph, slot.related = graph, { owner_booking_id = owner.id }
      local timeout = { time = 25, unit = "min" }
      slot[given] = given == "timeout" and timeout or { timeout = timeout }
      local handle = tk:booking(assert(tk:create_booking(slot)))
      local action, at = handle:next_autoplay()
      assert.same({ "timeout", now + 1500 }, { action, at })
      assert.same({}, box:advance(1499))
      assert.equal("timeout", box:advance(1)[1].action)
    end
  end)
end)
