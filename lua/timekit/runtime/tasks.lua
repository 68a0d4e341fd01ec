--- Calls that go on beside the host's own work: each is a coroutine that is continued when what it waits for is there.
-- `Client:start` makes them, `Client:update` continues them.
-- @module timekit.runtime.tasks

local Error = require "timekit.error"
local core = require "timekit.core"
local heap = require "timekit.runtime.heap"

local unpack = table.unpack or unpack -- luacheck: globals unpack table.unpack

local tasks = {}

-- What a coroutine yields to us; whatever else is the user's own yield, which waits for the next update.
local WAITS = {}

-- How long an update may go on continuing calls, in seconds, when its host must not wait. One call is continued in any
-- case, and the rest are left to the next update.
local SLICE = 0.00008

local function pack(...)
  return { n = select("#", ...), ... }
end

--- A call: code that runs without keeping its host waiting.
-- @type Call
local Call = {}

local metatable = { __index = Call, __name = "timekit.call" }

--- The calls of a client, or of a batch.
-- @type Calls
local Calls = {}
Calls.__index = Calls

-- ---- continuing ----

local function push(self, call)
  if call.queued or call.over then return end
  call.queued = true
  self.tail = self.tail + 1
  self.queue[self.tail] = call
end

local function pop(self)
  local head = self.head
  local call = self.queue[head]
  self.queue[head], self.head = nil, head + 1
  call.queued = false
  return call
end

