--- The pump of a client: moves its transfers on, and wakes whoever waits for one of them.
-- Several callers share it, each waiting for its own transfer. It is what a runtime gets (see
-- `timekit.runtime.reference`), and stands before the connection of the transport contract.
-- @module timekit.runtime.pump

local core = require "timekit.core"

-- Seconds after which an alarm rings again. The connection rings it once, and any caller that steps the connection
-- silences it, perhaps before its owner has looked.
local REPEAT_ALARM = 0.005

--- A pump.
-- @type Pump
local Pump = {}
Pump.__index = Pump

local pumps = {
  --- Seconds between two looks for answers where no descriptor tells that one has come.
  LOOK = 0.001,
}

--- Makes the pump of a connection.
-- @tparam table connection as in the transport contract
-- @treturn Pump
function pumps.new(connection)
  return setmetatable({
    -- A closure hides the connection from whoever prints the pump: a user's own transport may keep the key in one.
    reach = function() return connection end,
    wakers = {}, -- transfer → the function that wakes whoever waits for it, or who that is
    closers = setmetatable({}, { __mode = "k" }), -- key → the function set by `on_close`
    due = nil, -- when the alarm rings, until it is acknowledged
    closed = false,
  }, Pump)
end

--- Starts a transfer, as the connection does.
-- @tparam table request
-- @treturn table the transfer
function Pump:start(request)
  return self.reach():start(request)
end

--- Has a connection to another server moved on with this one.
-- @tparam table guest as in the transport contract
-- @treturn function|nil returns the engine of this process; nil: the transport cannot do that
function Pump:attach(guest)
  local connection = self.reach()
  return connection.attach and connection:attach(guest)
end

--- Has a function called once, when a transfer that is not done yet is done: from within `step`, `wait` or `close`,
-- whoever calls these. It must not raise, yield, or take long.
-- @tparam table transfer
-- @tparam function|table wake a table has the method `wake`
function Pump:on_done(transfer, wake)
  self.wakers[transfer] = wake
end

--- Takes `on_done` back.
-- @tparam table transfer
function Pump:forget(transfer)
  self.wakers[transfer] = nil
end

--- Wakes the one who waits for a transfer, if anybody does.
-- @tparam table transfer
function Pump:wake(transfer)
  local wake = self.wakers[transfer]
  if wake then
    self.wakers[transfer] = nil
    if type(wake) == "function" then wake() else wake:wake() end
  end
end

local function wake_all(self, is_due)
  if not next(self.wakers) then return end
  local due = {}
  for transfer in pairs(self.wakers) do
    if is_due(transfer) then due[#due + 1] = transfer end
  end
  for _, transfer in ipairs(due) do self:wake(transfer) end
end

local function is_done(transfer)
  return transfer:done()
end

local function is_any()
  return true
end

local function wake_done(self)
  if not next(self.wakers) then return end
  local connection = self.reach()
  if not connection.finished then return wake_all(self, is_done) end
  for transfer in connection.finished, connection do self:wake(transfer) end
end

local function rearm(self)
  if not self.due then return end
  local now = core.now()
  if self.due <= now then self.reach():alarm(now + REPEAT_ALARM) end
end

--- Lets transfers go on without waiting, and wakes those who wait for one that is done. Does nothing once it is closed.
function Pump:step()
  if self.closed then return end
  self.reach():step()
  wake_done(self)
  rearm(self)
end

--- Lets transfers go on; returns when something happened, and after `seconds` at the latest.
-- @tparam number seconds
function Pump:wait(seconds)
  if self.closed then return end
  self.reach():wait(seconds)
  wake_done(self)
  rearm(self)
end

--- The descriptor that is readable when `step` has something to do.
-- @treturn integer|nil nil where the transport has none
function Pump:fd()
  return self.reach():fd()
end

--- Seconds until `step` has something to do by time alone. Without a descriptor only a look can tell that an answer has
-- come, so it is `LOOK` at the most while somebody waits for one.
-- @treturn number|nil
function Pump:timeout()
  local connection = self.reach()
  local seconds = connection:timeout()
  if self.closed or not next(self.wakers) or connection:fd() then return seconds end
  return math.min(seconds or pumps.LOOK, pumps.LOOK)
end

--- Makes the descriptor readable at a time, and a `wait` end. The alarm rings again and again until the next one is
-- set, or until it is acknowledged.
-- @tparam ?number when on the clock of `timekit.core.now`; nil: no alarm
function Pump:alarm(when)
  local connection = self.reach()
  if not connection.alarm then return end
  self.due = when
  connection:alarm(when)
end

--- Stops the alarm from ringing again: its owner is about to look.
function Pump:acknowledge_alarm()
  self.due = nil
end

--- Has a function called when the connection is about to be closed, for those who watch its descriptor or wait for
-- something else than a transfer. It must not raise, yield, or take long.
-- @tparam table key tells this function from the others; held weakly, so that a loop that is gone leaves nothing behind
-- @tparam ?function fn nil: takes it back
function Pump:on_close(key, fn)
  self.closers[key] = fn
end

--- Closes the connection and wakes everybody. Takes no memory when nobody waits.
function Pump:close()
  self.closed = true
  while true do
    local key, fn = next(self.closers)
    if key == nil then break end
    self.closers[key] = nil
    fn()
  end
  self.reach():close()
  wake_all(self, is_any)
end

return pumps
