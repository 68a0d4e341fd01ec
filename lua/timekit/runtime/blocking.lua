--- How to wait where waiting is all right: in a script. The host stands still until the answer is there.
--
-- A runtime says what waiting means, so that code that does I/O is written once. It is a table of two functions, `now`
-- and `wait`, as they are here.
-- @module timekit.runtime.blocking

local core = require "timekit.core"

local blocking = {}

-- Nothing depends on it: a connection's wait returns as soon as something happens.
local LONGEST_WAIT = 60

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
blocking.now = core.now

--- Returns when a transfer is done. The transfer's own timeout is what ends a long wait.
-- @tparam table connection as in the transport contract
-- @tparam table transfer one of that connection's
function blocking.wait(connection, transfer)
  while not transfer:done() do connection:wait(LONGEST_WAIT) end
end

return blocking
