-- A user saw: once `sandbox.server.serve` had returned, neither Ctrl-C nor SIGTERM ended the program.
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local PROGRAM = [[
require("timekit.sandbox.server").serve { on_ready = function(_, stop) stop() end }
print "served"
io.flush()
io.read()
print "deaf"
]]

describe("a program that has served a sandbox", function()
  it("ends when it is asked to", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(PROGRAM)
    file:close()
    local program = process.start(("sh -c 'echo $$; exec %s %s'"):format(this_lua.command, path))
    assert.equal("served", program:read())
    shell.must("kill -TERM " .. program.line)
    program.input:close()
    assert.is_nil(program:read())
    program.output:close()
    os.remove(path)
  end)
end)
