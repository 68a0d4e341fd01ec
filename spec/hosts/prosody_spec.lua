-- The example for Prosody runs in a real Prosody, which answers others while it confirms.
local daemon = require "spec.support.daemon"
local lfs = require "lfs"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"
local socket = require "socket"

local create, plan = loop_host.create, loop_host.plan

if not daemon.is_here("prosody", "lua5.4") then
  pending "Prosody, or the module for its Lua 5.4, is not here: see `make test-hosts`"
  return
end

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

local CONFIGURATION = [[
run_as_root = true
plugin_paths = { "%s/spec/examples/prosody", "%s" }
modules_enabled = { "http", "timekit_confirm", "fast" }
data_path, certificates = "%s", "%s"
interfaces, local_interfaces = { "127.0.0.1" }, { "127.0.0.1" }
c2s_ports, s2s_ports, c2s_direct_tls_ports, s2s_direct_tls_ports, https_ports = {}, {}, {}, {}, {}
http_ports = { %s }
log = { info = "*console" }
VirtualHost "localhost"
]]

local FAST = [[
module:depends "http"
module:provides("http", { route = { GET = function() return "fast" end } })
]]

describe("Prosody", function()
  local prosody

  setup(function()
    local folder, here, port = daemon.folder(), lfs.currentdir(), daemon.free_port()
    daemon.write(folder .. "/prosody.cfg.lua", CONFIGURATION:format(here, folder, folder, folder, port))
    daemon.write(folder .. "/mod_fast.lua", FAST)
    local paths = ("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/build/lua5.4/?.so;;'"):format(
      here, here, here)
    prosody = daemon.start(folder, "prosody -F --config prosody.cfg.lua", port,
      ("%s TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s"):format(paths, loop_host.KEY, loop_host.url()))
  end)
  teardown(function() prosody:close() end)

  -- Whether others are answered before any of the calls, the server of which stalls for that long.
  local function others_come_first(seconds)
    local ids, waiting = create(3), {}
    local stall = { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = seconds, when = "after" }
    plan({ match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" }, stall, stall, stall)
    for index, id in ipairs(ids) do waiting[index] = prosody:ask("/timekit_confirm/" .. id) end
    for _ = 1, 5 do assert.equal("fast", (prosody:get "/fast")) end
    local first = #socket.select(waiting, nil, 0) == 0
    for _, connection in ipairs(waiting) do assert.equal("confirmed", (daemon.answer(connection))) end
    loop_host.assert_confirmed_once(ids)
    return first
  end

  it("answers others while it confirms", function()
    -- A busy machine may need longer for the others than the server stalls. Were they to wait, they would always.
    local seconds = 0.5
    while not others_come_first(seconds) do
      assert.is_true(seconds < 8, "the others waited")
      seconds = seconds * 2
      loop_host.reset()
    end
    assert.is_nil(prosody:log():find("error", 1, true), prosody:log())
  end)

  it("ends", function()
    shell.must("kill " .. prosody.pid)
    local patience = socket.gettime() + 20
    repeat socket.sleep(0.01) until prosody:log():find("Shutdown complete", 1, true) or socket.gettime() > patience
    assert.truthy(prosody:log():find("Shutdown complete", 1, true), prosody:log())
    assert.is_nil(prosody:log():find("traceback", 1, true), prosody:log())
  end)
end)
