--- A call whose request is on its way while its caller does something else, and waits for the answer later.
--
-- It runs in a coroutine of its own up to where it has to wait; the waiting is done by whoever wants its result, as
-- their runtime has it, so it works wherever a call does. Nothing but the caller holds it: with one that is dropped its
-- transfer ends.
-- @module timekit.call.prefetch

local Error = require "timekit.error"
local core = require "timekit.core"
local sending = require "timekit.call.run"

local prefetch = {}

-- Yielded to us; whatever else is yielded, by a hook, is the caller's to hear.
local WAITS = {}

-- Of a call's time, what must be left for asking again.
local WORTHWHILE = 0.5

--- @type Ahead
local Ahead = {}
Ahead.__index = Ahead

-- The call's clock stands while nobody waits for it: what the caller does meanwhile is not on its time.
local function now(self)
  return (self.left_at or core.now()) - self.alone
end

local function runtime_of(self)
  local runtime = {}
  function runtime.now() return now(self) end
  function runtime.wait(_, transfer)
    if not transfer:done() then coroutine.yield(WAITS, transfer) end
  end
  function runtime.sleep(seconds) return coroutine.yield(WAITS, nil, core.now() + seconds) end
  return runtime
end

-- All calls of a client share its limiter, and so must their clocks.
local function on_real_time(limiter)
  return limiter and {
    take = function() return limiter:take(core.now()) end,
    give_back = function() limiter:give_back() end,
    learn = function(_, _, ...) limiter:learn(core.now(), ...) end,
  }
end

local function settle(self, well, first, second, ...)
  if coroutine.status(self.thread) == "dead" then
    self.over, self.well, self.result, self.info = true, well, first, second
  elseif first == WAITS then
    self.transfer, self.due = second, ...
  else
    return settle(self, coroutine.resume(self.thread, coroutine.yield(first, second, ...)))
  end
end

local function continue(self, ...)
  settle(self, coroutine.resume(self.thread, ...))
end

-- Returns whether a pause was cut short.
local function wait(self, runtime)
  if self.transfer then return runtime.wait(self.pump, self.transfer) end
  return runtime.sleep(math.max(0, self.due - core.now()), self.pump)
end

--- Starts a call.
-- @tparam table inner what a client has inside
-- @tparam table call as for `timekit.call.retry`
-- @treturn Ahead
function prefetch.start(inner, call)
  local self = setmetatable({
    pump = inner.pump, began = core.now(), alone = 0, timeout = call.timeout or inner.timeout,
    over = false,
  }, Ahead)
  local limiter = on_real_time(inner.limiter)
  local within = setmetatable({
    runtime = runtime_of(self), limiter = limiter,
    policy = setmetatable({ limiter = limiter }, { __index = inner.policy }),
  }, { __index = inner })
  -- The runtime of whoever asks, and the fields of an error where that one cannot wait.
  function self.here()
    local runtime, of = sending.here(inner)
    return runtime, sending.obstacle(call, runtime, of)
  end
  function self.again(spent)
    call.spent = spent
    return sending.run(inner, call)
  end
  self.thread = coroutine.create(function() return sending.run(within, call) end)
  continue(self)
  self.left_at = core.now()
  return self
end

--- Waits for what came of the call.
-- A large answer is read on only while somebody waits, so that a transfer's time can be over though nobody has waited
-- long: then it is asked for again, in what is left of the call's time.
-- @return what a call returns
function Ahead:finish()
  local runtime, hindered = self.here()
  if hindered then
    self:cancel()
    return nil, Error.new(hindered)
  end
  self.alone, self.left_at = core.now() - self.left_at, nil
  while not self.over do continue(self, wait(self, runtime)) end
  if not self.well then error(self.result, 0) end
  local err, spent = self.info, now(self) - self.began
  if self.result or err.kind ~= "timeout" or spent > self.timeout * WORTHWHILE then return self.result, err end
  local result, info = self.again(spent)
  info.attempts = info.attempts + err.attempts
  return result, info
end

--- Ends the call, whose result nobody wants any more.
function Ahead:cancel()
  while not self.over do
    if self.transfer then self.transfer:cancel() end
    continue(self, true)
  end
end

return prefetch
