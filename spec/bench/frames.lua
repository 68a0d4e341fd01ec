--- What a game's frame pays for `tk:update()`: a resolver that hangs (spec/c/slow_dns.c, preloaded), 200 calls in
-- flight that end at their deadlines, are begun anew, and are cancelled now and then. `make bench-frames` runs it.
--
-- From the environment: `FRAMES` (default 10000), `CALLS` (200). A frame is 2 milliseconds here.
local core = require "timekit.core"
local timekit = require "timekit"

local FRAMES = tonumber(os.getenv("FRAMES") or "") or 10000
local CALLS = tonumber(os.getenv("CALLS") or "") or 200
local FRAME = 0.002

local tk = timekit.new { app_key = "k_bench", base_url = "https://slow.example.test/v2", connect_timeout = 1 }
local counts = { ended = 0, cancelled = 0 }
local calls = {}

local function begin(index)
  calls[index] = tk:booking("b" .. index):start("confirm", nil, { timeout = 0.5 + index % 20 / 10 })
end

local began = core.now()
for index = 1, CALLS do begin(index) end
local starting = core.now() - began

local times = {}
for frame = 1, FRAMES do
  local before = core.now()
  tk:update()
  local spent = core.now() - before
  times[frame] = spent
  for index = 1, CALLS do
    if calls[index]:done() then
      counts.ended = counts.ended + 1
      begin(index)
    end
  end
  if frame % 50 == 0 then
    local victim = frame / 50 % CALLS + 1
    local cancelling = core.now()
    calls[victim]:cancel()
    times[frame] = math.max(times[frame], core.now() - cancelling)
    counts.cancelled = counts.cancelled + 1
  end
  core.sleep(math.max(0, FRAME - (core.now() - before)))
end

table.sort(times)
local function at(share) return times[math.max(1, math.ceil(share * #times))] * 1000 end
io.stderr:write(("%d frames, %d calls in flight, %d ended, %d cancelled\n"):format(FRAMES, CALLS, counts.ended,
  counts.cancelled))
io.stderr:write(("update or cancel: median %.4f ms, 99%% %.4f ms, 99.9%% %.4f ms, worst %.4f ms; all starts %.3f ms\n")
  :format(at(0.5), at(0.99), at(0.999), at(1), starting * 1000))
os.exit(0)
