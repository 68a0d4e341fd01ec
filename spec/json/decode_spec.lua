-- core.decode: what each text becomes, what is refused, whatever lua-cjson is installed and whatever the locale is.
local core = require "timekit.core"
local pace = require "spec.support.pace"
local show = require "spec.support.show"
local locale = require "spec.support.locale"

core.load_decoder()

local function read(text)
  local value, message = core.decode(text)
  assert(value ~= nil, tostring(message) .. ", in " .. text:sub(1, 60))
  return show(core, value)
end

-- Text and what it means, as spec/support/show.lua writes it.
local valid = {
  -- words, and space
  { "null", "null" }, { "true", "true" }, { "false", "false" }, { " \t\r\n null \t\r\n ", "null" },
  { "[true,false,null]", "[true false null]" }, { " [ 1 , 2 ] ", "[1 2]" }, { '{ "a" : 1 , "b" : 2 }', "{a:1 b:2}" },
  -- numbers
  { "0", "0" }, { "7", "7" }, { "-7", "-7" }, { "10", "10" }, { "1.0", "1" }, { "1.50", "1.5f" }, { "-0.5", "-0.5f" },
  { "1e2", "100" }, { "1E+2", "100" }, { "1e-2", "0.01f" }, { "1.5e1", "15" }, { "0.1e1", "1" }, { "0e0", "0" },
  { "100e-2", "1" }, { "1.25e0002", "125" }, { "0e999", "0" }, { "1e-999", "0" },
  { "9007199254740991", "9007199254740991" }, { "-9007199254740991", "-9007199254740991" },
  { "9007199254740992", "9007199254740992f" }, { "-9007199254740992", "-9007199254740992f" },
  { "9007199254740993", "9007199254740992f" }, { "9007199254740994", "9007199254740994f" },
  { "9223372036854775807", "9.2233720368547758e+18f" }, { "-9223372036854775808", "-9.2233720368547758e+18f" },
  { "10000000000000000000", "1e+19f" }, { "123456789012345678901234567890", "1.2345678901234568e+29f" },
  { "9007199254740991.0", "9007199254740991" }, { "1" .. ("0"):rep(308), "1e+308f" },
  { "1.7976931348623157e308", "1.7976931348623157e+308f" }, { "5e-324", "4.9406564584124654e-324f" },
  { "3.141592653589793", "3.1415926535897931f" }, { "0." .. ("0"):rep(400) .. "1", "0" },
  -- strings
  { '""', '""' }, { '"a b"', '"a b"' }, { [["\"\\\/\b\f\n\r\t"]], ("%q"):format('"\\/\b\f\n\r\t') },
  { [["\u00e9\u20AC\ud83d\ude00"]], '"é€😀"' }, { [["\u0041\u0000\u007f"]], ("%q"):format("A\0\127") },
  { '"é€😀"', '"é€😀"' }, { '"[1,{}]"', '"[1,{}]"' }, { '"a\127b"', ("%q"):format("a\127b") }, { [["\\"]], [["\\"]] },
  { [["\\\""]], ("%q"):format('\\"') },
  { "\239\187\191 1", "1" }, { [["\ud83d"]], '"\239\191\189"' }, { [[{"\ude00":[1.0]}]], "{\239\191\189:[1]}" },
  -- arrays and objects
  { "\239\187\191[1]", "[1]" }, { "\239\187\191 {}", "{}" },
  { "[]", "[]" }, { "{}", "{}" }, { "[ ]", "[]" }, { "{ }", "{}" }, { "[[]]", "[[]]" }, { "[{}]", "[{}]" },
  { "[[],{},[[]]]", "[[] {} [[]]]" }, { '{"a":[],"b":{}}', "{a:[] b:{}}" }, { "[1,[2,[3.5]]]", "[1 [2 [3.5f]]]" },
  { '{"a":{"b":{"c":[1.0]}}}', "{a:{b:{c:[1]}}}" }, { "[null]", "[null]" }, { "[null,[],null]", "[null [] null]" },
  { '{"":1}', "{:1}" }, { '{"":{"":[]}}', "{:{:[]}}" }, { '{"1":[],"2":{}}', "{1:[] 2:{}}" },
  { '[{"a":[1]},{"a":{}}]', "[{a:[1]} {a:{}}]" }, { '{"null":null,"true":[true]}', "{null:null true:[true]}" },
  -- keys that are written with escapes: the mark and the number must find them all the same
  { [[{"\u0061":[]}]], "{a:[]}" }, { [[{"a\"b":[],"c\\":1.0}]], '{a"b:[] c\\:1}' },
  { [[{"\ud83d\ude00":{"\n":[2.0]}}]], "{😀:{\n:[2]}}" }, { [[{"\u0000":[]}]], "{\0:[]}" },
  -- of several members with one name the last counts, with its own types
  { '{"a":1,"a":2}', "{a:2}" }, { '{"a":[],"a":{}}', "{a:{}}" }, { '{"a":{},"a":[]}', "{a:[]}" },
  { '{"a":[1],"a":{"1":2}}', "{a:{1:2}}" }, { '{"a":1.5,"a":[1.0]}', "{a:[1]}" },
  { '{"a":[1.0],"a":1.5}', "{a:1.5f}" },
  { '{"a":{"b":[]},"a":{"b":{}}}', "{a:{b:{}}}" }, { '{"a":{"b":{}},"a":{"b":[]}}', "{a:{b:[]}}" },
  { '{"a":[{},[]],"a":[[],{}]}', "{a:[[] {}]}" }, { '{"a":[[[]]],"a":"x"}', '{a:"x"}' },
  { [[{"a":[],"\u0061":{}}]], "{a:{}}" }, { [[{"\u0061":{},"a":[]}]], "{a:[]}" },
  { '{"a":[[]],"a":null}', "{a:null}" },
  { '{"a":12345678901234567890,"a":1}', "{a:1}" }, { '{"a":12345678901234567890,"a":1.5}', "{a:1.5f}" },
  { '{"a":1,"a":12345678901234567890}', "{a:1.2345678901234567e+19f}" }, { '{"a":1e999,"a":1}', "{a:1}" },
  { '{"a":12345678901234567890,"a":98765432109876543210}', "{a:9.8765432109876543e+19f}" },
}

