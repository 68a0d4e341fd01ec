-- A user saw: the sandbox play an action that a graph no longer had, or raise, after the graph had been replaced.
local support = require "spec.support.box"
local timekit = require "timekit"

describe("a graph that is replaced while bookings have timers", function()
  local graphs = timekit.graphs
  local NAME = "regress_timer"

  after_each(function() graphs[NAME] = nil end)

  local function define(autoplays)
    local actions = { { name = "create", from = "initialized", to = "waiting" } }
    for name, after in pairs(autoplays) do
      local autoplay = { after = after, from = "created" }
      actions[#actions + 1] = { name = name, from = "waiting", to = "over", autoplay = autoplay }
    end
    if not next(autoplays) then actions[2] = { name = "finish", from = "waiting", to = "over" } end
    graphs.define {
      name = NAME, initial = "initialized", first = "create",
      states = { initialized = {}, waiting = {}, over = { final = true } }, actions = actions,
    }
  end

  it("plays nothing that it no longer has", function()
    define { timeout = 300 }
    local api = support.new()
    local id = api:create(NAME)
    define {}
    assert.same({}, api.box:advance(400))
    assert.equal("waiting", api:get(id).state)
    assert.equal(200, (api:act(id, "finish")))
  end)

  it("plays what it has instead, when it is due", function()
    define { timeout = 300 }
    local api = support.new()
    local id = api:create(NAME)
    define { expire = 350 }
    local played = api.box:advance(400)
    assert.equal(1, #played)
    assert.same({ "expire", "over", support.NOW + 350 }, { played[1].action, played[1].to, played[1].at })
    assert.equal("over", api:get(id).state)
  end)

  it("leaves a booking alone whose state it does not know", function()
    define { timeout = 300 }
    local api = support.new()
    local id = api:create(NAME)
    graphs.define {
      name = NAME, initial = "new", first = "create", states = { new = {}, over = { final = true } },
      actions = { { name = "create", from = "new", to = "over" } },
    }
    assert.same({}, api.box:advance(400))
    assert.equal("waiting", api:get(id).state)
  end)
end)
