--- `timekit types [--luarc]`: where the types for editors are.
-- @module timekit.cli.commands.types

local core = require "timekit.core"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"

local types = {
  examples = { "timekit types", "timekit types --luarc > .luarc.json" },
}

function types.define(command)
  command:description("Prints the folder of the types for lua-language-server, which knows all methods by them.")
  command:flag("--luarc", "print a .luarc.json that names the folder")
end

-- The first file of `package.path` that is there. Lua 5.1 has no `package.searchpath`.
local function folder()
  for template in package.path:gmatch("[^;]+") do
    local path = template:gsub("%?", (("timekit.library.timekit"):gsub("%.", package.config:sub(1, 1))))
    local file = io.open(path)
    if file then
      file:close()
      return (path:gsub("[/\\]timekit%.lua$", ""))
    end
  end
  failure.raise("failed", "the types are not installed: package.path leads to no timekit/library/timekit.lua")
end

local LUARC = [[
{
  "runtime.version": %s,
  "workspace.library": [%s]
}]]

function types.run(context, args)
  local found = folder()
  if args.luarc then
    local version = rawget(_G, "jit") and "LuaJIT" or _VERSION
    context:out(LUARC:format(core.encode(version), core.encode(found)) .. "\n")
  else
    context:out(found .. "\n")
  end
  return exits.DONE
end

return types