-- For the next update, so that the host gets its turn in between.
local function push_later(self, call)
  if not call.queued then self.later[#self.later + 1] = call end
end

local function take_later(self)
  local later = self.later
  if not later[1] then return end
  self.later = {}
  for _, call in ipairs(later) do push(self, call) end
end

local function has_ready(self)
  return self.head <= self.tail or self.later[1] ~= nil
end

-- A call that was not yet begun: its function gets `arguments` when it is first continued.
local function new_call(self, fn, arguments)
  local call = setmetatable({ calls = self, over = false, cancelled = false, queued = false }, metatable)
  call.thread = coroutine.create(fn)
  call.arguments = arguments
  call.wake = function() self:awaken(call) end
  self.registry[call.thread] = call
  self.pending = self.pending + 1
  return call
end

local function finish(self, call, well, ...)
  self.registry[call.thread] = nil
  self.pending = self.pending - 1
  self.timers:remove(call)
  call.over = true
  -- What the world does is a result, also where it was raised: by a loop over `Client:bookings`.
  local told = not well and call.tells and Error.is((...))
  if not well and not told then
    call.failed, call.problem = true, (...)
    return
  end
  call.results = told and pack(nil, (...)) or pack(...)
  for _, fn in ipairs(call.watchers or {}) do push(self, new_call(self, fn, call.results)) end
  call.watchers = nil
end

local function settle(self, call, well, first, ...)
  if coroutine.status(call.thread) == "dead" then
    finish(self, call, well, first, ...)
  elseif first ~= WAITS then
    push_later(self, call)
  end
end

local function continue(self, call)
  local arguments = call.arguments
  if arguments then
    call.arguments = nil
    settle(self, call, coroutine.resume(call.thread, unpack(arguments, 1, arguments.n)))
  else
    settle(self, call, coroutine.resume(call.thread))
  end
end

-- Errors of calls come out of `update` one by one.
local function continue_later(self, call)
  continue(self, call)
  if not call.failed then return end
  self.problems[#self.problems + 1] = call
  if self.on_problem then self.on_problem() end
end

-- Tells whoever watches the descriptor when the next update has something to do. No update is for a batch's calls:
-- whoever waits for the batch goes on with them.
local function announce(self)
  if self.of_batch then return end
  local first = self.timers:first()
  local is_due = has_ready(self) or #self.problems > 0
  self.pump:alarm(is_due and core.now() or first and first.at)
end

local function begin(self, call)
  local was_busy = self.busy
  continue(self, call)
  if call.failed then error(call.problem, 0) end
  if not was_busy then announce(self) end
  return call
end

--- Something happened that a call waits for.
-- @tparam Call call
function Calls:awaken(call)
  push(self, call)
  if not self.busy then
    self.pump:wake(self)
    announce(self)
  end
end

local function take_due(self)
  local first = self.timers:first()
  if not first then return end
  local now = core.now()
  while first and first.at <= now do
    self.timers:remove(first)
    push(self, first)
    first = self.timers:first()
  end
end

-- Continues what is ready, and what becomes ready on the way.
local function continue_ready(self, until_)
  take_later(self)
  while self.head <= self.tail do
    local call = pop(self)
    if not call.over then continue_later(self, call) end
    if until_ and core.now() >= until_ then return end
  end
end

-- ---- what runs inside a call ----

local function await(self, call, at)
  if not at then return coroutine.yield(WAITS) end
  call.at = at
  self.timers:add(call)
  coroutine.yield(WAITS)
  self.timers:remove(call)
end

--- The runtime of code inside a call: waiting yields to whoever continues the call.
-- @tparam table registry coroutine → call
-- @treturn table as in `timekit.runtime.reference`
function tasks.runtime(registry)
  local runtime = { now = core.now }

  function runtime.sleep(seconds)
    local call = registry[coroutine.running()]
    local until_ = core.now() + seconds
    while not call.cancelled and core.now() < until_ do await(call.calls, call, until_) end
    return call.cancelled
  end

  function runtime.wait(pump, transfer, seconds)
    local call = registry[coroutine.running()]
    local until_ = seconds and core.now() + seconds
    call.transfer = transfer
    while not transfer:done() and not (until_ and core.now() >= until_) do
      pump:on_done(transfer, call.wake)
      await(call.calls, call, until_)
    end
    pump:forget(transfer)
    call.transfer = nil
  end

  return runtime
end

--- Leaves the rest of a call to a later update.
function Call:pass()
  push_later(self.calls, self)
  coroutine.yield(WAITS)
end

-- ---- the public face of a call ----

--- Is the call over?
-- @treturn boolean
-- @usage if call:done() then print(call:result()) end
function Call:done()
  return self.over
end

--- What the function returned: `booking, info` or `nil, err` for an action. Nothing while the call is not over.
-- Raises the error that the function raised; one of `timekit.error` is a result instead: `nil, err`.
-- @treturn any …
-- @usage
-- local booking, info = call:result()
-- if booking then print(booking.state) elseif info then print(info) end
function Call:result()
  if self.failed then error(self.problem, 0) end
  if self.results then return unpack(self.results, 1, self.results.n) end
end

--- Cancels the call. What it waits for ends at once with an error of the kind `cancelled`, whose `sent` tells the
-- truth, and so does every later request of the same call; its function goes on with that, and ends as it likes: as a
-- rule the call is over when this returns. Silent when it is over already.
-- @usage
-- call:cancel()
-- local _, err = call:result()
-- if err and err.sent ~= "no" then print("the action may have been applied all the same") end
function Call:cancel()
  if self.over or self.cancelled then return end
  self.cancelled = true
  if self.transfer then self.transfer:cancel() end
  if coroutine.status(self.thread) == "suspended" then continue_later(self.calls, self) end
  announce(self.calls)
end

--- Has a function called once with what the call's function returned, when the call is over: inside `Client:update`, or
-- at once if it is over already. It is a call itself, so the client can be used in it without keeping the host waiting.
-- An error in it reaches the caller of `update` (or of `on_done`), and no other call is lost by that. It is not called
-- when the call's function raised: that error reaches the caller of `update` instead.
-- @tparam function fn
-- @treturn Call the call, so that `local call = tk:start(…):on_done(…)` is possible
-- @usage
-- tk:booking(id):start("confirm"):on_done(function(booking, info)
--   print(booking and booking.state or info)
-- end)
function Call:on_done(fn)
  if type(fn) ~= "function" then error("call:on_done: expected a function, got " .. type(fn), 2) end
  if not self.over then
    self.watchers = self.watchers or {}
    self.watchers[#self.watchers + 1] = fn
  elseif self.results then
    begin(self.calls, new_call(self.calls, fn, self.results))
  end
  return self
end

function metatable:__tostring()
  return ("timekit.call (%s)"):format(self.over and "done" or "in flight")
end

-- ---- the calls of a client ----

--- Starts a call: its function runs up to the point where it first waits.
-- Raises what the function raises up to there.
-- @tparam function fn
-- @param ... its arguments
-- @treturn Call
function Calls:start(fn, ...)
  local call = new_call(self, fn, pack(...))
  call.tells = true
  return begin(self, call)
end

--- As `start`, but the function begins at the next update or in `join`, and what it raises comes out there.
-- @tparam function fn
-- @param ... its arguments
function Calls:add(fn, ...)
  push(self, new_call(self, fn, pack(...)))
end

--- Was one of the calls cancelled, or did one raise?
-- @treturn boolean
function Calls:is_ending()
  return self.cancelled or #self.problems > 0
end

-- On an empty list table.remove takes memory, on Lua 5.2 and 5.3.
local function take_problem(self)
  return self.problems[1] and table.remove(self.problems, 1)
end

local function raise_problem(self)
  local call = take_problem(self)
  if call then error(call.problem, 0) end
end

local function go_on(self, seconds)
  local until_ = seconds == 0 and core.now() + SLICE
  self.pump:hush()
  if seconds > 0 and not self:done() then
    local first = self.timers:first()
    self.pump:wait(first and math.max(0, math.min(seconds, first.at - core.now())) or seconds)
  else
    self.pump:step()
  end
  take_due(self)
  continue_ready(self, until_)
end

--- Lets calls go on. See `Client:update`.
-- @tparam number seconds
-- @treturn integer calls that are not over
function Calls:update(seconds)
  if self.busy then error("client:update: called from within an update", 3) end
  self.busy = true
  local well, problem = pcall(go_on, self, seconds)
  self.busy = false
  if not well then
    announce(self)
    error(problem, 0)
  end
  local failed = table.remove(self.problems, 1)
  announce(self)
  if failed then error(failed.problem, 0) end
  return self.pending
end

--- Is there something to continue, or nothing to wait for? With `cancel`, this is what a runtime takes for a transfer
-- in `join`.
-- @treturn boolean
function Calls:done()
  local first = self.timers:first()
  return self.pending == 0 or self.pump.closed or has_ready(self) or first ~= nil and first.at <= core.now()
end

--- Cancels all calls.
function Calls:cancel()
  self.cancelled = true
  if self.pending == 0 then return end
  local all = {}
  for _, call in pairs(self.registry) do
    if call.calls == self then all[#all + 1] = call end
  end
  for _, call in ipairs(all) do call:cancel() end
end

--- Seconds until there is something to continue by time alone.
-- @treturn number|nil
function Calls:timeout()
  if has_ready(self) then return 0 end
  local first = self.timers:first()
  return first and math.max(0, first.at - core.now())
end

--- The descriptor that is readable when an update has something to do.
-- @treturn integer|nil
function Calls:fd()
  local fd = self.pump:fd()
  announce(self)
  return fd
end

--- Seconds until an update has something to do by time alone, transfers included.
-- @treturn number|nil
function Calls:timeout_with_transfers()
  if #self.problems > 0 then return 0 end
  local own, of_transfers = self:timeout(), self.pump:timeout()
  return own and of_transfers and math.min(own, of_transfers) or own or of_transfers
end

--- Waits until all calls are over, as the runtime has it. Raises the first error that one of them raised.
-- @tparam table runtime
function Calls:join(runtime)
  while self.pending > 0 do
    if self.pump.closed then self:cancel() end
    take_due(self)
    continue_ready(self)
    if not self:done() then runtime.wait(self.pump, self, self:timeout()) end
  end
  raise_problem(self)
end

--- Ends all calls once the connection is closed: each learns that what it waits for was cancelled, and one that waits
-- for something else is over without a result. Takes no memory when there are none.
-- @treturn any|nil the first error that was not raised yet
function Calls:close()
  self:cancel()
  self.busy = true
  while has_ready(self) do
    take_later(self)
    while self.head <= self.tail do
      local call = pop(self)
      if not call.over then continue_later(self, call) end
      if not call.over then
        finish(self, call, true, nil, Error.new { kind = "cancelled", message = "the client was closed", sent = "no" })
      end
    end
  end
  self.busy = false
  local first = take_problem(self)
  return first and first.problem
end

--- Makes an empty set of calls.
-- @tparam Pump pump
-- @tparam table registry coroutine → call, of all calls of a client
-- @tparam ?boolean of_batch they are continued by `join`, not by `update`
-- @treturn Calls
function tasks.new(pump, registry, of_batch)
  return setmetatable({
    pump = pump, registry = registry, of_batch = of_batch, timers = heap.new(),
    queue = {}, head = 1, tail = 0, later = {}, pending = 0, problems = {}, busy = false, cancelled = false,
  }, Calls)
end

return tasks
