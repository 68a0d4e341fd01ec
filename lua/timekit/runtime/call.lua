--- A call: a function that `Client:start` runs in a coroutine, so that it does not keep its host waiting.
-- This is what users hold; `timekit.runtime.tasks` continues it.
-- @module timekit.runtime.call

local unpack = table.unpack or unpack -- luacheck: globals unpack table.unpack

local calls = {}

--- A call.
-- @type Call

-- What a call begins with, beside what the functions set that make one. These fields become its own when they change,
-- so that a call is small.
local Call = {
  returns_errors = false, -- a raised error of `timekit.error` becomes its result
  queued = false, -- it is in the queue of its tasks
  count = false, -- of its results, once it is over
  at = nil, slot = nil, -- when it is to go on, and its place in the heap of timers
  cancelled = false, -- by `cancel`
  failed = false, problem = nil, -- whether its function raised, and what
}

local metatable = { __index = Call, __name = "timekit.call" }

--- Is the call over?
-- @treturn boolean
-- @usage if call:done() then print(call:result()) end
function Call:done()
  return self.count ~= false
end

--- What the function returned: `booking, info` or `nil, err` for an action. Nothing while the call is not over.
-- Raises the error that the function raised; one of `timekit.error` is a result instead: `nil, err`.
-- @treturn any ...
-- @usage
-- local booking, info = call:result()
-- if booking then print(booking.state) elseif info then print(info) end
function Call:result()
  if self.failed then error(self.problem, 0) end
  if self.count then return unpack(self, 1, self.count) end
end

--- Cancels the call. What it waits for ends at once with an error of the kind `cancelled`, whose `sent` tells the
-- truth, and so does every later request of the same call. Its function goes on with that error and ends as it likes;
-- usually the call is over when this returns. Silent when the call is over already.
-- @usage
-- call:cancel()
-- local _, err = call:result()
-- if err and err.sent ~= "no" then print("the action may have been applied all the same") end
function Call:cancel()
  if self.count or self.cancelled then return end
  self.cancelled = true
  if self.transfer then self.transfer:cancel() end
  self.tasks:interrupt(self)
end

--- Has a function called once with what the call's function returned, when the call is over: inside `Client:update`, or
-- at once if it is over already. The function runs as a call of its own, so the client can be used in it without
-- keeping the host waiting. An error in it reaches the caller of `update` (or of `on_done`) and stops no other call.
-- It is not called when the call's function raised: that error reaches the caller of `update` instead.
-- @tparam function fn
-- @treturn Call the call, so that `local call = tk:start(…):on_done(…)` is possible
-- @usage
-- tk:booking(id):start("confirm"):on_done(function(booking, info)
--   print(booking and booking.state or info)
-- end)
function Call:on_done(fn)
  if type(fn) ~= "function" then error("call:on_done: expected a function, got " .. type(fn), 2) end
  if not self.count then
    local others = self.watchers
    if type(others) == "table" then others[#others + 1] = fn else self.watchers = others and { others, fn } or fn end
  elseif not self.failed then
    self.tasks:notify(fn, self)
  end
  return self
end

-- Internal: leaves the rest of the call, which is running, to a later update.
function Call:pass()
  self.tasks:pass(self)
end

-- Internal: what the call waits for is done.
function Call:wake()
  self.transfer = nil
  self.tasks:wake(self)
end

function metatable:__tostring()
  return ("timekit.call (%s)"):format(self.count and "done" or "in flight")
end

--- Makes a call.
-- @local
-- @tparam Tasks tasks what continues it
-- @tparam thread thread the coroutine of its function
-- @treturn Call
function calls.new(tasks, thread)
  return setmetatable({
    nil, nil, count = false, -- what its function returned: [1] to [count]; false until it is over
    tasks = tasks, thread = thread,
    queued = false,
    transfer = nil, -- what it waits for
    watchers = nil, -- the function set by `on_done`, or a list of several
  }, metatable)
end

--- Makes a call that runs no code of the user's, and has no coroutine therefore. See `Tasks:carry_out`.
-- @local
-- @tparam Tasks tasks
-- @tparam Machine machine what it does step by step: as of `timekit.call.retry`
-- @tparam function learn function(subject, data, info, machine): gets what came of that, returns the results
-- @param subject
-- @treturn Call
function calls.of_steps(tasks, machine, learn, subject)
  return setmetatable({
    nil, nil, count = false,
    tasks = tasks, machine = machine, learn = learn, subject = subject,
    queued = false, transfer = nil, watchers = nil,
  }, metatable)
end

--- Makes a call that nobody holds. Most are over before they wait for anything, so it has room for no more.
-- @local
-- @tparam Tasks tasks
-- @tparam thread thread
-- @treturn Call
function calls.unheld(tasks, thread)
  return setmetatable({ tasks = tasks, thread = thread }, metatable)
end

return calls
