-- The example for Neovim runs in a real Neovim, whose loop goes on while it confirms.
local daemon = require "spec.support.daemon"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"

if not daemon.is_here("nvim", "luajit") then
  pending "Neovim, or the module for LuaJIT, is not here: see `make test-hosts`"
  return
end

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

-- Counts how often the loop goes round until the command tells its result.
local WATCHED = [[
local rounds, told = 0, nil
local timer = vim.loop.new_timer()
timer:start(1, 1, function() rounds = rounds + 1 end)
vim.notify = function(text) told = text end
vim.cmd("TimekitConfirm " .. os.getenv "BOOKING")
vim.wait(20000, function() return told end, 1)
timer:close()
io.stdout:write(tostring(told), " ", rounds, "\n")
]]

it("Neovim edits on while it confirms", function()
  local ids, folder = loop_host.create(1), daemon.folder()
  daemon.write(folder .. "/watched.lua", WATCHED)
  loop_host.plan({ match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" },
    { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.5, when = "after" })
  local output = shell.must(([[
    eval "$(env -u LUA_PATH -u LUA_CPATH make -s env LUA=luajit)"
    export HOME=%s BOOKING=%s TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s
    timeout 60 nvim --headless -u NONE -c 'luafile spec/examples/neovim/confirm.lua' \
      -c 'luafile %s/watched.lua' -c 'qall!']]):format(folder, ids[1], loop_host.KEY, loop_host.url(), folder))
  shell.must("rm -r " .. folder)
  local rounds = output:match("^confirmed (%d+)\n$")
  assert.truthy(rounds, output)
  assert.is_true(tonumber(rounds) > 5, output)
  loop_host.assert_confirmed_once(ids)
end)
