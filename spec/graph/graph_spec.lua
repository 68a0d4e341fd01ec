local graph = require "timekit.graph"
local graphs = require "timekit.graphs"

-- A graph with what the known ones lack: an action that can be repeated by accident (extend), one name with two
-- meanings (close), one that leads back, a state of the server's that goes on, two autoplays that race.
local function workshop()
  return {
    name = "workshop", initial = "initialized", first = "create",
    settings = { patience = { type = "table" } },
    states = {
      initialized = {},
      open = {},
      full = { holds_slot = true },
      paused = { by_server = true },
      closed = { final = true },
      lapsed = { final = true },
      error = { final = true, by_server = true },
    },
    actions = {
      { name = "create", from = "initialized", to = "open" },
      { name = "fill", from = "open", to = "full", inputs = { seats = { type = "integer", required = true } } },
      { name = "empty", from = "full", to = "open" },
      { name = "extend", from = { "open", "full" }, to = "open" },
      { name = "close", from = "open", to = "closed", by = "owner", inputs = { reason = { type = "string" } } },
      { name = "close", from = "full", to = "closed", by = "owner", inputs = {
        refund = { type = "boolean", required = true },
      } },
      { name = "lapse", from = "open", to = "lapsed", by = "system",
        autoplay = { after = 600, from = "created", setting = "patience" } },
      { name = "finish", from = { "open", "full" }, to = "closed", autoplay = { after = 60, from = "end" } },
      { name = "resume", from = "paused", to = "open" },
    },
  }
end

