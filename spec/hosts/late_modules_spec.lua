-- No frame reads a file: what its calls need is loaded before.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- What a program prints; it ends with 0.
local function printed(program)
  return shell.must(this_lua.command .. " " .. program)
end

describe("nothing is loaded any more", function()
  it("once a host that must not wait has required the module", function()
    assert.equal("", printed "spec/support/late_modules.lua love")
  end)

  it("once a game in plain Lua has made its first update", function()
    assert.equal("", printed "spec/support/late_modules.lua game")
  end)
end)

describe("a script", function()
  local file
  setup(function() file = os.tmpname() end)
  teardown(function() os.remove(file) end)

  -- The modules that are new after some code.
  local function loaded_by(code)
    local output = assert(io.open(file, "w"))
    output:write(([[
      local timekit = require "timekit"
      local known = {}
      for name in pairs(package.loaded) do known[name] = true end
      local tk = timekit.new { app_key = "key", base_url = "http://127.0.0.1:1", retries = 0 }
      %s
      for name in pairs(package.loaded) do if not known[name] then print(name) end end]]):format(code))
    output:close()
    local names = {}
    for name in printed(file):gmatch("[^\n]+") do names[name] = true end
    return names
  end

  it("loads a client with it, and no more than that", function()
    local names = loaded_by "assert(not tk:booking('id'):confirm())"
    assert.is_true(names["timekit.client"] and names["timekit.http.request"])
    for _, name in ipairs { "timekit.call.rate", "timekit.call.hooks", "timekit.methods.lists" } do
      assert.is_nil(names[name], name)
    end
  end)

  -- Where no file can be read any more, what became of an action is still told.
  it("has everything that tells what became of a request before the request is sent", function()
    local made, sent = loaded_by "", loaded_by "assert(not tk:booking('id'):confirm())"
    assert.same(made, sent)
  end)

  it("loads everything by its first call, or by asking for the descriptor", function()
    for _, code in ipairs {
      "tk:start(function() end)", "tk:booking('id'):start('confirm')", "tk:fd()", "tk:timeout()", "tk:update()",
    } do
      local names = loaded_by(code)
      assert.is_true(names["timekit.webhook"] and names["timekit.methods.lists"], code)
    end
  end)
end)
