--- Tasks: continues the calls of a client, or of a batch, when what they wait for is there.
-- `Client:start` makes the calls (see `timekit.runtime.call`), `Client:update` continues them.
-- @module timekit.runtime.tasks

local Error = require "timekit.error"
local calls = require "timekit.runtime.call"
local core = require "timekit.core"
local heap = require "timekit.runtime.heap"

local unpack = table.unpack or unpack -- luacheck: globals unpack table.unpack

local tasks = {}

-- What a coroutine yields when it waits for us. Anything else is the user's own yield, which waits for the next update.
local WAITS = {}

-- Seconds that an update may take when its host must not wait: half a percent of a frame of 1/60 s. The step of the
-- engine comes first and takes up to 50 of the 80 µs (STEP_TIME in csrc/engine/watch_epoll.c); continuing calls takes
-- the rest. One call is continued in any case, so that every update makes progress; nothing is interrupted.
local UPDATE_TIME = 0.00008

-- How many functions of `on_done` may run within each other. Where answers are there at once, each may start the next
-- call and set the next function, and Lua cannot resume coroutines within each other without end.
local DEEPEST = 16

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local status, running = coroutine.status, coroutine.running

--- The calls that are continued together.
-- @type Tasks
local Tasks = {}
Tasks.__index = Tasks

-- ---- the queue of calls that can go on ----

local function put(self, call, arguments)
  local queue, tail = self.queue, self.tail + 2
  queue[tail - 1] = call
  queue[tail] = arguments
  self.tail = tail
end

local function push(self, call)
  if call.queued or call.count then return end
  call.queued = true
  put(self, call, false)
end

-- A call that has not begun; `list`: the arguments of its function, with their `count`.
local function push_new(self, fn, list)
  put(self, fn, list)
  self.pending = self.pending + 1
end

-- Returns a call and false; or the function and the arguments of one that has not begun, which the caller takes over.
local function pop(self)
  local queue, head = self.queue, self.head
  local call, arguments = queue[head], queue[head + 1]
  queue[head], queue[head + 1] = nil, nil
  -- Small indices keep the queue an array.
  if head + 1 == self.tail then self.head, self.tail = 1, 0 else self.head = head + 2 end
  if arguments then self.pending = self.pending - 1 else call.queued = false end
  return call, arguments
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

local function push_due(self)
  local first = self.timers:first()
  if not first then return end
  local now = core.now()
  while first and first.at <= now do
    self.timers:remove(first)
    push(self, first)
    first = self.timers:first()
  end
end

local function has_ready(self)
  return self.head <= self.tail or self.later[1] ~= nil
end

-- ---- continuing ----

-- Code that runs in a coroutine finds its call by that. `make`: a function of `timekit.runtime.call`.
local function add(self, make, fn)
  local thread = create(fn)
  local call = make(self, thread)
  self.registry[thread] = call
  self.pending = self.pending + 1
  return call
end

local function unregister(self, call)
  local thread = call.thread
  if thread then self.registry[thread] = nil end
  self.pending = self.pending - 1
  if call.slot then self.timers:remove(call) end
  call.count = 0
end

local function fail(self, call, problem)
  unregister(self, call)
  call.failed, call.problem = true, problem
end

-- The first two results are by far the most frequent.
local function finish(self, call, count, first, second, ...)
  unregister(self, call)
  call[1], call[2], call.count = first, second, count
  for index = 3, count do call[index] = (select(index - 2, ...)) end
  local watchers = call.watchers
  if not watchers then return end
  call.watchers = nil
  if type(watchers) == "function" then return push_new(self, watchers, call) end
  for index = 1, #watchers do push_new(self, watchers[index], call) end
end

