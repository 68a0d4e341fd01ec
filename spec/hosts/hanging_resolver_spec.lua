-- A name lookup that never ends, as a game that draws frames meets it.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

describe("a resolver that hangs", function()
  it("keeps no frame waiting: not its update, nor what is cancelled, begun anew or at its deadline", function()
    -- The resolver hangs for good, so a frame that waited for it would never end.
    local command = ("FRAMES=600 CALLS=50 timeout -s KILL 60 %s spec/bench/frames.lua"):format(this_lua.command)
    local told = shell.must(command)
    local ended, cancelled = told:match("^600 frames, 50 calls in flight; (%d+) ended, (%d+) of them cancelled\n")
    assert.equal("12", cancelled)
    assert.is_true(tonumber(ended) > 12)
  end)
end)
