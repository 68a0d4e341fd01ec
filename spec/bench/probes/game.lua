--- A program: a game that calls `tk:update()` in each frame while its resolver hangs (spec/c/slow_dns.c, preloaded),
-- with calls in flight that end at their deadlines, are begun anew, and are cancelled now and then.
-- `lua game.lua FRAMES CALLS [redis]` prints how many calls ended and were cancelled, and in milliseconds: of the
-- updates the median, 99 %, 99.9 % and the worst, and the start of all calls. The resolver hangs for as long as
-- standard input lasts. `redis`: the calls share a rate, whose Redis has a name that hangs as well.
local core = require "timekit.core"
local timekit = require "timekit"

local FRAMES, CALLS = tonumber(arg[1]), tonumber(arg[2])
-- Seconds.
local FRAME = 0.002

local RATE = { redis = "rediss://redis.example.test", per_second = 9, burst = 10 }

local tk = timekit.new {
  app_key = "k_bench", base_url = "https://slow.example.test/v2", connect_timeout = 1,
  rate = arg[3] == "redis" and RATE or nil,
}
-- As on a game's loading screen: the first update loads what is not loaded yet.
tk:update()
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
print(("game %d %d %.4f %.4f %.4f %.4f %.4f"):format(
  ended, cancelled, at(0.5), at(0.99), at(0.999), at(1), starts * 1000))
io.flush()
-- The threads of the resolver would keep the process alive.
os.exit(0)
