-- The garbage collector at its most eager, in the middle of whatever the library does: spec/support/collected.lua.
local lfs = require "lfs"
local this_lua = require "spec.support.this_lua"

-- A program that hangs is killed after so many seconds.
local PATIENCE = 120

-- The sanitizers, where this Lua has them, are to watch.
local LUA = assert(lfs.symlinkattributes("/proc/self/exe", "target"))

describe("the library lives with a collector that works", function()
  local ways = { { "eager", "without a pause" }, { "always", "all the time" } }
  if this_lua.closes then
    ways[3] = { "steps", "at every allocation" }
    ways[4] = { "generations", "by generations" }
  end

  for _, way in ipairs(ways) do
    it(way[2], function()
      local command = "timeout -s KILL %d %s spec/support/collected.lua %s 2>&1; echo exit $?"
      local pipe = assert(io.popen(command:format(PATIENCE, LUA, way[1])))
      local output = pipe:read("*a")
      pipe:close()
      assert.equal("exit 0\n", output)
    end)
  end
end)