-- A coroutine yielded or ended.
local function settle(self, call, ok, ...)
  if ... == WAITS then return end
  if status(call.thread) ~= "dead" then
    push_later(self, call)
  elseif ok then
    finish(self, call, select("#", ...), ...)
  -- A loop over `Client:bookings` raises what other methods return, since an iterator has no second value.
  elseif call.returns_errors and Error.is((...)) then
    finish(self, call, 2, nil, (...))
  else
    fail(self, call, (...))
  end
end

-- A call without a coroutine took a step.
local function settle_step(self, call, ok, verb, what, info)
  if not ok then
    fail(self, call, verb)
  elseif verb == "sent" then
    call.transfer = what
    self.pump:on_done(what, call)
  elseif verb == "wait" then
    call.at = core.now() + what
    self.timers:add(call)
  else
    finish(self, call, 2, what, info)
  end
end

-- Begins a call that nobody holds: its results are not kept.
local function begin(self, call, list)
  local thread = call.thread
  if self.cancelled and self.of_batch then call.cancelled = true end
  local ok, what = resume(thread, unpack(list, 1, list.count))
  if what == WAITS then return end
  if not ok then
    fail(self, call, what)
  elseif status(thread) ~= "dead" then
    push_later(self, call)
  else
    -- Most are over at once, and nobody asks whether they are.
    self.registry[thread] = nil
    self.pending = self.pending - 1
  end
end