describe("a graph", function()
  local g = graph.define(workshop())

  it("tells which action is possible where, and where it leads", function()
    assert.is_true(g:can("open", "fill"))
    assert.equal("full", g:next_state("open", "fill"))
    assert.equal("open", g:next_state("full", "empty"))
    assert.is_true(g:can("paused", "resume"))
    assert.is_false((g:can("full", "fill")))
    assert.is_nil(g:next_state("full", "fill"))
    assert.is_nil(g:next_state("nowhere", "fill"))
    assert.is_nil(g:next_state("full", "nothing"))
  end)

  it("says why an action is not possible", function()
    local function reason(...) return select(2, g:can(...)) end
    assert.is_nil(reason("open", "fill"))
    assert.equal("action 'fill' is not possible in the state 'full', but only empty, extend, close, finish",
      reason("full", "fill"))
    assert.equal("action 'fill' is not possible in the state 'closed', which is final", reason("closed", "fill"))
    assert.equal("graph 'workshop' has no action 'fil', did you mean 'fill'?", reason("open", "fil"))
    assert.equal("graph 'workshop' has no action 'pay'", reason("open", "pay"))
    assert.equal("graph 'workshop' has no state 'opened', did you mean 'open'?", reason("opened", "fill"))
    assert.equal("graph 'workshop' has no state 'tentative'", reason("tentative", "fill"))
  end)

  it("has no action and no state that is not a string", function()
    for _, value in ipairs { 1, true, {}, print } do
      assert.is_false((g:can(value, "fill")))
      assert.is_false((g:can("open", value)))
      assert.is_string((select(2, g:can("open", value))))
      assert.is_nil(g:is_final(value))
      assert.is_false(g:has(value))
      assert.is_false(g:is_repeatable(value))
      assert.is_false(g:leads_to(value, "open"))
      assert.is_false((g:check_inputs(value, {})))
      assert.same({}, g:actions_in(value))
      assert.same({}, g:autoplays(value))
      assert.is_nil(g:next_autoplay(value, { created = 0 }))
    end
    assert.same({ false, "graph 'workshop' has no state (nothing)" }, { g:can(nil, "fill") })
    assert.same({ false, "graph 'workshop' has no action (nothing)" }, { g:can("open", nil) })
  end)

  it("lists the actions of a state in the order of the definition, afresh each time", function()
    assert.same({ "fill", "extend", "close", "lapse", "finish" }, g:actions_in("open"))
    assert.same({ "resume" }, g:actions_in("paused"))
    assert.same({}, g:actions_in("closed"))
    local list = g:actions_in("open")
    list[1] = "changed"
    assert.equal("fill", g:actions_in("open")[1])
  end)

  it("knows its final states", function()
    assert.is_true(g:is_final("closed"))
    assert.is_true(g:is_final("error"))
    assert.is_false(g:is_final("open"))
    assert.is_nil(g:is_final("nowhere"))
  end)

  it("knows which states an action leads to, over all its entries", function()
    assert.is_true(g:leads_to("extend", "open"))
    assert.is_false(g:leads_to("extend", "full"))
    assert.is_true(g:leads_to("close", "closed"))
    assert.is_false(g:leads_to("close", "nowhere"))
    assert.is_false(g:leads_to("nothing", "closed"))
  end)

  it("has an action whatever the state", function()
    assert.is_true(g:has("close"))
    assert.is_false(g:has("open"))
    assert.is_false(g:has("nothing"))
  end)

  it("calls an action repeatable when it is never offered again from where it leads", function()
    assert.is_true(g:is_repeatable("close"))
    assert.is_true(g:is_repeatable("create"))
    assert.is_false(g:is_repeatable("fill"))
    assert.is_false(g:is_repeatable("extend"))
    assert.is_false(g:is_repeatable("nothing"))
  end)

  it("does not call an action repeatable when others may bring the booking back to where it is offered", function()
    local door = graph.define {
      name = "door", initial = "new", first = "install",
      states = { new = {}, open = {}, locked = {}, removed = { final = true } },
      actions = {
        { name = "install", from = "new", to = "open" },
        { name = "lock", from = "open", to = "locked" }, { name = "unlock", from = "locked", to = "open" },
        { name = "remove", from = { "open", "locked" }, to = "removed" },
      },
    }
    assert.is_false(door:is_repeatable("lock"))
    assert.is_false(door:is_repeatable("unlock"))
    assert.is_true(door:is_repeatable("install"))
    assert.is_true(door:is_repeatable("remove"))
  end)

  it("does not call an action repeatable when one entry leads to where another begins", function()
    local stairs = graph.define {
      name = "stairs", initial = "ground", first = "up",
      states = { ground = {}, middle = {}, top = { final = true } },
      actions = { { name = "up", from = "ground", to = "middle" }, { name = "up", from = "middle", to = "top" } },
    }
    assert.is_false(stairs:is_repeatable("up"))
    assert.is_true(stairs:leads_to("up", "middle"))
    assert.is_true(stairs:leads_to("up", "top"))
    assert.equal("top", stairs:next_state("middle", "up"))
  end)

  it("knows which states prove that an action was applied", function()
    assert.is_true(g:proves("fill", "full"))
    -- It is offered there again; another action leads there, too; so do others; it starts there; unknown.
    assert.is_false(g:proves("extend", "open"))
    assert.is_false(g:proves("close", "closed"))
    assert.is_false(g:proves("empty", "open"))
    assert.is_false(g:proves("create", "initialized"))
    assert.is_false(g:proves("fill", "nowhere"))
    assert.is_false(g:proves("nothing", "full"))
    -- In the known graphs each state that an action leads to proves that action.
    for _, known in pairs(graphs) do
      for _, action in ipairs(known.actions) do assert.is_true(known:proves(action.name, action.to)) end
    end
  end)

  it("asks for a colon when it is left out", function()
    local ok, message = pcall(function() return (g.can("open", "fill")) end)
    assert.is_false(ok)
    assert.matches("graph_spec.lua:%d+: not a graph: call its methods with a colon", message)
  end)

  it("prints its name", function()
    assert.equal("timekit.graph 'workshop'", tostring(g))
  end)
end)

