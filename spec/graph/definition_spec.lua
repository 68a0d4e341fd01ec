local graph = require "timekit.graph"
local graphs = require "timekit.graphs"

-- A small graph without a fault, for each case to break.
local function sound()
  return {
    name = "sound", initial = "initialized", first = "create",
    requires = { "related.owner_booking_id" },
    settings = { timeout = { type = "table" } },
    seats = "customer",
    states = {
      initialized = {},
      tentative = { holds_slot = true },
      confirmed = {},
      declined = { final = true },
      error = { final = true, by_server = true },
    },
    actions = {
      { name = "create", from = "initialized", to = "tentative" },
      { name = "confirm", from = "tentative", to = "confirmed", by = "resource" },
      { name = "decline", from = { "tentative", "confirmed" }, to = "declined",
        inputs = { message = { type = "string", required = true, check = function() return true end } },
        autoplay = { after = 60, from = "created", setting = "timeout" } },
    },
  }
end

-- What define says about the sound graph after `damage(definition)`, without the prefix.
local function complaint(damage)
  local definition = sound()
  damage(definition)
  local ok, message = pcall(graph.define, definition)
  assert(not ok, "the definition was accepted")
  return (message:gsub("^graph 'sound': ", ""))
end

describe("graph.define", function()
  it("takes a sound definition", function()
    assert.equal("sound", graph.define(sound()).name)
  end)

  it("takes the least that a graph can be", function()
    local g = graph.define { name = "x", initial = "a", states = { a = {} }, actions = {} }
    assert.same({}, g:actions_in("a"))
    assert.is_nil(g.first)
  end)

  it("takes names that are odd but travel safely", function()
    local g = graph.define {
      name = "größe", initial = "a.b", first = "go-on!", states = { ["a.b"] = {}, ["c:d"] = {} },
      actions = { { name = "go-on!", from = "a.b", to = "c:d" } },
    }
    assert.is_true(g:can("a.b", "go-on!"))
  end)

  it("takes a state that only the server reaches, and what can be reached from it", function()
    local definition = sound()
    definition.states.held = { by_server = true }
    definition.states.released = {}
    definition.actions[4] = { name = "release", from = "held", to = "released" }
    assert.equal("released", graph.define(definition):next_state("held", "release"))
  end)

  it("takes autoplays that follow each other to an end", function()
    local definition = sound()
    definition.actions[2].autoplay = { after = 0, from = "end" }
    assert.equal(2, #graph.define(definition):autoplays("tentative"))
  end)

  it("blames the caller", function()
    local ok, message = pcall(function() local g = graph.define {} return g end)
    assert.is_false(ok)
    assert.matches("^spec/graph/definition_spec.lua:%d+: graph without a name: ", message)
    ok, message = pcall(function() local g = graphs.define {} return g end)
    assert.is_false(ok)
    assert.matches("^spec/graph/definition_spec.lua:%d+: graph without a name: ", message)
  end)

  it("refuses what is not a table", function()
    for _, value in ipairs { "instant", 7, true, print } do
      assert.error_matches(function() graph.define(value) end,
        "graph: expected a table that defines it, got a " .. type(value))
    end
    assert.error_matches(function() graph.define() end, "graph: expected a table that defines it, got nothing")
  end)

  describe("refuses states and ways between them that make no sense:", function()
    for what, case in pairs {
      ["an action to an unknown state"] = {
        function(d) d.actions[2].to = "nowhere" d.actions[3].from = "tentative" d.states.confirmed = nil end,
        "action 'confirm' leads to the unknown state 'nowhere'",
      },
      ["a mistyped state to go to"] = {
        function(d) d.actions[2].to = "confirmd" d.states.confirmed.by_server = true end,
        "action 'confirm' leads to the unknown state 'confirmd', did you mean 'confirmed'?",
      },
      ["an action from several states to an unknown one, once"] = {
        function(d) d.actions[3].to = "nowhere" d.states.declined = nil end,
        "action 'decline' leads to the unknown state 'nowhere'",
      },
      ["an action from an unknown state"] = {
        function(d) d.actions[2].from = { "tentative", "nowhere" } end,
        "action 'confirm' leaves the unknown state 'nowhere'",
      },
      ["a mistyped state to leave"] = {
        function(d) d.actions[3].from[2] = "confirmed_" end,
        "action 'decline' leaves the unknown state 'confirmed_', did you mean 'confirmed'?",
      },
      ["a final state with actions"] = {
        function(d) d.states.confirmed.final = true end,
        "action 'decline' leaves the final state 'confirmed'",
      },
      ["a state that cannot be reached"] = {
        function(d) d.states.lost = {} end,
        "state 'lost' cannot be reached",
      },
      ["states that reach only each other"] = {
        function(d)
          d.states.egg, d.states.hen = {}, {}
          d.actions[4] = { name = "hatch", from = "egg", to = "hen" }
          d.actions[5] = { name = "lay", from = "hen", to = "egg" }
        end,
        "state 'egg' cannot be reached; state 'hen' cannot be reached",
      },
      ["the same action twice from a state"] = {
        function(d) d.actions[4] = { name = "decline", from = "confirmed", to = "declined" } end,
        "action 'decline' leaves the state 'confirmed' more than once",
      },
      ["the same state twice in from"] = {
        function(d) d.actions[3].from = { "tentative", "confirmed", "tentative" } end,
        "action 'decline' leaves the state 'tentative' more than once",
      },
      ["an unknown initial state"] = {
        function(d)
          d.initial = "initialised"
          d.states.initialized.by_server = true
        end,
        "initial: unknown state 'initialised', did you mean 'initialized'?; "
          .. "first: action 'create' does not leave the initial state 'initialised'",
      },
      ["no first action"] = {
        function(d) d.first = nil end,
        "first: required, the action that is applied on create",
      },
      ["an unknown first action"] = {
        function(d) d.first = "craete" end,
        "first: unknown action 'craete', did you mean 'create'?",
      },
      ["a first action that does not leave the initial state"] = {
        function(d) d.first = "confirm" end,
        "first: action 'confirm' does not leave the initial state 'initialized'",
      },
      ["a first action where there are none"] = {
        function(d)
          d.actions = {}
          for _, state in pairs(d.states) do state.by_server = true end
        end,
        "first: unknown action 'create'",
      },
      ["an autoplay with an unknown setting"] = {
        function(d) d.actions[3].autoplay.setting = "timout" end,
        "action 'decline': autoplay.setting: unknown setting 'timout', did you mean 'timeout'?",
      },
      ["an autoplay with a setting where there are none"] = {
        function(d) d.settings = nil end,
        "action 'decline': autoplay.setting: unknown setting 'timeout'",
      },
      ["an autoplay that leads back at once"] = {
        function(d) d.actions[4] = { name = "tick", from = "confirmed", to = "confirmed",
          autoplay = { after = 1, from = "end" } } end,
        "action 'tick': autoplay never ends: it comes back to the state 'confirmed'",
      },
      ["autoplays that lead back in the end"] = {
        function(d)
          d.actions[2].autoplay = { after = 1, from = "end" }
          d.actions[4] = { name = "reconsider", from = "confirmed", to = "tentative",
            autoplay = { after = 1, from = "created" } }
        end,
        "action 'confirm': autoplay never ends: it comes back to the state 'tentative'; "
          .. "action 'reconsider': autoplay never ends: it comes back to the state 'confirmed'",
      },
    } do
      it(what, function() assert.equal(case[2], complaint(case[1])) end)
    end
  end)

  describe("refuses a name that is", function()
    local bad = {
      ["empty"] = { "", "expected a name, got an empty string" },
      ["no string"] = { 7, "expected a string, got a number" },
      ["a dot"] = { ".", "'.' is not a name" },
      ["two dots"] = { "..", "'..' is not a name" },
      ["with a slash"] = { "a/b", "'a/b' is not a name" },
      ["with a question mark"] = { "a?b", "'a?b' is not a name" },
      ["with a hash"] = { "a#b", "'a#b' is not a name" },
      ["with a space"] = { "a b", "'a b' is not a name" },
      ["with a tab"] = { "a\tb", "'a?b' is not a name" },
      ["with a line break"] = { "a\r\nb", "'a??b' is not a name" },
      ["with a NUL"] = { "a\0b", "'a?b' is not a name" },
      ["with a DEL"] = { "a\127b", "'a?b' is not a name" },
    }
    for what, case in pairs(bad) do
      it(what, function()
        local name, message = case[1], case[2]
        local ok, of_graph = pcall(graph.define, (function() local d = sound() d.name = name return d end)())
        assert.is_false(ok)
        assert.matches("name: " .. message, of_graph, 1, true)
        assert.is_nil(of_graph:find("%c"))
        assert.matches(message, complaint(function(d) d.states[name] = { by_server = true } end), 1, true)
        local of_action = complaint(function(d) d.actions[2].name = name end)
        assert.matches("name: " .. message, of_action, 1, true)
        assert.is_nil(of_action:find("%c"))
      end)
    end
  end)

  describe("refuses a field of the wrong type or value:", function()
    local damages = {
      ["name: required"] = function(d) d.name = nil end,
      ["initial: required"] = function(d) d.initial = nil end,
      ["initial: expected a string, got a table"] = function(d) d.initial = {} end,
      ["first: expected a string, got a boolean"] = function(d) d.first = true end,
      ["requires: expected a table, got a string"] = function(d) d.requires = "related" end,
      ["requires: expected a list"] = function(d) d.requires = { related = true } end,
      ["requires: expected a list of strings, got a number at 2"] = function(d) d.requires = { "a", 2 } end,
      ["requires: expected a list of strings, got an empty one at 1"] = function(d) d.requires = { "" } end,
      ["settings: expected a table, got a number"] = function(d) d.settings = 1 end,
      ["settings.timeout: expected a table, got a string"] = function(d) d.settings.timeout = "table" end,
      ["settings.timeout.type: expected one of 'string', 'boolean', 'number', 'integer', 'table', got 'duration'"] =
        function(d) d.settings.timeout.type = "duration" end,
      ["settings[1]: expected a name as the key, got a number"] = function(d) d.settings[1] = {} end,
      ["seats: expected one of 'owner', 'customer', got 'both'"] = function(d) d.seats = "both" end,
      ["seats: expected a string, got a number"] = function(d) d.seats = 4 end,
      ["create: expected a boolean, got a string"] = function(d) d.create = "no" end,
      ["states: required"] = function(d) d.states = nil end,
      ["states: expected a table, got a string"] = function(d) d.states = "tentative" end,
      ["state 'error': expected a table, got a boolean"] = function(d) d.states.error = true end,
      ["state 'error': final: expected a boolean, got a string"] = function(d) d.states.error.final = "yes" end,
      ["state 'error': by_server: expected a boolean, got a number"] = function(d) d.states.error.by_server = 1 end,
      ["state 'error': holds_slot: expected a boolean, got a table"] = function(d) d.states.error.holds_slot = {} end,
      ["state '1': expected a string, got a number"] = function(d) d.states[1] = "initialized" end,
      ["actions: required"] = function(d) d.actions = nil end,
      ["actions: expected a table, got a function"] = function(d) d.actions = print end,
      ["actions: expected a list"] = function(d) d.actions.cancel = { from = "tentative", to = "declined" } end,
      ["action #4: expected a table, got a string"] = function(d) d.actions[4] = "cancel" end,
      ["action #4: name: required"] = function(d) d.actions[4] = { from = "tentative", to = "declined" } end,
      ["action 'confirm': to: required"] = function(d) d.actions[2].to = nil end,
      ["action 'confirm': to: expected a string, got a table"] = function(d) d.actions[2].to = { "confirmed" } end,
      ["action 'confirm': from: required"] = function(d) d.actions[2].from = nil end,
      ["action 'confirm': from: expected a state or a list of states, got a number"] =
        function(d) d.actions[2].from = 3 end,
      ["action 'confirm': from: expected a state or a list of states, got an empty list"] =
        function(d) d.actions[2].from = {} end,
      ["action 'confirm': from: expected a list"] = function(d) d.actions[2].from = { tentative = true } end,
      ["action 'confirm': from: expected a list of strings, got a table at 2"] =
        function(d) d.actions[2].from = { "tentative", {} } end,
      ["action 'confirm': by: expected one of 'resource', 'customer', 'owner', 'system', got 'nobody'"] =
        function(d) d.actions[2].by = "nobody" end,
      ["action 'confirm': inputs: expected a table, got a string"] = function(d) d.actions[2].inputs = "message" end,
      ["action 'confirm': inputs[1]: expected a name as the key, got a number"] =
        function(d) d.actions[2].inputs = { "message" } end,
      ["action 'confirm': inputs['']: expected a name as the key, got an empty string"] =
        function(d) d.actions[2].inputs = { [""] = {} } end,
      ["action 'confirm': inputs.message: expected a table, got a string"] =
        function(d) d.actions[2].inputs = { message = "string" } end,
      ["action 'confirm': inputs.message.type: expected one of 'string', 'boolean', 'number', 'integer', 'table', "
        .. "got 'function'"] = function(d) d.actions[2].inputs = { message = { type = "function" } } end,
      ["action 'confirm': inputs.message.type: expected a string, got a table"] =
        function(d) d.actions[2].inputs = { message = { type = {} } } end,
      ["action 'confirm': inputs.message.required: expected a boolean, got a string"] =
        function(d) d.actions[2].inputs = { message = { required = "yes" } } end,
      ["action 'confirm': inputs.message.check: expected a function, got a string"] =
        function(d) d.actions[2].inputs = { message = { check = "%d+" } } end,
      ["action 'decline': autoplay: expected a table, got a number"] = function(d) d.actions[3].autoplay = 60 end,
      ["action 'decline': autoplay.after: required"] = function(d) d.actions[3].autoplay.after = nil end,
      ["action 'decline': autoplay.after: expected a number, got a string"] =
        function(d) d.actions[3].autoplay.after = "1 h" end,
      ["action 'decline': autoplay.after: expected a number of seconds, got -1"] =
        function(d) d.actions[3].autoplay.after = -1 end,
      ["action 'decline': autoplay.after: expected a number of seconds, got " .. tostring(1 / 0)] =
        function(d) d.actions[3].autoplay.after = 1 / 0 end,
      ["action 'decline': autoplay.after: expected a number of seconds, got " .. tostring(0 / 0)] =
        function(d) d.actions[3].autoplay.after = 0 / 0 end,
      ["action 'decline': autoplay.from: required"] = function(d) d.actions[3].autoplay.from = nil end,
      ["action 'decline': autoplay.from: expected one of 'created', 'end', got 'start'"] =
        function(d) d.actions[3].autoplay.from = "start" end,
      ["action 'decline': autoplay.setting: expected a string, got a boolean"] =
        function(d) d.actions[3].autoplay.setting = true end,
    }
    for message, damage in pairs(damages) do
      it(message, function()
        assert.matches(message, complaint(damage), 1, true)
      end)
    end
  end)

  describe("refuses unknown fields, naming the nearest:", function()
    local damages = {
      ["inital: unknown, did you mean 'initial'?"] = function(d) d.inital = "initialized" end,
      ["colour: unknown"] = function(d) d.colour = "red" end,
      ["state 'error': finl: unknown, did you mean 'final'?"] = function(d) d.states.error.finl = true end,
      ["action 'confirm': form: unknown, did you mean 'from'?"] = function(d) d.actions[2].form = "tentative" end,
      ["action 'decline': autoplay.afer: unknown, did you mean 'after'?"] =
        function(d) d.actions[3].autoplay.afer = 1 end,
      ["action 'decline': inputs.message.tpye: unknown, did you mean 'type'?"] =
        function(d) d.actions[3].inputs.message.tpye = "string" end,
      ["settings.timeout.requird: unknown, did you mean 'required'?"] =
        function(d) d.settings.timeout.requird = true end,
    }
    for message, damage in pairs(damages) do
      it(message, function() assert.equal(message, complaint(damage)) end)
    end
  end)

  it("names everything at once, always in the same order", function()
    local function damage(d)
      d.seats = "both"
      d.states.lost = {}
      d.states.gone = { finl = true }
      d.actions[2].to = "nowhere"
      d.actions[3].by = 7
      d.actions[5] = "cancel"
      d.actions[4] = { name = "a b", from = "declined", to = "declined" }
      d.first = "begin"
    end
    assert.equal(table.concat({
      "seats: expected one of 'owner', 'customer', got 'both'",
      "state 'gone': finl: unknown, did you mean 'final'?",
      "action 'decline': by: expected a string, got a number",
      "action 'a b': name: 'a b' is not a name: it cannot be '.' or '..', "
        .. "nor hold '/', '?', '#', spaces or control characters",
      "action #5: expected a table, got a string",
      "action 'confirm' leads to the unknown state 'nowhere'",
      "action 'a b' leaves the final state 'declined'",
      "first: unknown action 'begin'",
      "state 'confirmed' cannot be reached",
      "state 'gone' cannot be reached",
      "state 'lost' cannot be reached",
    }, "; "), complaint(damage))
  end)

  it("survives any table", function()
    -- Whatever stands in a definition's place must give the one error that says so, never one from inside.
    local junk = {
      7, true, "x", "", print, {}, { 1 }, { {} }, { x = 1 }, { x = {} }, { { name = {}, from = { {} }, to = 1 } },
    }
    for field in pairs(sound()) do
      for _, value in ipairs(junk) do
        local definition = sound()
        definition[field] = value
        local ok, message = pcall(graph.define, definition)
        assert(ok or message:find("^graph [w']"), message)
      end
    end
    for field in pairs { name = 1, from = 1, to = 1, by = 1, inputs = 1, autoplay = 1 } do
      for _, value in ipairs(junk) do
        local definition = sound()
        definition.actions[3][field] = value
        local ok, message = pcall(graph.define, definition)
        assert(ok or message:find("^graph 'sound'"), message)
      end
    end
    local knot = sound()
    knot.states.error = knot
    assert.matches("state 'error': actions: unknown", select(2, pcall(graph.define, knot)), 1, true)
  end)
end)

describe("graphs", function()
  local added = {}
  local function define(definition)
    added[#added + 1] = definition.name
    return graphs.define(definition)
  end
  after_each(function()
    for _, name in ipairs(added) do rawset(graphs, name, nil) end
    added = {}
  end)

  it("lists graphs and nothing else", function()
    local names = {}
    for name, g in pairs(graphs) do
      assert.equal(name, g.name)
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({
      "confirm_decline", "group_customer", "group_customer_payment", "group_owner", "instant", "instant_payment",
      "reservation",
    }, names)
  end)

  it("has nothing for a graph that is not known", function()
    assert.is_nil(graphs.no_such_graph)
  end)

  it("adds a graph of the user's own", function()
    assert.is_false(graphs.is_action("begin"))
    local definition = sound()
    definition.actions[1].name, definition.first = "begin", "begin"
    local g = define(definition)
    assert.equal(g, graphs.sound)
    assert.is_true(graphs.sound:can("initialized", "begin"))
    assert.is_true(graphs.is_action("begin"))
  end)

  it("replaces a graph; who holds the old one keeps it", function()
    local old = define(sound())
    local definition = sound()
    definition.actions[2].name = "approve"
    define(definition)
    assert.is_true(graphs.sound:has("approve"))
    assert.is_false(graphs.sound:has("confirm"))
    assert.is_true(old:can("tentative", "confirm"))
    assert.is_true(graphs.is_action("approve"))
    define(sound())
    assert.is_false(graphs.is_action("approve"))
  end)

  it("takes a known graph, changed, as a definition", function()
    local old = graphs.instant
    finally(function() rawset(graphs, "instant", old) end)
    local changed = graph.define(old)
    changed.actions[2].inputs.message.required = true
    graphs.define(changed)
    assert.is_false((graphs.instant:check_inputs("cancel", {})))
    assert.is_true(old:check_inputs("cancel", {}))
  end)

  it("changes nothing when the definition is wrong", function()
    local old = define(sound())
    local definition = sound()
    definition.first = nil
    assert.has_error(function() graphs.define(definition) end)
    assert.equal(old, graphs.sound)
  end)

  it("refuses a graph that would hide its functions", function()
    for _, name in ipairs { "define", "is_action" } do
      local definition = sound()
      definition.name = name
      local ok, message = pcall(function() graphs.define(definition) end)
      assert.is_false(ok)
      assert.matches("^spec/graph/definition_spec.lua:%d+: graph '" .. name .. "': the name is taken", message)
      assert.is_function(graphs[name])
      assert.is_nil(rawget(graphs, name))
    end
  end)

  it("refuses a graph that is just set, and says how to add one", function()
    local ok, message = pcall(function() graphs.mine = {} end)
    assert.is_false(ok)
    assert.matches("^spec/graph/definition_spec.lua:%d+: .*timekit.graphs.define", message)
  end)

  it("knows an action of any graph", function()
    for _, name in ipairs { "create", "confirm", "decline", "cancel", "pay", "timeout", "complete" } do
      assert.is_true(graphs.is_action(name), name)
    end
    for _, name in ipairs { "tentative", "define", "get", "" } do assert.is_false(graphs.is_action(name), name) end
    assert.is_false(graphs.is_action(nil))
    assert.is_false(graphs.is_action({}))
  end)
end)