-- Goes on with what `pop` returned. What it raises is kept: each update raises one error.
local function continue(self, call, arguments)
  if arguments then
    call = add(self, calls.unheld, call)
    begin(self, call, arguments)
  else
    local thread, runner = call.thread, self.runner
    if thread then
      settle(self, call, resume(thread))
    else
      if call.slot then self.timers:remove(call) end
      settle_step(self, call, pcall(runner.next_step, runner, call))
    end
  end
  if not call.failed then return end
  self.failed[#self.failed + 1] = call
  if self.on_problem then self.on_problem() end
end

-- Makes the descriptor readable when the next update has something to do. The calls of a batch need none: whoever waits
-- for the batch continues them.
local function set_alarm(self)
  if self.of_batch then return end
  local first = self.timers:first()
  local is_due = has_ready(self) or #self.failed > 0
  self.pump:alarm(is_due and core.now() or first and first.at)
end

-- After the first step of a call.
local function begun(self, call)
  if call.failed then error(call.problem, 0) end
  if not self.busy then set_alarm(self) end
  return call
end

-- Continues what is ready, and what becomes ready on the way, until the deadline, if there is one.
local function continue_ready(self, deadline)
  take_later(self)
  while self.head <= self.tail do
    local call, arguments = pop(self)
    if arguments or not call.count then continue(self, call, arguments) end
    if deadline and core.now() >= deadline then return end
  end
end

-- ---- what runs inside a call ----

-- Yields until the call is woken, or until a time. It may be woken early.
local function await(self, call, at)
  call.at = at
  self.timers:add(call)
  yield(WAITS)
  self.timers:remove(call)
end

--- The runtime of code inside a call: waiting yields to whoever continues the call.
-- @tparam table registry coroutine → call
-- @treturn table as in `timekit.runtime.reference`
function tasks.runtime(registry)
  local runtime = { now = core.now }

  function runtime.sleep(seconds)
    local call = registry[running()]
    local deadline = core.now() + seconds
    while not call.cancelled and core.now() < deadline do await(call.tasks, call, deadline) end
    return call.cancelled
  end

  function runtime.wait(pump, transfer, seconds)
    local call = registry[running()]
    local deadline = seconds and core.now() + seconds
    call.transfer = transfer
    -- When the transfer is done, the pump wakes the call, which then no longer has it.
    while call.transfer and not transfer:done() and not (deadline and core.now() >= deadline) do
      pump:on_done(transfer, call)
      if deadline then await(call.tasks, call, deadline) else yield(WAITS) end
    end
    if not call.transfer then return end
    pump:forget(transfer)
    call.transfer = nil
  end

  return runtime
end

-- ---- for a call's methods ----

--- Leaves the rest of the running call to a later update.
-- @tparam Call call
function Tasks:pass(call)
  push_later(self, call)
  yield(WAITS)
end

--- Continues a call that was cancelled, unless it is running already.
-- @tparam Call call
function Tasks:interrupt(call)
  local thread, transfer = call.thread, call.transfer
  if not thread and transfer then
    self.pump:forget(transfer)
    call.transfer = nil
  end
  if not thread or status(thread) == "suspended" then continue(self, call) end
  set_alarm(self)
end

--- Goes on with a call soon, since what it waits for is done.
-- @tparam Call call
function Tasks:wake(call)
  push(self, call)
  if not self.busy then
    self.pump:wake(self)
    set_alarm(self)
  end
end

--- Has a function called with the results of a call that is over.
-- Raises what the function raises before it first waits. Where such functions run within each other, the update does it
-- later.
-- @tparam function fn
-- @tparam Call over
function Tasks:notify(fn, over)
  if self.depth == DEEPEST then
    push_new(self, fn, over)
    if not self.busy then set_alarm(self) end
    return
  end
  local call = add(self, calls.unheld, fn)
  self.depth = self.depth + 1
  begin(self, call, over)
  self.depth = self.depth - 1
  begun(self, call)
end

-- ---- for the client ----

--- Starts a call: its function runs up to the point where it first waits.
-- Raises what the function raises up to there.
-- @tparam function fn
-- @param ... its arguments
-- @treturn Call
function Tasks:start(fn, ...)
  local call = add(self, calls.new, fn)
  call.returns_errors = true
  settle(self, call, resume(call.thread, ...))
  return begun(self, call)
end

--- Starts a call that runs no code of the user's, and needs no coroutine therefore.
-- Raises what the first step raises.
-- @tparam Call call of `Runner:course`; it has at most two results
-- @treturn Call the call
function Tasks:carry_out(call)
  local verb, what, info = self.runner:first_step(call)
  self.pending = self.pending + 1
  settle_step(self, call, true, verb, what, info)
  return begun(self, call)
end

-- An empty list is left alone: on Lua 5.2 and 5.3 table.remove takes memory there.
local function take_failed(self)
  return self.failed[1] and table.remove(self.failed, 1)
end

local function go_on(self, seconds)
  local deadline = seconds == 0 and core.now() + UPDATE_TIME
  self.pump:acknowledge_alarm()
  if seconds > 0 and not self:done() then
    local first = self.timers:first()
    self.pump:wait(first and math.max(0, math.min(seconds, first.at - core.now())) or seconds)
  else
    self.pump:step()
  end
  push_due(self)
  continue_ready(self, deadline)
end

--- Lets calls go on. See `Client:update`.
-- @tparam number seconds
-- @treturn integer calls that are not over
function Tasks:update(seconds)
  if self.busy then error("client:update: called from within an update", 3) end
  self.busy = true
  local ok, problem = pcall(go_on, self, seconds)
  self.busy = false
  if not ok then
    set_alarm(self)
    error(problem, 0)
  end
  local failed = take_failed(self)
  set_alarm(self)
  if failed then error(failed.problem, 0) end
  return self.pending
end

--- Seconds until there is something to continue by time alone.
-- @treturn number|nil
function Tasks:timeout()
  if has_ready(self) then return 0 end
  local first = self.timers:first()
  return first and math.max(0, first.at - core.now())
end

--- Seconds until an update has something to do by time alone, transfers included. See `Client:timeout`.
-- @treturn number|nil
function Tasks:timeout_with_transfers()
  if #self.failed > 0 then return 0 end
  local own, of_transfers = self:timeout(), self.pump:timeout()
  return own and of_transfers and math.min(own, of_transfers) or own or of_transfers
end

--- The descriptor that is readable when an update has something to do.
-- @treturn integer|nil
function Tasks:fd()
  local fd = self.pump:fd()
  set_alarm(self)
  return fd
end

--- Ends all calls once the pump is closed: each learns that what it waits for was cancelled, and one that waits for
-- something else is over without a result. Takes no memory when there are none.
-- @treturn any|nil the first error that was not raised yet
function Tasks:close()
  self:cancel()
  self.busy = true
  while has_ready(self) do
    take_later(self)
    while self.head <= self.tail do
      local call, arguments = pop(self)
      if arguments or not call.count then continue(self, call, arguments) end
      if not arguments and not call.count then
        finish(self, call, 2, nil, Error.new { kind = "cancelled", message = "the client was closed", sent = "no" })
      end
    end
  end
  self.busy = false
  local failed = take_failed(self)
  return failed and failed.problem
end

-- ---- for a batch ----

--- As `start`, but the function begins in `join`, which raises what the function raises.
-- @tparam function fn
-- @param ... its arguments
function Tasks:add(fn, ...)
  push_new(self, fn, { count = select("#", ...), ... })
end

--- Was one of the calls cancelled, or did one raise?
-- @treturn boolean
function Tasks:is_ending()
  return self.cancelled or #self.failed > 0
end

--- Is there something to continue, or nothing to wait for? With `done` and `cancel`, tasks are what a runtime takes for
-- a transfer in `join`.
-- @treturn boolean
function Tasks:done()
  local first = self.timers:first()
  return self.pending == 0 or self.pump.closed or has_ready(self) or first ~= nil and first.at <= core.now()
end

--- Cancels all calls, and those of a batch that have not begun when they begin. A call without a coroutine is found
-- only once the pump is closed, which wakes those that wait for a transfer; a batch has no such call.
function Tasks:cancel()
  self.cancelled = true
  if self.pending == 0 then return end
  local all = {}
  for _, call in pairs(self.registry) do
    if call.tasks == self then all[#all + 1] = call end
  end
  for index = self.head, self.tail, 2 do
    local call, arguments = self.queue[index], self.queue[index + 1]
    if not arguments and call.machine then all[#all + 1] = call end
  end
  for index = 1, self.timers.size do
    if self.timers[index].machine then all[#all + 1] = self.timers[index] end
  end
  for _, call in ipairs(all) do call:cancel() end
end

--- Waits until all calls are over, by the runtime of the code that waits. Raises the first error that one of them
-- raised.
-- @tparam table runtime
function Tasks:join(runtime)
  while self.pending > 0 do
    if self.pump.closed then self:cancel() end
    push_due(self)
    continue_ready(self)
    if not self:done() then runtime.wait(self.pump, self, self:timeout()) end
  end
  local failed = take_failed(self)
  if failed then error(failed.problem, 0) end
end

--- Makes tasks without calls.
-- @tparam table runner `pump`; `registry`: coroutine → call, of all calls of a client that have one; `first_step(call)`
--   and `next_step(call)`, as of `timekit.call.run`
-- @tparam ?boolean of_batch `join` continues the calls, not `update`
-- @treturn Tasks
function tasks.new(runner, of_batch)
  return setmetatable({
    runner = runner, pump = runner.pump, registry = runner.registry, of_batch = of_batch,
    is_bulk = false, -- their requests are many, and leave room for others under a rate limit that is shared
    pending = 0, -- number of calls that are not over
    -- Calls that can go on: queue[head] to queue[tail], in this order. Each takes two places: the call and false, or,
    -- before it has begun, its function and the list of its arguments.
    queue = {}, head = 1, tail = 0,
    later = {}, -- calls that go on in the next update
    timers = heap.new(), -- calls that go on at a time
    failed = {}, -- calls whose errors have not been raised yet
    on_problem = nil, -- a function for whoever made the tasks: called when a call has raised
    busy = false, -- an update is under way
    depth = 0, -- how many functions of `on_done` run within each other
    cancelled = false, -- all calls were; those of a batch that begin now are as well
  }, Tasks)
end

return tasks