describe("a graph as data", function()
  it("can be read and iterated", function()
    local g = graph.define(workshop())
    assert.equal("workshop", g.name)
    assert.equal("initialized", g.initial)
    assert.equal("create", g.first)
    assert.same({}, g.requires)
    assert.same({ patience = { type = "table" } }, g.settings)
    assert.is_nil(g.seats)
    local states, actions = {}, {}
    for name, state in pairs(g.states) do states[name] = state end
    for index, action in pairs(g.actions) do actions[index] = action.name end
    assert.same(workshop().states, states)
    assert.same({ "create", "fill", "empty", "extend", "close", "close", "lapse", "finish", "resume" }, actions)
    assert.same({ "open" }, g.actions[2].from)
    assert.same({ "open", "full" }, g.actions[4].from)
    assert.same({ reason = { type = "string" } }, g.actions[5].inputs)
    assert.same({}, g.actions[1].inputs)
    assert.equal("owner", g.actions[5].by)
  end)

  it("holds nothing but data", function()
    local keys = {}
    for key in pairs(graph.define(workshop())) do keys[#keys + 1] = key end
    table.sort(keys)
    assert.same({ "actions", "first", "initial", "name", "requires", "settings", "states" }, keys)
  end)

  it("is not touched by a later change to the definition, nor touches it", function()
    local definition = workshop()
    local g = graph.define(definition)
    assert.same(workshop(), definition)
    definition.name = "changed"
    definition.states.full.final = true
    definition.states.new = {}
    definition.actions[2].to = "closed"
    definition.actions[2].inputs.seats.type = "string"
    definition.actions[4].from[1] = "closed"
    definition.actions[7].autoplay.after = 1
    assert.equal("workshop", g.name)
    assert.is_false(g:is_final("full"))
    assert.is_nil(g.states.new)
    assert.equal("full", g:next_state("open", "fill"))
    assert.is_true(g:check_inputs("fill", { seats = 3 }))
    assert.is_true(g:can("open", "extend"))
    assert.equal(600, g:autoplays("open")[1].after)
  end)

  it("can be changed without changing a rule, and defined again", function()
    local g = graph.define(workshop())
    g.actions[2].to = "closed"
    g.actions[4].to = "full"
    g.actions[2].inputs.seats.type = "string"
    g.states.full.final = nil
    g.states.closed.final = nil
    g.actions[#g.actions + 1] = { name = "reopen", from = "closed", to = "open" }
    assert.equal("full", g:next_state("open", "fill"))
    assert.equal("open", g:next_state("open", "extend"))
    assert.is_true(g:check_inputs("fill", { seats = 3 }))
    assert.is_true(g:is_final("closed"))
    assert.is_false(g:has("reopen"))
    local again = graph.define(g)
    assert.equal("closed", again:next_state("open", "fill"))
    assert.is_true(again:can("closed", "reopen"))
  end)
end)

describe("check_inputs", function()
  local function even(value)
    if value % 2 == 0 then return true end
    return false, "expected an even number"
  end
  local g = graph.define {
    name = "typed", initial = "a", first = "act", states = { a = {}, b = { final = true } },
    actions = {
      { name = "act", from = "a", to = "b", inputs = {
        message = { type = "string" }, enabled = { type = "boolean" }, price = { type = "number" },
        seats = { type = "integer", check = even }, meta = { type = "table" }, id = { required = true },
        pick = { check = function(value) return value == "x" end }, mute = { check = function() end },
      } },
      { name = "bare", from = "a", to = "b" },
    },
  }
  local function check(inputs)
    inputs.id = inputs.id or "id"
    return g:check_inputs("act", inputs)
  end

  it("takes every type", function()
    assert.is_true(check { message = "", enabled = false, price = -1.5, seats = 4, meta = {}, pick = "x" })
    assert.is_true(check { seats = 2 ^ 53 - 2 })
    assert.is_true(check { seats = 4.0 })
    assert.is_true(check { price = 3 })
  end)

  it("names path, expectation and value of a wrong type", function()
    for _, case in ipairs {
      { { message = 7 }, "inputs.message: expected a string, got a number" },
      { { message = true }, "inputs.message: expected a string, got a boolean" },
      { { enabled = "true" }, "inputs.enabled: expected a boolean, got a string" },
      { { price = "7" }, "inputs.price: expected a number, got a string" },
      { { meta = "x" }, "inputs.meta: expected a table, got a string" },
      { { meta = print }, "inputs.meta: expected a table, got a function" },
      { { seats = {} }, "inputs.seats: expected an integer, got a table" },
      { { seats = 1.5 }, "inputs.seats: expected an integer, got 1.5" },
      { { seats = 2 ^ 60 }, "inputs.seats: expected an integer, got " .. tostring(2 ^ 60) },
      { { seats = 1 / 0 }, "inputs.seats: expected an integer, got " .. tostring(1 / 0) },
      { { seats = -1 / 0 }, "inputs.seats: expected an integer, got " .. tostring(-1 / 0) },
    } do
      assert.same({ false, case[2] }, { check(case[1]) })
    end
    assert.matches("^inputs.seats: expected an integer, got %-?nan", select(2, check { seats = 0 / 0 }))
  end)

  it("names JSON's null", function()
    -- The same null light userdata that the C core uses; io.stdout is userdata that is not null.
    local found, cjson = pcall(require, "cjson")
    if not found then return pending("lua-cjson is not installed") end
    assert.same({ false, "inputs.message: expected a string, got null" }, { check { message = cjson.null } })
    assert.same({ false, "inputs.message: expected a string, got a userdata" }, { check { message = io.stdout } })
  end)

  it("wants what is required", function()
    assert.same({ false, "inputs.id: required" }, { g:check_inputs("act", {}) })
    assert.same({ false, "inputs.id: required" }, { g:check_inputs("act", nil) })
    assert.is_true(g:check_inputs("act", { id = false }))
  end)

  it("asks the check function, after the type", function()
    assert.same({ false, "inputs.seats: expected an even number" }, { check { seats = 3 } })
    assert.same({ false, "inputs.seats: expected an integer, got a string" }, { check { seats = "3" } })
    assert.same({ false, "inputs.pick: refused by its check" }, { check { pick = "y" } })
    assert.same({ false, "inputs.mute: refused by its check" }, { check { mute = "y" } })
  end)

  it("lets an error of a check function through", function()
    local broken = graph.define {
      name = "broken", initial = "a", first = "act", states = { a = {}, b = {} },
      actions = { { name = "act", from = "a", to = "b", inputs = { x = { check = function() error("my own") end } } } },
    }
    assert.error_matches(function() broken:check_inputs("act", { x = 1 }) end, "my own")
    assert.is_true(broken:check_inputs("act", {}))
  end)

  it("takes an unknown name along, unless it is a near miss", function()
    assert.is_true(check { notify = true, reason = 3 })
    assert.same({ false, "inputs.mesage: unknown, did you mean 'message'?" }, { check { mesage = "x" } })
    assert.same({ false, "inputs.mesage: unknown, did you mean 'message'?" }, { check { mesage = "x", message = "x" } })
    assert.is_true(g:check_inputs("bare", { anything = 1 }))
  end)

  it("refuses keys that are not names", function()
    assert.same({ false, "inputs[1]: expected a name as the key, got a number" }, { check { "Fully booked" } })
  end)

  it("names everything at once, in alphabetical order", function()
    assert.same(
      { false, "inputs.enabled: expected a boolean, got a number; inputs.mesage: unknown, did you mean 'message'?; "
        .. "inputs.seats: expected an even number" },
      { check { seats = 3, mesage = "x", enabled = 1 } })
  end)

  it("refuses inputs that are not a table, and actions that do not exist", function()
    assert.same({ false, "inputs: expected a table, got a string" }, { g:check_inputs("act", "message") })
    assert.same({ false, "inputs: expected a table, got a boolean" }, { g:check_inputs("bare", false) })
    assert.same({ false, "graph 'typed' has no action 'bar', did you mean 'bare'?" }, { g:check_inputs("bar", {}) })
  end)

  it("does not change the inputs", function()
    local inputs = setmetatable({ id = 1, message = "x" }, { __newindex = function() error("changed") end })
    assert.is_true(g:check_inputs("act", inputs))
    assert.same({ id = 1, message = "x" }, inputs)
  end)

  describe("of an action that stands several times", function()
    local w = graph.define(workshop())

    it("takes what any of its entries takes, while the state is not known", function()
      assert.is_true(w:check_inputs("close", { reason = "rain" }))
      assert.is_true(w:check_inputs("close", { refund = true }))
      assert.same({ false, "inputs.reason: expected a string, got a number" },
        { w:check_inputs("close", { reason = 1, refund = 1 }) })
    end)

    it("follows the entry that the state offers", function()
      assert.is_true(w:check_inputs("close", { reason = "rain" }, "open"))
      assert.same({ false, "inputs.refund: required" }, { w:check_inputs("close", { reason = "rain" }, "full") })
      assert.is_true(w:check_inputs("close", { refund = true }, "full"))
      assert.is_false((w:check_inputs("close", { reason = 1, refund = true }, "open")))
    end)

    it("takes what any takes in a state that does not offer it", function()
      assert.is_true(w:check_inputs("close", { refund = true }, "closed"))
      assert.is_true(w:check_inputs("close", { refund = true }, "nowhere"))
    end)
  end)
end)

describe("autoplay", function()
  local g = graph.define(workshop())

  it("is listed in the order of the definition, afresh each time", function()
    assert.same({
      { action = "lapse", to = "lapsed", after = 600, from = "created", setting = "patience" },
      { action = "finish", to = "closed", after = 60, from = "end" },
    }, g:autoplays("open"))
    assert.same({ { action = "finish", to = "closed", after = 60, from = "end" } }, g:autoplays("full"))
    assert.same({}, g:autoplays("closed"))
    assert.same({}, g:autoplays("nowhere"))
    g:autoplays("open")[1].after = 1
    assert.equal(600, g:autoplays("open")[1].after)
  end)

  it("plays the earliest next", function()
    assert.same({ action = "lapse", to = "lapsed", at = 1600 },
      g:next_autoplay("open", { created = 1000, ["end"] = 5000 }))
    assert.same({ action = "finish", to = "closed", at = 1560 },
      g:next_autoplay("open", { created = 1000, ["end"] = 1500 }))
    assert.same({ action = "finish", to = "closed", at = 5060 },
      g:next_autoplay("full", { created = 1000, ["end"] = 5000 }))
  end)

  it("plays the first of the definition when two come due together", function()
    assert.equal("lapse", g:next_autoplay("open", { created = 1000, ["end"] = 1540 }).action)
  end)

  it("does not play what counts from a time that is not known", function()
    assert.equal("lapse", g:next_autoplay("open", { created = 1000 }).action)
    assert.equal("finish", g:next_autoplay("open", { ["end"] = 1000 }).action)
    assert.is_nil(g:next_autoplay("open", {}))
    assert.is_nil(g:next_autoplay("closed", { created = 1000, ["end"] = 1000 }))
  end)

  it("follows the setting, and the definition where the setting cannot be read", function()
    local function at(patience)
      return g:next_autoplay("open", { created = 1000, settings = { patience = patience } }).at
    end
    assert.equal(1000 + 25 * 60, at({ time = 25, unit = "min" }))
    assert.equal(1000 + 86400, at("1 day"))
    assert.equal(1000, at({ time = 0, unit = "min" }))
    assert.equal(1600, at({ time = 25, unit = "parsec" }))
    assert.equal(1600, at(nil))
  end)
end)

describe("duration", function()
  it("reads Timekit's durations", function()
    assert.equal(86400, graph.duration "1 day")
    assert.is_nil(graph.duration "1 fortnight")
  end)
end)

describe("agreed", function()
  it("takes what all graphs that have both the action and the state say", function()
    -- confirm_decline, instant: already cancelled, nothing more to do.
    assert.same({ already = true, allowed = {} }, graph.agreed(graphs, "cancel", "cancelled"))
    assert.same({ already = false, allowed = { "confirm", "decline" } },
      graph.agreed({ graphs.confirm_decline, graphs.reservation }, "confirm", "tentative"))
  end)

  it("counts only graphs that have both", function()
    -- Only confirm_decline has decline, so only it can be meant, although others have tentative too.
    assert.same({ already = false, allowed = { "confirm", "decline" } }, graph.agreed(graphs, "decline", "tentative"))
  end)

  it("leaves out what they differ on", function()
    -- confirmed: where confirm leads to in instant and confirm_decline, which go on alike.
    assert.same(
      { already = true, allowed = { "cancel", "cancel_by_customer", "reschedule_by_customer", "complete" } },
      graph.agreed(graphs, "confirm", "confirmed"))
    -- complete leads nowhere near tentative, but what is possible there differs between graphs.
    assert.same({ already = false }, graph.agreed(graphs, "complete", "tentative"))
    -- create leads to confirmed only in group_customer, and what is possible there differs.
    assert.same({}, graph.agreed(graphs, "create", "confirmed"))
  end)

  it("has nothing to say where no graph has both", function()
    assert.same({}, graph.agreed(graphs, "pay", "declined"))
    assert.same({}, graph.agreed(graphs, "nothing", "confirmed"))
    assert.same({}, graph.agreed(graphs, "confirm", "nowhere"))
    assert.same({}, graph.agreed({}, "confirm", "confirmed"))
  end)

  it("compares the actions without regard to their order", function()
    local function define(name, one, other)
      return graph.define {
        name = name, initial = "a", first = "go", states = { a = {}, b = {}, c = { final = true } },
        actions = {
          { name = "go", from = "a", to = "b" },
          { name = one, from = "b", to = "c" },
          { name = other, from = "b", to = "c" },
        },
      }
    end
    local x, y, z = define("x", "left", "right"), define("y", "right", "left"), define("z", "left", "straight")
    -- The order is that of the graph whose name comes first, however the graphs are given.
    assert.same({ already = true, allowed = { "left", "right" } }, graph.agreed({ x, y }, "go", "b"))
    assert.same({ already = true, allowed = { "left", "right" } }, graph.agreed({ y, x }, "go", "b"))
    assert.same({ already = true }, graph.agreed({ x, y, z }, "go", "b"))
  end)
end)
