-- A thread of copas that acts waits alone: in the real copas 1 that Debian 12 and 13 have for Lua 5.1, in the real
-- copas 4 of later ones, and everywhere in a double of what that one offers for waiting (`pause`, `wakeup`,
-- `addthread`).
local daemon = require "spec.support.daemon"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local create, plan, assert_confirmed_once = loop_host.create, loop_host.plan, loop_host.assert_confirmed_once

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

local SHAKY = {
  { match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" },
  { match = "PUT /v2/bookings/*/confirm", what = "close", when = "after" },
}

-- Everybody waits at once, nobody keeps the others, and a closed client wakes its waiter.
local EXPECTED = [[
batch 1
booking confirmed
booking confirmed
booking confirmed
closed cancelled
inside confirmed
late timeout
sleeper slept
]]

local function run(lua, before)
  local ids, silent = create(4), loop_host.silent_server()
  plan(SHAKY[1], SHAKY[2])
  -- The paths of another Lua's modules would be found first.
  local output = shell.must(([[
    eval "$(env -u LUA_PATH -u LUA_CPATH make -s env LUA=%s)"
    TIMEKIT_APP_KEY=%s timeout 60 %s -e '%s' spec/support/copas_host.lua %s %s %s]]):format(
    lua, loop_host.KEY, lua, before or "", loop_host.url(), silent.url, table.concat(ids, " ")))
  silent.close()
  assert.equal(EXPECTED, output)
  assert_confirmed_once(ids)
end

describe("a thread of copas", function()
  it("waits alone in copas 1", function()
    if not (daemon.is_here("lua5.1", "lua5.1") and shell.run "lua5.1 -e 'require \"copas\"'") then
      return pending "copas, or the module for Lua 5.1, is not here: see `make test-hosts`"
    end
    run "lua5.1"
  end)

  -- Where it is not there the double stands for it, so nothing is missing.
  local with_timers = [[require "spec.support.copas_timers"]]
  if shell.run(this_lua.name .. " -e '" .. with_timers .. "'") then
    it("waits alone in copas 4", function() run(this_lua.name, with_timers) end)
  end

  it("waits alone in copas 4, as far as a double tells", function()
    run(this_lua.name, [[package.loaded.copas = require "spec.support.copas_double"]])
  end)
end)
