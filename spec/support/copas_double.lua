--- What today's copas (4) offers for waiting: `pause`, `wakeup` and `addthread`, and `step`, which the specs call.
-- As there, `wakeup` does nothing to a thread that does not pause.
local core = require "timekit.core"

local copas = {}

-- thread → when it goes on
local pausing = {}

local function continue(thread)
  pausing[thread] = nil
  local ok, problem = coroutine.resume(thread)
  if not ok then error(debug.traceback(thread, problem), 0) end
end

function copas.addthread(fn) continue(coroutine.create(fn)) end

function copas.pause(seconds)
  pausing[coroutine.running()] = core.now() + math.max(seconds or 0, 0)
  coroutine.yield()
end

function copas.wakeup(thread)
  if pausing[thread] then pausing[thread] = 0 end
end

--- Runs what is due; returns after some seconds at the latest.
function copas.step(seconds)
  local first = core.now() + seconds
  for _, at in pairs(pausing) do first = math.min(first, at) end
  core.sleep(math.max(0, first - core.now()))
  local due, now = {}, core.now()
  for thread, at in pairs(pausing) do
    if at <= now then due[#due + 1] = thread end
  end
  for _, thread in ipairs(due) do continue(thread) end
end

return copas
