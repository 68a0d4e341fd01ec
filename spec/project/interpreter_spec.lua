-- The suite runs on the Lua that was asked for. Debian's busted takes any Lua unless it is told, and the module may
-- have been built for another one.
local process = require "spec.support.process"
local this_lua = require "spec.support.this_lua"

-- Set by make; .busted names the default.
local ASKED = os.getenv("EXPECTED_LUA") or "lua5.4"

describe("the suite", function()
  it("runs on the Lua that was asked for", function()
    assert.equal(ASKED, this_lua.name)
  end)

  it("starts its programs on the same", function()
    local program = process.start(this_lua.command .. " -e 'print(_VERSION, jit and jit.version)'")
    assert.equal(_VERSION .. "\t" .. tostring(jit and jit.version), program.line)
    program:close()
  end)

  it("tests the core that was built for it", function()
    require "timekit.core"
    local map = assert(io.open("/proc/self/maps"))
    local loaded = map:read("*a"):match("/build/([^/\n]+)/timekit/core%.so")
    map:close()
    -- With sanitizers: lua5.4-asan.
    assert.equal(ASKED, (loaded or "none"):match("^[^-]+"))
  end)
end)
