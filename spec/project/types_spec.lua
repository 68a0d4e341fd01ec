-- `timekit types --luarc` leads lua-language-server to the types, and these parse. What they say, make lint checks.
local core = require "timekit.core"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local function timekit(arguments)
  return shell.must(("%s lua/timekit/cli/program %s"):format(this_lua.command, arguments))
end

describe("timekit types", function()
  it("prints a .luarc.json that names the folder of the types", function()
    local luarc = assert(core.decode(timekit "types --luarc"))
    local folder = luarc["workspace.library"][1]
    assert.equal(jit and "LuaJIT" or _VERSION, luarc["runtime.version"])
    local file = assert(io.open(folder .. "/timekit.lua"))
    assert.equal("---@meta timekit", file:read("*l"))
    file:close()
    assert.equal(folder .. "\n", timekit "types")
  end)

  it("leads to files that every Lua parses, one for each module that users require", function()
    local folder = timekit("types"):gsub("\n", "")
    for _, name in ipairs { "", "/graphs", "/webhook", "/sandbox", "/sandbox/server" } do
      assert(loadfile(folder .. "/timekit" .. name .. ".lua"))
    end
  end)
end)
