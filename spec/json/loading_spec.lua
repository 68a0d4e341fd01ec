-- simdjson is loaded when it pays, in hosts that must not wait by `require "timekit"`, and lua-cjson does without it.
local core = require "timekit.core"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- The functions that the programs here have.
local PRELUDE = [[
  local core = require "timekit.core"
  local function loaded()
    for line in io.lines "/proc/self/maps" do
      if line:find("libsimdjson", 1, true) then return true end
    end
    return false
  end
  local function decode(times)
    local text = '{"list":[1,2.5,{"a":"' .. ("x"):rep(1000) .. '"}]}'
    for _ = 1, times do
      local value = assert(core.decode(text))
      assert(value.list[2] == 2.5 and core.is_array(value.list) and #value.list[3].a == 1000)
    end
  end
]]

describe("simdjson", function()
  local folder

  setup(function()
    if core.json ~= "simdjson" then return end
    folder = os.tmpname()
    os.remove(folder)
    shell.must("mkdir -p " .. folder .. "/timekit")
    shell.must(("cp build/%s/timekit/core.so %s/timekit/"):format(this_lua.name, folder))
  end)

  teardown(function() if folder then shell.must("rm -r " .. folder) end end)

  -- What a program prints. `before` runs in the shell, in front of the program.
  local function printed(program, before)
    local file = folder .. "/program.lua"
    local output = assert(io.open(file, "w"))
    output:write((program:gsub("PRELUDE", function() return PRELUDE end)))
    output:close()
    return shell.must(("%s %s %s"):format(before or "", this_lua.command, file))
  end

  local function test(name, body)
    it(name, function()
      if core.json ~= "simdjson" then return pending("built without simdjson") end
      if not io.open "/proc/self/maps" then return pending("this system does not tell what is loaded") end
      body()
    end)
  end

  test("is not loaded for a few answers, but for many, or a long one", function()
    local program = "PRELUDE decode(200) local few = loaded() %s print(few, loaded())"
    assert.equal("false\tfalse\n", printed(program:format ""))
    assert.equal("false\ttrue\n", printed(program:format "decode(100)"))
    assert.equal("false\ttrue\n", printed(program:format "core.decode('[' .. (' '):rep(300000) .. ']')"))
  end)

  test("is counted for across loads into the same state", function()
    assert.equal("true\n", printed [[
      PRELUDE
      decode(200)
      package.loaded["timekit.core"] = nil
      core = require "timekit.core"
      decode(100)
      print(loaded())
    ]])
  end)

  test("is loaded when a program asks for it", function()
    assert.equal("simdjson\ttrue\n", printed "PRELUDE print(core.load_decoder(), loaded())")
  end)

  test("is loaded with the module where a host must not wait, and by a client whose calls go on in updates", function()
    assert.equal("true\n", printed "love = {} PRELUDE require 'timekit' print(loaded())")
    assert.equal("false\ttrue\n", printed [[
      PRELUDE
      local timekit = require "timekit"
      local tk = timekit.new { app_key = "key" }
      local before = loaded()
      tk:update()
      print(before, loaded())
    ]])
  end)

  test("is not missed: lua-cjson then decodes everything", function()
    assert.equal("cjson\tsimdjson\n", printed(
      "PRELUDE decode(400) print(core.load_decoder(), core.json)", ("LUA_CPATH='%s/?.so;;'"):format(folder)))
  end)

  -- After a chdir a relative path leads to what others may have put there.
  test("is loaded at once where the core has a relative path", function()
    assert.equal("true\ttrue\n", printed(
      "PRELUDE local before = loaded() decode(400) print(before, loaded())",
      ("cd build/%s; LUA_CPATH='./?.so;;'"):format(this_lua.name)))
  end)
end)
