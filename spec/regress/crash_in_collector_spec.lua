-- A user saw: a crash when the collector ran while a transfer was being read or an engine was starting one.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- The collector may run wherever Lua takes memory, and finalizers with it.
it("a finalizer may release a transfer that is being read, or close an engine that is starting one", function()
  assert.equal("fine\n", shell.must(this_lua.command .. " spec/support/collecting.lua"))
end)