local invalid = {
  "", " ", "\n", "nul", "nulll", "NULL", "True", "truex", "tru", "undefined", "nil", "'a'", "a",
  -- numbers
  "01", "-01", "00", "-00", "1.", "0.", "-0.", ".5", "-.5", "+1", "-", "--1", "1.e5", "1e", "1e+", "1ee5", "1e5.5",
  "-e5", "1,5", "1 2", "0x10", "-0x10", "0X1", "1f", "1_000", "NaN", "nan", "-NaN", "Infinity", "-Infinity", "inf",
  "-inf", "1e999", "-1e999", "1" .. ("0"):rep(309), "-1" .. ("0"):rep(309), "[1.]", "[-.5]", "[0.e1]", "[01]",
  "[1e999]", '{"a":1.}', '{"a":-.5}', '{"a":1e999}', '{"a":[1.]}', '{"\\u0061":[1.]}',
  '{"a":1.,"a":1}', '{"a":{"b":1.},"a":1}',
  -- strings
  '"', '"a', '"\\"', '"\\x41"', '"\\u12"', '"\\u00zz"', '"\\ud800\\u12"', '"a\0b"', '["a\\', "[\"a\0\"]",
  -- arrays and objects
  "[", "]", "{", "}", "[}", "{]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[[]", "[]]", "[1]]", '{"a"}',
  '{"a":}', '{"a":1', '{"a":1,', '{"a":1,}', '{,"a":1}', '{a:1}', "{'a':1}", "{1:2}", "{null:1}", '{"a" 1}', '{"a"::1}',
  '{"a":1 "b":2}', '{"a",1}', "[1:2]", ":", ",",
  -- trailing garbage, other encodings, comments
  "[1]x", "[1] x", "null,", "{}{}", "1 1", "[1]\0", "[1]\0garbage", "[1] \0", '"a"\0', "null\0\0", "\0", "1\0",
  "\239\187\191", "\239\187\191\239\187\191[1]", "\239\187[1]",
  "\255\254[\0001\0]\0", "[\0001\0]\0", "\0[\0001\0]", "\f[1]", "[1]\v", "\194\160[1]",
  "[1]//c", "/*c*/[1]", "[1]#c", "<html>",
}

