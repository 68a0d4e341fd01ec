--- What a game's frame pays for `tk:update()`: a resolver that hangs (spec/c/slow_dns.c, preloaded), 200 calls in
-- flight that end at their deadlines, are begun anew, and are cancelled now and then. `make bench-frames` runs it.
--
-- From the environment: `FRAMES` (default 5000), `CALLS` (200). A frame is 2 milliseconds here. The game is a program
-- of its own, since the resolver hangs for as long as its standard input lasts.
local core = require "timekit.core"
local process = require "spec.support.process"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local FRAMES = tonumber(os.getenv("FRAMES") or "") or 5000
local CALLS = tonumber(os.getenv("CALLS") or "") or 200
local FRAME = 0.002

if arg[1] ~= "game" then
  local game = process.start(("env LD_PRELOAD=./build/c/slow_dns.so %s spec/bench/frames.lua game"):format(
    this_lua.command))
  for line in function() return game:read() end do
    if line ~= "resolving" then print(line) end
  end
  game:close()
  return
end

local tk = timekit.new { app_key = "k_bench", base_url = "https://slow.example.test/v2", connect_timeout = 1 }
local ended, cancelled = 0, 0
local calls = {}

local function begin(index)
  calls[index] = tk:booking("b" .. index):start("confirm", nil, { timeout = 0.5 + index % 20 / 10 })
end

local before_starts = core.now()
for index = 1, CALLS do begin(index) end
local starts = core.now() - before_starts

local times = {}
for frame = 1, FRAMES do
  local began = core.now()
  tk:update()
  if frame % 50 == 0 then
    calls[frame / 50 % CALLS + 1]:cancel()
    cancelled = cancelled + 1
  end
  times[frame] = core.now() - began
  for index = 1, CALLS do
    if calls[index]:done() then
      ended = ended + 1
      begin(index)
    end
  end
  core.sleep(math.max(0, FRAME - (core.now() - began)))
end

table.sort(times)
local function at(share) return times[math.max(1, math.ceil(share * #times))] * 1000 end
print(("%d frames, %d calls in flight; %d ended, %d of them cancelled"):format(FRAMES, CALLS, ended, cancelled))
print(("a frame's update: median %.4f ms, 99 %%: %.4f, 99.9 %%: %.4f, worst %.4f; all starts: %.3f ms"):format(
  at(0.5), at(0.99), at(0.999), at(1), starts * 1000))
io.flush()
-- The threads that resolve would keep it.
os.exit(0)
