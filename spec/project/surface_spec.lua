-- The documentation names every option and number that there is, and what it names is there.
local core = require "timekit.core"
local timekit = require "timekit"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

describe("timekit.is_array", function()
  it("tells a JSON array from an object", function()
    assert.is_true(timekit.is_array(timekit.array {}))
    assert.is_false(timekit.is_array {})
    assert.is_false(timekit.is_array("x"))
  end)
end)

describe("the documentation of timekit.new", function()
  it("has every option of the README's table", function()
    local documented = {}
    for name in read("lua/timekit/init.lua"):gmatch("@tparam %?%S+ opts%.([%w_]+)") do documented[name] = true end
    local rows, missing = read("README.md"):match("\n## Options\n(.-)\n## "), {}
    for cell in rows:gmatch("\n| (`[^|]*) |") do
      for name in cell:gmatch("`([%w_]+)`") do
        if not documented[name] then missing[#missing + 1] = name end
      end
    end
    assert.same({}, missing)
    assert.is_true(documented.runtime)
  end)
end)

describe("the numbers of an answer", function()
  it("keep every digit up to 2^53 - 1", function()
    for _, digits in ipairs { "9007199254740991", "-9007199254740991", "0" } do
      assert.equal("[" .. digits .. "]", core.encode(core.decode("[" .. digits .. "]")))
    end
    assert.equal("number", type(core.decode("[9007199254740993]")[1]))
  end)
end)
