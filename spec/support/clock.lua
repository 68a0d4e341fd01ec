--- Time that goes on only when a spec says so, or when the client sleeps: minutes of waiting take no time.
-- It stands in for the clock of the runtime that every client uses.
local blocking = require "timekit.runtime.blocking"

local Clock = {}
Clock.__index = Clock

local clock = {}

--- Stops the time of all clients until `remove` is called.
-- @treturn table with `time` (seconds), `slept` (what the client slept, in order)
function clock.install()
  local self = setmetatable({ time = 1000, slept = {}, now = blocking.now, sleep = blocking.sleep }, Clock)
  blocking.now = function() return self.time end
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
  blocking.now, blocking.sleep = self.now, self.sleep
end

return clock
