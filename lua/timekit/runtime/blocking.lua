--- How to wait in a script: the program stands still until the answer is there.
-- @module timekit.runtime.blocking
-- @see timekit.runtime.reference

local core = require "timekit.core"

local blocking = {}

-- Seconds. Any value will do: a wait of the pump returns as soon as something happens.
local LONGEST_WAIT = 60

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
blocking.now = core.now

--- Does nothing for some time.
-- @function sleep
-- @tparam number seconds
function blocking.sleep(seconds)
  local deadline = core.now() + seconds
  -- A signal ends the core's sleep early, so that the program's own handlers run in between.
  while core.now() < deadline do core.sleep(math.max(0, deadline - core.now())) end
end

--- Returns when a transfer is done. The transfer's own timeout is what ends a long wait.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer one that the pump started
-- @tparam ?number seconds return after them, done or not
function blocking.wait(pump, transfer, seconds)
  local deadline = seconds and core.now() + seconds
  while not transfer:done() do
    local left = deadline and deadline - core.now() or LONGEST_WAIT
    if left <= 0 then return end
    pump:wait(math.min(left, LONGEST_WAIT))
  end
end

return blocking
