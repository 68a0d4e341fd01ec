-- simdjson and lua-cjson decode every text alike. lua-cjson runs in a process of its own, with a build of the module
-- that has no simdjson.
local core = require "timekit.core"
local decode_all = require "spec.support.decode_all"
local dice = require "spec.support.dice"
local json_suite = require "spec.support.json_suite"
local json_text = require "spec.support.json_text"
local lfs = require "lfs"
local must = require("spec.support.shell").must
local this_lua = require "spec.support.this_lua"

local SEED = os.getenv("SEED") or "1"

describe("core.json", function()
  it("says who decodes", function()
    assert.is_truthy(core.json == "simdjson" or core.json == "cjson", core.json)
    assert.equal(core.json, core.load_decoder())
  end)
end)

describe("the JSON suite", function()
  local function each(list, check)
    for _, text in ipairs(list) do check(core.decode(text), ("%q"):format(text:sub(1, 80))) end
  end

  it("is read where it is valid", function()
    each(json_suite.valid, function(value, text) assert.is_not_nil(value, text) end)
  end)

  it("is refused where it is not", function()
    each(json_suite.invalid, function(value, text) assert.is_nil(value, text) end)
  end)

  it("is read where only bytes in a string are odd", function()
    each(json_suite.lenient, function(value, text) assert.is_not_nil(value, text) end)
  end)
end)

describe("simdjson and lua-cjson", function()
  local FOLDER = lfs.currentdir() .. "/build/" .. this_lua.name
  local file

  setup(function()
    must("env -u MAKEFLAGS make -s all JSON=cjson SANITIZED=-cjson LUA=" .. this_lua.name)
    file = os.tmpname()
  end)

  teardown(function() os.remove(file) end)

  local function elsewhere(folder, environment)
    local packed = must(("%s %s spec/support/decode_all.lua '%s/?.so' %s"):format(
      environment or "", this_lua.command, folder, file))
    local outcomes = decode_all.unpack(packed)
    return table.remove(outcomes, 1), outcomes
  end

  local function compare(texts, expected, outcomes)
    assert.equal(#texts, #expected)
    for i, text in ipairs(texts) do
      if outcomes[i] ~= expected[i] then
        error(("of %q\nlua-cjson makes %s\nsimdjson  makes %s"):format(text, expected[i], outcomes[i]))
      end
    end
  end

  -- Here, where sanitizers and valgrind look on if there are any, and by the code for other processors.
  local function agree(texts)
    if core.load_decoder() ~= "simdjson" then return pending("built without simdjson") end
    local output = assert(io.open(file, "wb"))
    output:write(decode_all.pack(texts))
    output:close()
    local who, expected = elsewhere(FOLDER .. "-cjson")
    assert.equal("cjson", who)
    local outcomes = {}
    for i, text in ipairs(texts) do outcomes[i] = decode_all.outcome(core, text) end
    compare(texts, expected, outcomes)
    for _, variant in ipairs{ "fallback", "westmere" } do
      who, outcomes = elsewhere(FOLDER, "SIMDJSON_FORCE_IMPLEMENTATION=" .. variant)
      assert.equal("simdjson", who)
      compare(texts, expected, outcomes)
    end
  end

  it("agree about the suite, also inside of other texts and cut off", function()
    local texts = {}
    for _, list in pairs(json_suite) do
      for _, text in ipairs(list) do
        texts[#texts + 1] = text
        texts[#texts + 1] = "[" .. text .. "," .. text .. "]"
        texts[#texts + 1] = '{"a":' .. text .. ',"a":1,"b":"\\ud83d\\ude00"}'
        texts[#texts + 1] = text:sub(1, -2)
        texts[#texts + 1] = (" "):rep(61) .. text
      end
    end
    agree(texts)
  end)

  it("agree about every fixture, and about what is left when it is cut off anywhere", function()
    local texts = {}
    for name in lfs.dir("spec/support/fixtures") do
      if name:find("%.json$") then
        local fixture = assert(io.open("spec/support/fixtures/" .. name, "rb"))
        local text = fixture:read("*a")
        fixture:close()
        texts[#texts + 1] = text
        for size = #text - 1, 0, -97 do texts[#texts + 1] = text:sub(1, size) end
      end
    end
    assert.is_true(#texts > 100)
    agree(texts)
  end)

  it("agree about generated texts, whole ones and damaged ones", function()
    local texts, valid = {}, 0
    for i = 1, 2000 do
      local d = dice.new(SEED, "json", i)
      local text = json_text.new(d)
      if core.decode(text) ~= nil then valid = valid + 1 end
      texts[#texts + 1] = text
      texts[#texts + 1] = json_text.damaged(d, text)
    end
    assert.is_true(valid > 1800, valid)
    agree(texts)
  end)

  it("agree about every byte outside of strings, and about every escape", function()
    local texts = {}
    for byte = 0, 255 do
      local char = string.char(byte)
      for _, text in ipairs{
        "%s", "%s1", "1%s", "[1%s]", "[%s1]", "[1]%s", '{%s"a":1}', '{"a"%s:1}', '"\\%s"', '"%s"', "-%s",
      } do
        texts[#texts + 1] = (text:gsub("%%s", function() return char end))
      end
    end
    for code = 0xD700, 0xE0FF, 7 do
      texts[#texts + 1] = ('["\\u%04x"]'):format(code)
      texts[#texts + 1] = ('["\\ud83d\\u%04X"]'):format(code)
      texts[#texts + 1] = ('["\\u%04x\\udE00"]'):format(code)
    end
    agree(texts)
  end)
end)

describe("decoding", function()
  it("may start anew in a finalizer that runs while it goes on", function()
    -- In a process of its own: in a large heap a collector that never pauses takes for ever.
    local program = [[
      package.path = "./?.lua;./lua/?.lua;" .. package.path
      local core = require "timekit.core"
      local pace = require "spec.support.pace"
      local show = require "spec.support.show"
      local ran = 0
      local function finalize()
        ran = ran + 1
        assert(core.decode("[{\"other\":[\"text\"]},[]," .. ("1,"):rep(500) .. "2]"))
      end
      local function leave_behind()
        if newproxy then getmetatable(newproxy(true)).__gc = finalize else setmetatable({}, { __gc = finalize }) end
      end
      local item = "{\"id\":1,\"name\":\"one of them\",\"list\":[1,2,3],\"inner\":{\"a\":null}}"
      local text = "[" .. (item .. ","):rep(200) .. item .. "]"
      local expected = show(core, core.decode(text))
      pace(50)
      for _ = 1, 100 do
        leave_behind()
        local value = core.decode(text)
        assert(expected == show(core, value))
      end
      print(ran)
    ]]
    local ran = tonumber(must(("%s -e '%s'"):format(this_lua.command, program)))
    assert.is_true(ran > 20, ran)
  end)

  it("does not keep the memory that a long text took", function()
    local program = [[
      package.path = "./?.lua;" .. package.path
      local core = require "timekit.core"
      local function kilobytes()
        collectgarbage() collectgarbage()
        for line in io.lines("/proc/self/status") do
          local size = line:match("^VmSize:%s*(%d+)")
          if size then return tonumber(size) end
        end
      end
      core.decode("[1]")
      local before = kilobytes()
      for _ = 1, 3 do assert(#core.decode("[\"" .. ("x"):rep(8e6) .. "\"]") == 1) end
      print(kilobytes() - before)
    ]]
    local output = must(("%s -e '%s'"):format(this_lua.command, program))
    assert.is_true(tonumber(output) < 40000, output)
  end)
end)
