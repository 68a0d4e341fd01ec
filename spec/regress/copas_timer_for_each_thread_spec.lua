-- A user saw: "too many open files" in a program of copas 1 whose threads asked a Redis: each took a timer to wait.
local daemon = require "spec.support.daemon"
local shell = require "spec.support.shell"

local THREADS = 20

-- Waits as what asks a Redis does. Prints whether the threads took descriptors, then how all waits ended. The pipe that
-- counts descriptors may count with both of its own or with one.
local PROGRAM = ([[
  local copas = require "copas"
  local core = require "timekit.core"
  local timekit = require "timekit"
  local runtime = require "timekit.runtime.copas"
  local deadline = core.now() + 20
  local tk = timekit.new { runtime = "copas", base_url = "http://127.0.0.1:1" }
  local pump = tk.runner.pump
  local function descriptors()
    local pipe = io.popen "ls /proc/$PPID/fd | wc -l"
    local count = pipe:read "*n"
    pipe:close()
    return count
  end
  local ends = {}
  local function wait(seconds)
    local turn = { is_over = false }
    function turn.done() return turn.is_over end
    copas.addthread(function()
      local began = core.now()
      runtime.wait(pump, turn, seconds)
      ends[#ends + 1] = turn.is_over and "woken" or core.now() >= began + seconds and "over" or "early"
    end)
    return turn
  end
  local function await(count)
    while #ends < count and core.now() < deadline do copas.step(20) end
  end
  local turns = { wait(60) }
  local before = descriptors()
  for index = 2, THREADS do turns[index] = wait(60) end
  local more = descriptors() - before
  print(more <= 1 and "one timer" or more .. " more descriptors")
  -- The timer is set to an earlier time, and to another one once that is over.
  wait(0.05)
  await(1)
  wait(0.05)
  await(2)
  for _, turn in ipairs(turns) do
    turn.is_over = true
    pump:wake(turn)
  end
  await(2 + THREADS)
  -- Nobody waits any more. Now somebody does again.
  copas.step(0)
  wait(0.05)
  await(3 + THREADS)
  print(table.concat(ends, " "))
]]):gsub("THREADS", THREADS)

describe("threads of copas 1", function()
  it("wait with one timer, whose time is that of the first of them", function()
    local needed = "lua5.1 -e 'require \"copas\"' && test -d /proc/self/fd"
    if not (daemon.is_here("lua5.1", "lua5.1") and shell.run(needed)) then
      return pending "copas, or the module for Lua 5.1, is not here: see `make test-hosts`"
    end
    local output = shell.must(([[
      eval "$(env -u LUA_PATH -u LUA_CPATH make -s env LUA=lua5.1)"
      TIMEKIT_APP_KEY=x timeout 60 lua5.1 - <<'END'
%s
END]]):format(PROGRAM))
    assert.equal("one timer\nover over" .. (" woken"):rep(THREADS) .. " over\n", output)
  end)
end)
