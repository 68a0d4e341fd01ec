-- core.encode: what each value becomes, what is refused, and that decoding brings the value back.
local core = require "timekit.core"
local dkjson = require "dkjson"
local pace = require "spec.support.pace"
local show = require "spec.support.show"
local locale = require "spec.support.locale"

local has_integers = math.type ~= nil

-- The NaN check of the language: no literal for it.
local nan = 0 / 0

local function refused(value, expected, root)
  local text, message, reason = core.encode(value, root)
  assert.is_nil(text)
  assert.equal(expected, message)
  assert.equal("type", reason)
end

local function sorted(text)
  local list = {}
  for member in text:sub(2, -2):gmatch("[^,]+") do list[#list + 1] = member end
  table.sort(list)
  return table.concat(list, ",")
end

describe("core.encode", function()
  it("writes scalars", function()
    assert.equal("true", core.encode(true))
    assert.equal("false", core.encode(false))
    assert.equal("null", core.encode(core.null))
    assert.equal('"text"', core.encode("text"))
    assert.equal('""', core.encode(""))
    assert.equal("7", core.encode(7))
  end)

  it("writes tables: {} when empty, an array for 1 to n, an object for names", function()
    assert.equal("{}", core.encode{})
    assert.equal("[1,2,3]", core.encode{ 1, 2, 3 })
    assert.equal("[[],{},[[]]]", core.encode{ core.array(), {}, { core.array() } })
    assert.equal('{"a":{"b":[true,null]}}', core.encode{ a = { b = { true, core.null } } })
    assert.equal('"a":1,"b":2,"c":3', sorted(core.encode{ a = 1, b = 2, c = 3 }))
    assert.equal('{"1":"x"}', core.encode{ ["1"] = "x" })
    assert.equal('{"":{}}', core.encode{ [""] = {} })
  end)

  it("writes an array that was filled from its end, or as a hash", function()
    local list = {}
    for i = 20, 1, -1 do list[i] = i end
    assert.equal("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", core.encode(list))
  end)

  it("writes a table twice that stands in two places", function()
    local shared = { 1 }
    assert.equal("[[1],[1],[[1]]]", core.encode{ shared, shared, { shared } })
  end)

  describe("marks", function()
    it("make an empty array", function()
      assert.equal("[]", core.encode(core.array()))
      assert.equal("[]", core.encode(core.array(nil)))
      assert.equal('{"tags":[]}', core.encode{ tags = core.array{} })
    end)

    it("stay on what came from an answer, and on it alone", function()
      for _, text in ipairs{ "[]", "{}", '{"a":[]}', '{"a":{}}', "[[],{}]", '{"a":[],"a":{}}', "[1,[]]" } do
        local again = core.decode(core.encode(core.decode(text)))
        assert.equal(show(core, core.decode(text)), show(core, again))
      end
      local list = core.decode("[1,2]")
      list[1], list[2] = nil, nil
      assert.equal("[]", core.encode(list))
    end)

    it("return the table that was given", function()
      local list = { 1, 2 }
      assert.equal(list, core.array(list))
      assert.is_true(core.is_array(list))
      assert.equal(list, core.array(list))
      list[3] = 3
      assert.equal("[1,2,3]", core.encode(list))
    end)

    it("are refused to what is not an array", function()
      local own = setmetatable({}, { __index = {} })
      for _, wrong in ipairs{
        { a = 1 }, { 1, a = 1 }, { 1, nil, 3 }, { [2] = 2 }, { [0] = 0 }, { 1, 2, [1.5] = 1 }, own,
      } do
        assert.has_error(function() core.array(wrong) end)
        assert.is_false(core.is_array(wrong))
      end
      for _, wrong in ipairs{ 1, "x", true, print } do
        assert.has_error(function() core.array(wrong) end)
      end
    end)

    it("are told apart from everything else", function()
      for _, other in ipairs{ 1, "x", true, print, {}, { 1 }, setmetatable({}, {}), io.stdout, core.null } do
        assert.is_false(core.is_array(other))
      end
      assert.is_false(core.is_array(nil))
      assert.has_error(function() core.is_array() end)
    end)
  end)

  describe("numbers", function()
    if has_integers then it("keep every digit of an integer", function()
      for _, text in ipairs{
        "0", "-1", "9007199254740991", "9007199254740993", "123456789012345678", "1618065507111835497",
        "9223372036854775807", "-9223372036854775807", "-9223372036854775808",
      } do
        local integer = math.tointeger(text) or math.tointeger(tonumber(text)) or math.mininteger
        assert.equal(text, core.encode(integer))
      end
    end) end

    it("have no exponent and no fraction when they are whole, up to 2^53", function()
      for _, case in ipairs{
        { 0.0, "0" }, { 1.0, "1" }, { -2.0, "-2" }, { 1e5, "100000" }, { 1e14, "100000000000000" },
        { 1e15, "1000000000000000" }, { 2 ^ 53, "9007199254740992" }, { -(2 ^ 53), "-9007199254740992" },
      } do
        assert.equal(case[2], core.encode(case[1]))
      end
    end)

    it("are as short as 15 to 17 digits can say without losing anything", function()
      for _, case in ipairs{
        { 0.1, "0.1" }, { 1.5, "1.5" }, { -0.25, "-0.25" }, { 1e300, "1e+300" }, { 1e-7, "1e-07" },
        { 1 / 3, "0.3333333333333333" }, { 0.1 + 0.2, "0.30000000000000004" }, { 2 ^ 53 + 2, "9007199254740994" },
        { 1e17, "1e+17" }, { 2 ^ 60, "1.152921504606847e+18" }, { 2 ^ -1074, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
      } do
        assert.equal(case[2], core.encode(case[1]))
        assert.equal(case[1], tonumber(case[2]))
      end
    end)

    it("keep the sign of a zero", function()
      local zero = tonumber("-0.0")
      assert.equal("-0.0", core.encode(zero))
    end)

    it("are refused when JSON has none such", function()
      refused({ n = nan }, "inputs.n: cannot encode NaN", "inputs")
      refused({ n = math.huge }, "inputs.n: cannot encode an infinite number", "inputs")
      refused({ n = -math.huge }, "inputs.n: cannot encode an infinite number", "inputs")
    end)

    it("have a decimal point in every locale", function()
      for _, point in ipairs{ ",", "\217\171" } do
        assert.equal("[1.5,-0.25,1e-07,1.5e-07,0.3333333333333333,1e+300,1000000,-0.0]\n", locale.run(point, [=[
          local core = require "timekit.core"
          local odd = { 1.5, -0.25, 1e-7, 1.5e-7, 1 / 3, 1e300, 1e6, -1 / math.huge }
          assert(os.setlocale("odd", "numeric"))
          print((core.encode(odd)))
        ]=]))
      end
    end)
  end)

  describe("strings", function()
    it("have quotes, backslashes and control characters escaped, and nothing else", function()
      assert.equal([["\"\\\b\f\n\r\t"]], core.encode('"\\\b\f\n\r\t'))
      for byte = 0, 127 do
        local char = string.char(byte)
        local text = core.encode(char)
        assert.equal(char, core.decode(text))
        assert.equal(char, core.decode(core.encode("x" .. char .. "y")):sub(2, 2))
        assert.is_nil(text:find("%c") and byte < 32 or nil)
        if byte >= 32 and char ~= '"' and char ~= "\\" then assert.equal('"' .. char .. '"', text) end
      end
      assert.equal([["\u0000\u001f"]], core.encode("\0\31"))
      assert.equal('"https://x/y"', core.encode("https://x/y"))
    end)

    it("may be any valid UTF-8", function()
      for _, s in ipairs{
        "é", "€", "😀", "\194\128", "\223\191", "\224\160\128", "\237\159\191", "\238\128\128", "\239\191\191",
        "\240\144\128\128", "\244\143\191\191", "\226\128\168",
      } do
        assert.equal('"' .. s .. '"', core.encode(s))
        assert.equal('{"' .. s .. '":"a' .. s .. 'b"}', core.encode{ [s] = "a" .. s .. "b" })
      end
    end)

    it("are refused when they are not valid UTF-8", function()
      for _, s in ipairs{
        "\128", "\191", "\192\128", "\193\191", "\194", "\194A", "\194\194\128", "\224\159\191", "\224\160", "\226\130",
        "\226\130A", "\237\160\128", "\237\191\191", "\240\143\191\191", "\240\159\152", "\244\144\128\128",
        "\245\128\128\128", "\248\136\128\128\128", "\254", "\255", "\255\255",
      } do
        refused({ message = s }, "inputs.message: cannot encode invalid UTF-8 (at byte 1)", "inputs")
        refused({ message = "ab" .. s .. "cd" }, "inputs.message: cannot encode invalid UTF-8 (at byte 3)", "inputs")
        local text, message, reason = core.encode({ [s] = 1 }, "inputs")
        assert.is_nil(text)
        assert.equal("type", reason)
        assert.is_truthy(message:find("^inputs: cannot encode invalid UTF%-8 in the key "), message)
        assert.is_string(core.encode(message))
        assert.is_nil(message:find("%c"))
        assert.is_nil(message:find("\194[\128-\159]"))
      end
      refused({ ["k\255"] = 1 }, 'inputs: cannot encode invalid UTF-8 in the key "k\\xFF"', "inputs")
    end)
  end)

  describe("refuses, with the path,", function()
    it("what JSON has no word for", function()
      refused(print, "value: cannot encode a function")
      refused(nil, "value: cannot encode nil")
      refused({ message = print }, "inputs.message: cannot encode a function", "inputs")
      refused({ a = { io.stdout } }, "inputs.a[1]: cannot encode a userdata", "inputs")
      if debug.upvalueid then -- the one light userdata that plain Lua hands out
        refused({ a = debug.upvalueid(function() return refused end, 1) }, "value.a: cannot encode a userdata")
      end
      refused({ a = coroutine.create(function() end) }, "inputs.a: cannot encode a thread", "inputs")
    end)

    it("names that are not identifiers", function()
      refused({ ["odd key"] = { x = print } }, 'inputs["odd key"].x: cannot encode a function', "inputs")
      refused({ list = { 1, 2, print } }, "inputs.list[3]: cannot encode a function", "inputs")
      refused({ { { print } } }, "value[1][1][1]: cannot encode a function")
      refused({ [""] = print }, 'value[""]: cannot encode a function')
      refused({ ["1"] = print }, 'value["1"]: cannot encode a function')
      refused({ ['a"\\\n'] = print }, 'value["a\\"\\\\\\x0A"]: cannot encode a function')
      refused({ ["a\127\194\155"] = print }, 'value["a\\x7F\\xC2\\x9B"]: cannot encode a function')
      refused({ ["ü"] = print }, 'value["ü"]: cannot encode a function')
      refused({ [("k"):rep(1000)] = print },
        'value["' .. ("k"):rep(40) .. '..."]: cannot encode a function')
    end)

    it("cycles", function()
      local outer = { inner = {} }
      outer.inner.back = outer
      refused(outer, "inputs.inner.back: cannot encode a cycle (this is inputs again)", "inputs")
      local list = { { {} } }
      list[1][1][1] = list[1]
      refused({ a = list }, "inputs.a[1][1][1]: cannot encode a cycle (this is inputs.a[1] again)", "inputs")
      local self = {}
      self[1] = self
      refused(self, "value[1]: cannot encode a cycle (this is value again)")
    end)

    it("more than 64 levels", function()
      local function nested(depth, wrap)
        local value = {}
        for _ = 2, depth do value = wrap(value) end
        return value
      end
      local function list(value) return { value } end
      local function object(value) return { a = value } end
      assert.equal(("["):rep(63) .. "{}" .. ("]"):rep(63), core.encode(nested(64, list)))
      assert.equal(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63), core.encode(nested(64, object)))
      refused(nested(65, object), "value" .. (".a"):rep(64) .. ": cannot encode more than 64 levels of nesting")
      refused(nested(10000, list), "value" .. ("[1]"):rep(64) .. ": cannot encode more than 64 levels of nesting")
    end)

    it("mixed tables", function()
      refused({ a = { 1, 2, b = 3 } }, 'inputs.a: cannot encode an array that also has the key "b"', "inputs")
      refused({ 1, [0] = 0 }, "value: cannot encode an array that also has the key 0")
      refused({ 1, [1.5] = 0 }, "value: cannot encode an array that also has the key 1.5")
      refused({ 1, 2, [1.5] = 0 }, "value: cannot encode an array that also has the key 1.5")
      refused({ 1, [true] = 0 }, "value: cannot encode an array that also has a boolean as key")
    end)

    it("sparse arrays", function()
      refused({ a = { [2] = 2 } }, "inputs.a: cannot encode a sparse array (index 1 is missing)", "inputs")
      refused({ [1] = 1, [3] = 3 }, "value: cannot encode a sparse array (index 2 is missing)")
      refused({ 1, 2, nil, 4 }, "value: cannot encode a sparse array (index 3 is missing)")
      refused({ nil, 2 }, "value: cannot encode a sparse array (index 1 is missing)")
      refused({ [2 ^ 60] = 1 }, "value: cannot encode a sparse array (index 1 is missing)")
    end)

    it("keys that are not strings", function()
      refused({ [true] = 1 }, "value: cannot encode a table with a boolean as key")
      refused({ [{}] = 1 }, "value: cannot encode a table with a table as key")
      refused({ [print] = 1 }, "value: cannot encode a table with a function as key")
      refused({ [0] = 1 }, "value: cannot encode a table with the key 0")
      refused({ [-1] = 1 }, "value: cannot encode a table with the key -1")
      refused({ [0.5] = 1 }, "value: cannot encode a table with the key 0.5")
    end)

    it("a marked array that has got other keys, or holes", function()
      local list = core.array()
      list.total = 0
      refused({ list = list }, 'inputs.list: cannot encode an array that also has the key "total"', "inputs")
      list = core.array{ 1, 2, 3 }
      list[2] = nil
      refused(list, "value: cannot encode a sparse array (index 2 is missing)")
      list = core.array()
      list[2] = 2
      refused(list, "value: cannot encode a sparse array (index 1 is missing)")
    end)
  end)

  it("calls no metamethods and changes nothing", function()
    local function no() error("a metamethod was called") end
    local guarded = setmetatable({ a = 1 },
      { __index = no, __newindex = no, __pairs = no, __len = no, __tostring = no, __eq = no, __gc = nil })
    assert.equal('{"a":1}', core.encode(guarded))
    local list = setmetatable({ 1, 2 }, { __index = no, __len = no, __pairs = no })
    assert.equal("[1,2]", core.encode(list))
    assert.is_false(core.is_array(list))
    local keys = { [1.5] = 1 }
    core.encode(keys)
    assert.equal(1.5, next(keys))
  end)

  describe("with a limit", function()
    it("writes up to it, and not a byte more", function()
      for _, value in ipairs{
        {}, { 1, 2, 3 }, { a = { "x", "\n", {} } }, "text", "\1\2\3", 12345, true, core.null, 0.5,
      } do
        local whole = core.encode(value)
        assert.equal(whole, core.encode(value, "v", #whole))
        for limit = 0, #whole - 1 do
          local text, message, reason = core.encode(value, "v", limit)
          assert.is_nil(text)
          assert.equal("size", reason)
          assert.is_truthy(message:find("limit of " .. limit .. " bytes", 1, true), message)
          assert.is_truthy(message:find("^v[%w%[%].]*: "), message)
        end
      end
    end)

    it("says what was being written", function()
      local _, message = core.encode({ message = ("x"):rep(100) }, "inputs", 50)
      assert.equal("inputs.message: the JSON text is longer than the limit of 50 bytes", message)
      _, message = core.encode({ list = { 1, ("\n"):rep(30), 3 } }, "inputs", 50)
      assert.equal("inputs.list[2]: the JSON text is longer than the limit of 50 bytes", message)
    end)

    it("stops early", function()
      -- Written to the end, this would be 2^40 numbers.
      local value = { 1, 2 }
      for _ = 1, 40 do value = { value, value } end
      local _, _, reason = core.encode(value, "v", 100000)
      assert.equal("size", reason)
      -- The bad byte at the end of what cannot fit anyway is never looked at.
      _, _, reason = core.encode(("x"):rep(1000) .. "\255", "v", 500)
      assert.equal("size", reason)
    end)

    it("takes a number from 0, huge ones too", function()
      assert.equal("1", core.encode(1, "v", math.huge))
      assert.equal("1", core.encode(1, "v", 2 ^ 80))
      assert.equal("1", core.encode(1, nil, nil))
      assert.has_error(function() core.encode(1, "v", -1) end)
      assert.has_error(function() core.encode(1, "v", nan) end)
      assert.has_error(function() core.encode(1, "v", "x") end)
      assert.has_error(function() core.encode(1, {}) end)
      assert.has_error(function() core.encode() end)
    end)
  end)

  it("writes large values of every kind", function()
    local list, object = {}, {}
    for i = 1, 3000 do
      list[i] = i
      object["k" .. i] = ("\n"):rep(i % 50)
    end
    local value = { list = list, object = object, text = ("é\\"):rep(200000) }
    assert.same(value, core.decode(core.encode(value)))
  end)
end)

-- Random values, the same ones in each run. Read back, by us and by another implementation, they are equal.
describe("core.encode and core.decode", function()
  local state = 20160211

  -- A generator of our own, since those of the Luas differ.
  local function random(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % n + 1
  end

  local pieces = {
    "a", "Z", "0", " ", '"', "\\", "/", "\n", "\0", "\31", "\127", "é", "€", "😀", "\239\191\191", "{}", "[]",
  }
  local numbers = {
    function() return random(32768) - 16384 end,
    function() return (random(32768) * 32768 + random(32768)) * 4194304 + random(32768) end,
    function() return (random(32768) - 16384) / random(32768) end,
    function() return random(32768) / 32768 * 10 ^ (random(600) - 300) end,
    function() return 2 ^ (random(2000) - 1000) end,
    -- Integers of 63 bits where there are any.
    function() return (random(32768) - 1) * 281474976710656 + random(32768) * 4294967296 + random(32768) end,
  }

  local function text()
    local parts = {}
    for i = 1, random(12) - 1 do parts[i] = pieces[random(#pieces)] end
    return table.concat(parts)
  end

  local function value(depth)
    local kind = random(depth < 6 and 9 or 5)
    if kind == 1 then return random(2) == 1 end
    if kind == 2 then return core.null end
    if kind == 3 then return text() end
    if kind <= 5 then return numbers[random(#numbers)]() end
    if kind <= 7 then
      local list = {}
      for i = 1, random(6) - 1 do list[i] = value(depth + 1) end
      return core.array(list)
    end
    local object = {}
    for _ = 1, random(6) - 1 do object[text()] = value(depth + 1) end
    return object
  end

  -- What decode promises for a number that was written: an integer when it is a whole number up to 2^53-1.
  local function as_read(v)
    if type(v) == "number" and has_integers then
      local number = v + 0.0
      if number == math.floor(number) and number >= -2 ^ 53 + 1 and number <= 2 ^ 53 - 1 then
        return math.tointeger(number)
      end
      return number
    end
    if type(v) ~= "table" then return v end
    local copy = core.is_array(v) and core.array() or {}
    for key, member in pairs(v) do copy[key] = as_read(member) end
    return copy
  end

  local function same_as_dkjson(v, other)
    if v == core.null then return other == dkjson.null end
    if type(v) ~= "table" then return v == other end
    local meta = getmetatable(other)
    if core.is_array(v) ~= (meta.__jsontype == "array") then return false end
    for key, member in pairs(v) do
      if not same_as_dkjson(member, other[key]) then return false end
    end
    for key in pairs(other) do
      if v[key] == nil then return false end
    end
    return true
  end

  local function round(count)
    for _ = 1, count do
      local before = core.array{ value(0), value(0), value(0) }
      local written = assert(core.encode(before))
      assert.equal(show(core, as_read(before)), show(core, core.decode(written)), written)
      -- What was decoded is written and read again without any further change.
      assert.equal(show(core, core.decode(written)), show(core, core.decode(core.encode(core.decode(written)))))
      assert.equal(written, core.encode(before, "v", #written))
      assert.is_true(same_as_dkjson(before, (dkjson.decode(written, 1, dkjson.null))), written)
    end
  end

  it("agree on random values, with each other and with dkjson", function() round(1000) end)

  it("agree under a collector that never rests", function()
    pace(0)
    round(5)
    pace(200)
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
