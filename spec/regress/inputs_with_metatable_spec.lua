-- A user saw: an action sent without a required input, because the inputs' metatable claimed to have it.
local scripted = require "spec.support.scripted"
local field_checks = require "timekit.text.fields"
local timekit = require "timekit"

local NAME = "regress_inputs"

describe("inputs with a metatable", function()
  local graphs, transport, tk = timekit.graphs, nil, nil

  setup(function()
    graphs.define {
      name = NAME, initial = "new", first = "go",
      states = { new = {}, over = { final = true } },
      actions = { { name = "go", from = "new", to = "over", inputs = { m = { type = "string", required = true } } } },
    }
  end)

  teardown(function() graphs[NAME] = nil end)

  before_each(function()
    transport = scripted.new(function() return scripted.booking "over" end)
    tk = timekit.new { transport = transport }
  end)

  after_each(function() tk:close() end)

  local function go(inputs, options)
    return tk:booking { id = "b1", graph = NAME, state = "new" }:action("go", inputs, options)
  end

  it("are refused for what only the metatable says is there", function()
    local _, err = go(setmetatable({}, { __index = { m = "z" } }))
    assert.equal("input", err.kind)
    assert.matches("inputs.m: required", err.message)
    assert.same({}, transport.requests)
  end)

  it("are not refused for what is not sent", function()
    for _, metatable in ipairs {
      { __index = { message = 5, mm = 1, n = 1 } },
      { __pairs = function() return next, { [1] = "x", mesage = 5 } end },
      { __index = function() error("asked for a field") end },
      { __len = function() error("asked for the length") end },
      { __len = function() return 3 end },
    } do
      assert(go(setmetatable({ m = "z" }, metatable)))
      assert.equal('{"go":{"m":"z"}}', transport.requests[#transport.requests].body)
    end
  end)

  it("are lists when they hold elements, whatever the metatable says", function()
    local ok, problem = pcall(go, setmetatable({ "z" }, { __len = function() return 0 end }))
    assert.is_false(ok)
    assert.matches("got a list", problem)
  end)

  it("may stand in fields of a booking to create, and in settings", function()
    local hidden = { __index = { go = 1, graph = 5, apply_to_bulked_bookings = 1 }, __len = function() return 1 end,
      __pairs = function() return next, { apply_to_bulked_bookings = 1 } end }
    assert(go({ m = "z" }, { settings = setmetatable({ colour = "red" }, hidden) }))
    assert.equal('{"go":{"m":"z"},"colour":"red"}', transport.requests[1].body)
    tk:create_booking(setmetatable({ what = "x" }, hidden))
    assert.equal('{"what":"x"}', transport.requests[2].body)
  end)
end)

describe("a table with specifications of its fields", function()
  it("is checked as it is, without its metatable", function()
    local specs = { a = { type = "string", required = true } }
    assert.same({ "a: required" }, field_checks.check(specs, setmetatable({}, { __index = { a = "x" } }), "", true))
    local strange = setmetatable({ a = "x" }, { __pairs = function() return next, { b = 1 } end })
    assert.same({}, field_checks.check(specs, strange, "", true))
  end)
end)
