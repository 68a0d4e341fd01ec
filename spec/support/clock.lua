--- Time that goes on only when a spec says so, or when the client sleeps: minutes of waiting take no time.
-- It stands in for the clocks of a script's clients and of calls that do not wait.
local blocking = require "timekit.runtime.blocking"
local core = require "timekit.core"

local Clock = {}
Clock.__index = Clock

local clock = {}

--- Stops the time of all clients until `remove` is called.
-- @treturn table with `time` (seconds), `slept` (what the client slept, in order)
function clock.install()
  local self = setmetatable({ time = 1000, slept = {}, now = core.now, sleep = blocking.sleep }, Clock)
  local function now() return self.time end
  blocking.now, core.now = now, now
  blocking.sleep = function(seconds)
    assert(seconds >= 0, "slept backwards")
    table.insert(self.slept, seconds)
    self.time = self.time + seconds
  end
  return self
end

--- Some seconds pass.
function Clock:advance(seconds)
  self.time = self.time + seconds
end

function Clock:remove()
  blocking.now, core.now, blocking.sleep = self.now, self.now, self.sleep
end

return clock
