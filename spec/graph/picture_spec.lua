local graph = require "timekit.graph"
local graphs = require "timekit.graphs"
local odd = require "spec.support.odd_graph"
local random_graph = require "spec.support.random_graph"
local svg_boxes = require "spec.support.svg_boxes"

-- Each takes 3 ms to draw, and longer to measure. `make test-pictures` asks for 10,000.
local RANDOM_GRAPHS = tonumber(os.getenv("RANDOM_GRAPHS")) or 300

local function each_graph(check)
  for name, g in pairs(graphs) do check(g, name) end
  check(odd, "odd")
end

-- The elements of a kind by one of their attributes.
local function elements(svg, attribute)
  local found = {}
  for element in svg:gmatch("<g [^>]*>") do
    local value = element:match(attribute .. '="([^"]*)"')
    if value then found[value] = element end
  end
  return found
end

describe("a picture of a graph", function()
  describe("as text", function()
    it("is a tree of the actions", function()
      assert.equal([[
instant_payment

initialized (past)
└─ create → tentative (now)
   ├─ pay → paid
   │  ├─ cancel → cancelled (final)
   │  └─ complete → completed (final), plays by itself 1 h after the end
   └─ timeout → unpaid (final), plays by itself 5 min after creation, or as the setting timeout says
error (final, set by the server)
]], graphs.instant_payment:picture { state = "tentative", past = { "initialized" } })
    end)

    it("is what there is without options", function()
      assert.equal(graphs.instant:picture { format = "text" }, graphs.instant:picture())
    end)

    it("says where an arrow leads back to", function()
      local g = graph.define {
        name = "door", initial = "shut", first = "open", states = { shut = {}, open = {} },
        actions = {
          { name = "open", from = "shut", to = "open" }, { name = "close", from = "open", to = "shut" },
          { name = "push", from = "open", to = "open" },
        },
      }
      assert.equal("door\n\nshut\n└─ open → open\n   ├─ close → shut, see above\n   └─ push → open, see above\n",
        g:picture())
    end)
  end)

  describe("as SVG", function()
    it("has each state and each arrow", function()
      each_graph(function(g, name)
        local svg = g:picture { format = "svg" }
        local states, arrows = 0, 0
        for _ in pairs(g.states) do states = states + 1 end
        for _, action in ipairs(g.actions) do arrows = arrows + #action.from end
        assert.equal(states, select(2, svg:gsub("data%-state=", "")), name)
        assert.equal(arrows, select(2, svg:gsub("data%-action=", "")), name)
        assert.truthy(svg:find("<title>The graph ", 1, true))
        assert.truthy(svg:find("<desc>.-%.</desc>"))
      end)
    end)

    it("marks final states, the current one, past ones, and what plays by itself", function()
      local svg = graphs.confirm_decline:picture {
        format = "svg", state = "confirmed", past = { "initialized", "tentative" },
      }
      local states, actions = elements(svg, "data%-state"), elements(svg, "data%-action")
      assert.truthy(states.confirmed:find('aria-current="true"', 1, true))
      assert.equal(1, select(2, svg:gsub("aria%-current", "")))
      for _, state in ipairs { "initialized", "tentative" } do assert.truthy(states[state]:find("tk-past", 1, true)) end
      assert.falsy(states.declined:find("tk-past", 1, true))
      assert.truthy(states.declined:find("tk-final", 1, true))
      assert.truthy(svg:find('data%-state="declined".-<rect class="tk%-box"[^>]*/><rect class="tk%-ring"'))
      assert.truthy(actions.complete:find("tk-auto", 1, true))
      assert.truthy(svg:find(">1 h after the end</text>", 1, true))
      assert.truthy(actions.confirm:find("tk-taken", 1, true))
      assert.falsy(actions.decline:find("tk-taken", 1, true))
      assert.truthy(actions.cancel:find("tk-possible", 1, true))
      assert.truthy(actions.cancel:find('data-from="confirmed" data-to="cancelled"', 1, true))
    end)

    it("has nothing that overlaps, for all graphs in all states", function()
      each_graph(function(g, name)
        assert.same({}, svg_boxes.problems(g:picture { format = "svg" }), name)
        for state in pairs(g.states) do
          assert.same({}, svg_boxes.problems(g:picture { format = "svg", state = state }), name)
        end
      end)
    end)

    it(("has nothing that overlaps, for %d random graphs"):format(RANDOM_GRAPHS), function()
      for seed = 1, RANDOM_GRAPHS do
        assert.same({}, svg_boxes.problems(random_graph.new(seed):picture { format = "svg" }), "seed " .. seed)
      end
    end)

    it("is the same every time", function()
      local function drawn() return graphs.group_customer_payment:picture { format = "svg" } end
      assert.equal(drawn(), drawn())
    end)

    it("cuts long names, and has them in full beside", function()
      local svg = odd:picture { format = "svg" }
      assert.truthy(svg:find(">" .. ("long"):rep(9) .. "lon…</text>", 1, true))
      assert.truthy(svg:find("<title>" .. ("long"):rep(30) .. ", final</title>", 1, true))
    end)
  end)

  it("refuses wrong options, and blames the caller", function()
    local function problem(options)
      local ok, text = pcall(function() return graphs.instant:picture(options) end)
      assert.is_false(ok)
      return (text:gsub("^.*/picture_spec%.lua:%d+: ", ""))
    end
    assert.equal("picture: format: expected one of 'text', 'dot', 'mermaid', 'svg', got 'pdf'",
      problem { format = "pdf" })
    assert.equal("picture: stat: unknown, did you mean 'state'?", problem { stat = "confirmed" })
    assert.equal("picture: state: graph 'instant' has no state 'confirmd', did you mean 'confirmed'?",
      problem { state = "confirmd" })
    assert.equal("picture: past[2]: graph 'instant' has no state 'x'", problem { past = { "confirmed", "x" } })
    assert.equal("picture: past[1]: expected the name of a state, got a number", problem { past = { 7 } })
    assert.equal("picture: past[2]: expected the name of a state, got nothing",
      problem { past = { "confirmed", [3] = "x" } })
    assert.equal("picture: past: expected a list of states, got the key 'a'", problem { past = { a = "x" } })
    assert.equal("picture: expected a table, got a string", problem "svg")
  end)

  it("draws a graph as it was defined, whatever became of its fields", function()
    local g = graph.define {
      name = "x", initial = "a", first = "go", states = { a = {}, b = {} },
      actions = { { name = "go", from = "a", to = "b" } },
    }
    local before = g:picture()
    g.actions[1].to = "nowhere"
    assert.equal(before, g:picture())
  end)
end)
