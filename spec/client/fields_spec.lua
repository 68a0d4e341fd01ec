local core = require "timekit.core"
local fields = require "timekit.text.fields"

describe("fields.given", function()
  it("takes JSON's null for a field that was left out, and nothing else", function()
    assert.is_nil(fields.given(core.null))
    assert.is_nil(fields.given(nil))
    for _, value in ipairs { false, 0, "", "null", io.stdout } do assert.equal(value, fields.given(value)) end
  end)
end)

describe("fields.named", function()
  it("takes a table of named fields", function()
    assert.is_nil(fields.named { what = "Mens haircut" })
    assert.is_nil(fields.named {})
    assert.is_nil(fields.named(core.decode '{"1":true}'))
  end)

  it("says what else was given", function()
    for got, value in pairs {
      ["a list"] = { "Mens haircut" }, ["a string"] = "what", ["a number"] = 7, ["a boolean"] = true,
      ["null"] = core.null,
    } do
      assert.equal("expected a table of named fields, got " .. got, fields.named(value))
    end
    assert.equal("expected a table of named fields, got nothing", fields.named(nil))
    assert.equal("expected a table of named fields, got a list", fields.named(core.decode "[]"))
  end)

  it("reads the table without its metatable, as it is sent", function()
    assert.is_nil(fields.named(setmetatable({ what = "x" }, { __index = { "y" }, __len = function() return 1 end })))
    assert.equal("expected a table of named fields, got a list",
      fields.named(setmetatable({ "x" }, { __len = function() return 0 end })))
  end)
end)

describe("fields.join", function()
  it("writes a path as Lua would", function()
    assert.equal("inputs.message", fields.join("inputs", "message"))
    assert.equal("message", fields.join("", "message"))
    assert.equal("inputs['first name']", fields.join("inputs", "first name"))
    assert.equal("inputs['']", fields.join("inputs", ""))
    assert.equal("inputs[1]", fields.join("inputs", 1))
  end)
end)

describe("fields.problems", function()
  local function even(value) return value % 2 == 0, "expected an even number" end
  local function not_of_three(value) return #value ~= 3, "not yet" end
  local SPECS = {
    name = { type = "string", required = true }, seats = { type = "integer", check = even },
    by = { type = "string", one_of = { "owner", "customer" } },
    delay = { type = "table", fields = {
      after = { type = "number", required = true }, from = { one_of = { "end", "created" }, check = not_of_three },
    } },
    settings = { type = "table", each = { type = { type = "string", required = true } } },
  }

  local function problems(values, strict, path)
    values.name = values.name or "x"
    return fields.problems(SPECS, values, path or "", strict or false)
  end

  local function one(values, strict)
    local found = problems(values, strict)
    assert.equal(1, #found)
    return fields.texts(found)[1]
  end

  it("is nil when nothing is wrong", function()
    assert.is_nil(problems {})
    assert.is_nil(problems({
      seats = 4, by = "owner", delay = { after = 0, from = "created" },
      settings = { a = { type = "b" }, c = { type = "d" } },
    }, true))
  end)

  it("names the field, what was expected and what was given", function()
    assert.equal("name: expected a string, got a boolean", one { name = true })
    assert.equal("seats: expected an integer, got 1.5", one { seats = 1.5 })
    assert.equal("seats: expected an even number", one { seats = 3 })
    assert.equal("by: expected one of 'owner', 'customer', got 'both'", one { by = "both" })
    assert.equal("by: expected a string, got a number", one { by = 1 })
    assert.same({ { field = "name", problem = "required" } }, fields.problems(SPECS, {}, "", false))
  end)

  it("looks into a table whose fields are known", function()
    assert.equal("delay: expected a table, got a number", one { delay = 7 })
    assert.equal("delay.after: required", one { delay = {} })
    assert.equal("delay.from: expected one of 'end', 'created', got 'start'",
      one { delay = { after = 1, from = "start" } })
    assert.equal("delay.from: not yet", one { delay = { after = 1, from = "end" } })
    assert.is_nil(problems { delay = { after = 1, colour = "red" } })
    assert.equal("delay.colour: unknown", one({ delay = { after = 1, colour = "red" } }, true))
  end)

  it("looks into every value of a table with any names", function()
    assert.equal("settings.a: expected a table, got a string", one { settings = { a = "b" } })
    assert.equal("settings.a.type: required", one { settings = { a = {}, b = { type = "c" } } })
    assert.equal("settings[1]: expected a name as the key, got a number", one { settings = { {} } })
    assert.equal("settings['']: expected a name as the key, got an empty string", one { settings = { [""] = {} } })
  end)

  it("takes an unknown name along, unless it is close to a known one or none is allowed", function()
    assert.is_nil(problems { colour = "red" })
    assert.equal("colour: unknown", one({ colour = "red" }, true))
    assert.equal("seets: unknown, did you mean 'seats'?", one { seets = 4 })
    assert.equal("[1]: expected a name as the key, got a number", one { "x" })
  end)

  it("lists everything in alphabetical order, under the path of the table", function()
    assert.same({
      { field = "it.by", problem = "expected one of 'owner', 'customer', got ''" },
      { field = "it.delay.after", problem = "required" },
      { field = "it.seats", problem = "expected an even number" },
      { field = "it.seets", problem = "unknown, did you mean 'seats'?" },
    }, problems({ by = "", delay = {}, seats = 1, seets = 1 }, false, "it"))
  end)

  it("says what stands in the table's place", function()
    assert.same({ "expected a table, got null" }, fields.check(SPECS, core.null, "", true))
    assert.same({ "it: expected a table, got nothing" }, fields.check(SPECS, nil, "it", true))
    assert.same({}, fields.check(SPECS, { name = "x" }, "it", true))
  end)
end)
