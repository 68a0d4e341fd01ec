-- The example for LÖVE runs in a real LÖVE, whose frames go on while it books.
local daemon = require "spec.support.daemon"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"

if not (daemon.is_here("love", "luajit") and daemon.is_here("xvfb-run", "luajit")) then
  pending "LÖVE, Xvfb, or the module for LuaJIT is not here: see `make test-hosts`"
  return
end

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

-- Counts the frames that show the first text, tells that and the next text, and ends.
local WATCHED = [[
require "example"
local draw, frames, first, shown = love.draw, 0, nil, nil
love.graphics.print = function(text) shown = text end
function love.draw()
  draw()
  first = first or shown
  if shown == first then
    frames = frames + 1
  else
    io.write(first, " ", shown, " ", frames, "\n")
    love.event.quit()
  end
end
]]

it("LÖVE draws on while it books", function()
  local folder = daemon.folder()
  shell.must(("cp spec/examples/love/main.lua %s/example.lua"):format(folder))
  daemon.write(folder .. "/main.lua", WATCHED)
  daemon.write(folder .. "/conf.lua", "function love.conf(t) t.modules.audio, t.modules.sound = false, false end\n")
  loop_host.plan({ match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" },
    { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 2, when = "after" })
  local output = shell.must(([[
    eval "$(env -u LUA_PATH -u LUA_CPATH make -s env LUA=luajit)"
    export HOME=%s TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s
    timeout 60 xvfb-run -a love %s 2>%s/log || { cat %s/log; false; }]]):format(
    folder, loop_host.KEY, loop_host.url(), folder, folder, folder))
  shell.must("rm -r " .. folder)
  local frames = output:match("^booking %.%.%. confirmed (%d+)\n$")
  assert.truthy(frames, output)
  assert.is_true(tonumber(frames) > 5, output)
end)
