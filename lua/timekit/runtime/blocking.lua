--- How to wait where waiting is all right: in a script. The host stands still until the answer is there.
-- @module timekit.runtime.blocking
-- @see timekit.runtime.reference

local core = require "timekit.core"

local blocking = {}

-- Nothing depends on it: a connection's wait returns as soon as something happens.
local LONGEST_WAIT = 60

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
blocking.now = core.now

--- Does nothing for some time.
-- @function sleep
-- @tparam number seconds
function blocking.sleep(seconds)
  local until_ = core.now() + seconds
  -- A signal ends the core's sleep early; Lua's own handlers run in between.
  while core.now() < until_ do core.sleep(math.max(0, until_ - core.now())) end
end

--- Returns when a transfer is done. The transfer's own timeout is what ends a long wait.
-- @tparam table connection as in the transport contract
-- @tparam table transfer one of that connection's
-- @tparam ?number seconds return after them, done or not
function blocking.wait(connection, transfer, seconds)
  local until_ = seconds and core.now() + seconds
  while not transfer:done() do
    local left = until_ and until_ - core.now() or LONGEST_WAIT
    if left <= 0 then return end
    connection:wait(math.min(left, LONGEST_WAIT))
  end
end

return blocking