describe("core.decode", function()
  for _, case in ipairs(valid) do
    it(("reads %q"):format(case[1]:sub(1, 50)), function()
      assert.equal(case[2], read(case[1]))
    end)
  end

  for _, text in ipairs(invalid) do
    it(("refuses %q"):format(text:sub(1, 50)), function()
      local value, message = core.decode(text)
      assert.is_nil(value)
      assert.is_string(message)
      assert.is_nil(message:find("[%c]"))
    end)
  end

  it("reads null as core.null, which is lua-cjson's", function()
    assert.equal(core.null, core.decode("null"))
    assert.equal(core.null, require "cjson".null)
    assert.equal(core.null, core.decode("[1,null]")[2])
  end)

  it("marks arrays and nothing else", function()
    local value = core.decode('{"a":[{"b":[[]]}],"o":{},"s":"[]"}')
    assert.is_true(core.is_array(value.a))
    assert.is_true(core.is_array(value.a[1].b))
    assert.is_true(core.is_array(value.a[1].b[1]))
    assert.is_false(core.is_array(value))
    assert.is_false(core.is_array(value.a[1]))
    assert.is_nil(getmetatable(value.o))
    assert.is_false(core.is_array(value.s))
  end)

  it("leaves bytes inside strings as they came", function()
    for byte = 1, 255 do
      local char = string.char(byte)
      if char ~= '"' and char ~= "\\" then
        local value = assert(core.decode('{"' .. char .. '":["' .. char .. '"]}'))
        assert.equal(char, value[char][1])
        assert.is_true(core.is_array(value[char]))
      end
    end
  end)

  -- Short strings that came twice are kept, so that Lua need not hash them again.
  it("reads each string, whichever strings came before", function()
    local texts = { "" }
    for number = 1, 3000 do texts[#texts + 1] = ("%04d"):format(number):rep(number % 15) .. ("x"):rep(number % 4) end
    for _ = 1, 3 do
      for _, text in ipairs(texts) do
        local value = assert(core.decode(('[{"%s":1,"a%s":"%s"},"b%s"]'):format(text, text, text, text)))
        assert.same({ { [text] = 1, ["a" .. text] = text }, "b" .. text }, value)
      end
      collectgarbage()
    end
  end)

  it("nests 64 deep and no deeper", function()
    local function nested(open, close, depth) return open:rep(depth) .. close:rep(depth) end
    assert.equal(nested("[", "]", 64), read(nested("[", "]", 64)))
    assert.is_table(core.decode(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63)))
    assert.is_table(core.decode(('{"a":'):rep(64) .. "1" .. ("}"):rep(64)))
    for _, text in ipairs{
      nested("[", "]", 65), ('{"a":'):rep(64) .. "{}" .. ("}"):rep(64), ('[{"a":'):rep(32) .. "[]" .. ("}]"):rep(32),
      ("["):rep(100000), ('{"a":'):rep(100000), nested("[", "]", 100000),
    } do
      local value, message = core.decode(text)
      assert.is_nil(value)
      assert.is_string(message)
    end
    assert.is_table(core.decode("[" .. ("[[]],"):rep(1000) .. "[]]"), "wide is not deep")
  end)

  it("says where the fault is", function()
    for text, position in pairs{ ["[1.]"] = 4, ['{"a":-.5}'] = 7, ["[1]\0x"] = 4, ["[1,1e999]"] = 4, ["[1,x]"] = 4 } do
      local _, message = core.decode(text)
      assert.is_truthy(message:find("at character " .. position .. "$"), text .. ": " .. message)
    end
  end)

  it("does not quote the text in messages", function()
    for _, text in ipairs{ "[secret]", '{"secret":01}', '["secret" secret]', "secret", '{"secret":1.}', '"secret' } do
      assert.is_nil(select(2, core.decode(text)):find("secret"))
    end
  end)

  it("takes a string and nothing else", function()
    for _, wrong in ipairs{ 1, true, {}, print } do
      assert.has_error(function() core.decode(wrong) end)
    end
    assert.has_error(function() core.decode() end)
    assert.has_error(function() core.decode(nil) end)
  end)

  it("reads under a collector that never rests", function()
    local parts = {}
    for i = 1, 100 do
      parts[i] = ('{"id":%d,"\\u0074ags":[],"where":{"lat":%d.5},"list":[%d.0,null,"x"]}'):format(i, i, i)
    end
    pace(0)
    local list = core.decode("[" .. table.concat(parts, ",") .. "]")
    pace(200)
    assert.equal(100, #list)
    for i, item in ipairs(list) do
      assert.equal(("{id:%d list:[%d null \"x\"] tags:[] where:{lat:%d.5f}}"):format(i, i, i), show(core, item))
    end
  end)
end)

describe("core.decode, whatever lua-cjson is installed", function()
  local names = { "timekit.core", "cjson.safe" }
  local kept, preload = {}, nil

  before_each(function()
    for _, name in ipairs(names) do kept[name], package.loaded[name] = package.loaded[name], nil end
    preload = package.preload["cjson.safe"]
  end)

  after_each(function()
    for _, name in ipairs(names) do package.loaded[name] = kept[name] end
    package.preload["cjson.safe"] = preload
  end)

  local function core_over(safe)
    package.preload["cjson.safe"] = function() return safe end
    for _, name in ipairs(names) do package.loaded[name] = nil end
    return require "timekit.core"
  end

  -- As OpenResty's with every option on: arrays have a metatable, whole numbers are integers and stop at 2^63-1. This
  -- one does not care about its limits either, so what is refused is refused by us.
  local function forked(cjson)
    local array_mt = {}
    local function fork(text, value)
      if type(value) == "table" then
        for key, member in pairs(value) do value[key] = fork(text, member) end
        if #value > 0 or text:find("[]", 1, true) then setmetatable(value, array_mt) end
      elseif math.type and type(value) == "number" and value == math.floor(value) and not text:find("[.eE]") then
        return math.tointeger(value) or (value > 0 and math.maxinteger or math.mininteger)
      end
      return value
    end
    return { new = function()
      local instance = cjson.new()
      local decode = instance.decode
      instance.decode_max_depth = function() end
      instance.decode_invalid_numbers = function() end
      instance.decode = function(text)
        local ok, value = pcall(decode, text)
        if not ok then return nil, value end
        return fork(text, value)
      end
      return instance
    end }
  end

  it("gives the same values and marks", function()
    local over_fork = core_over(forked(require "cjson"))
    assert.not_equal(core.decode, over_fork.decode)
    for _, case in ipairs(valid) do
      assert.equal(case[2], show(core, over_fork.decode(case[1])), case[1])
    end
  end)

  it("refuses the same", function()
    local over_fork = core_over(forked(require "cjson"))
    for _, text in ipairs(invalid) do
      assert.is_nil(over_fork.decode(text), text)
    end
    assert.is_table(over_fork.decode(("["):rep(64) .. ("]"):rep(64)))
    assert.is_nil(over_fork.decode(("["):rep(65) .. ("]"):rep(65)))
    assert.is_nil(over_fork.decode(('{"a":'):rep(64) .. "{}" .. ("}"):rep(64)))
  end)

  it("uses an instance of its own, and leaves the shared one's options alone", function()
    local shared = require "cjson.safe"
    local depth, invalid_numbers = shared.decode_max_depth(), shared.decode_invalid_numbers()
    require("timekit.core").decode("[1]")
    assert.equal(depth, shared.decode_max_depth())
    assert.equal(invalid_numbers, shared.decode_invalid_numbers())
    shared.decode_invalid_numbers(true)
    shared.decode_max_depth(1)
    assert.is_nil(core.decode("[NaN]"))
    assert.is_table(core.decode("[[1]]"))
    shared.decode_invalid_numbers(invalid_numbers)
    shared.decode_max_depth(depth)
  end)

  it("says what to install when there is none", function()
    package.preload["cjson.safe"] = function() error("no such file") end
    local ok, message = pcall(require, "timekit.core")
    assert.is_false(ok)
    assert.is_truthy(message:find("apt-get install lua-cjson", 1, true), message)
    assert.is_truthy(message:find("luarocks install lua-cjson", 1, true), message)
    assert.is_truthy(message:find("no such file", 1, true), message)
  end)

  it("says so when it is too old", function()
    for _, old in ipairs{ {}, { new = function() return { decode = print } end } } do
      local ok, message = pcall(core_over, old)
      assert.is_false(ok)
      assert.is_truthy(message:find("install lua-cjson", 1, true), message)
      assert.is_truthy(message:find("older", 1, true), message)
    end
  end)

  it("knows the arrays that an earlier load of the module marked", function()
    local again = require "timekit.core"
    assert.is_true(again.is_array(core.decode("[]")))
    assert.equal("[]", again.encode(core.array()))
  end)
end)

describe("core.decode under a locale with a decimal comma", function()
  local probe = [[
    local core, show = require "timekit.core", require "spec.support.show"
    local function look() print(show(core, core.decode("[1,2,1.5,[3,4.25e1],12345678901234567890]"))) end
  ]]
  local expected = "[1 2 1.5f [3 42.5f] 1.2345678901234567e+19f]\n"

  it("reads what it reads elsewhere, whenever the locale is set", function()
    -- lua-cjson alone reads [1,2] as one element of 1.2 when the locale is set after it was loaded.
    assert.equal(expected:rep(3), locale.run(",", probe .. [[
      look() assert(os.setlocale("odd", "numeric")) look() os.setlocale("C", "numeric") look()
    ]]):gsub("1,5f", "1.5f"):gsub("42,5f", "42.5f"):gsub("1,2345", "1.2345"))
    assert.equal(expected, (locale.run(",", 'assert(os.setlocale("odd", "numeric"))' .. probe .. [[
      os.setlocale("C", "numeric") look()
    ]])))
  end)

  it("does not let a decimal point of several bytes abort the process", function()
    -- lua-cjson calls abort() when an instance is made under such a locale.
    local output = locale.run("\217\171", probe .. [=[
      assert(os.setlocale("odd", "numeric"))
      print(#core.decode("[1,2,[3]]"), core.encode{ 1.5, 2 })
      package.loaded["timekit.core"] = nil
      print(select(2, pcall(require, "timekit.core")))
    ]=])
    assert.is_truthy(output:find("^3\t%[1%.5,2%]\n"), output)
    assert.is_truthy(output:find("locale", 1, true), output)
  end)
end)
