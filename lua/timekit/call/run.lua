--- Carries out operations: the one loop that does I/O.
-- It is written once, in blocking style. The runtime says what waiting means, the retry machine what to do next.
-- @module timekit.call.run

local Error = require "timekit.error"
local calls = require "timekit.runtime.call"
local loading = require "timekit.loading"
local prefetch = require "timekit.call.prefetch"
local redaction = require "timekit.call.redact"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"
local tasks = require "timekit.runtime.tasks"

local read = response.read
local running, os_time = coroutine.running, os.time

local run = {}

--- What carries out the operations of one client.
-- @type Runner
local Runner = {}
Runner.__index = Runner

-- What the clients of this Lua state have written: each operation counts when it begins and when it ends.
local writes = 0

-- The look is a read of the booking, whatever the operation is.
local LOOK = { expects = "booking" }

--- By which runtime the running code waits.
-- @treturn table the runtime
-- @treturn ?Call the call of `Client:start` that the code is part of, if any
function Runner:here()
  local thread = running()
  local call = thread and self.registry[thread]
  if call then return self.call_runtime, call end
  return self.runtime
end

-- The error of code that may not send anything here; nil: it may.
local function obstacle(runtime, call, operation)
  local kind, message
  if call and call.cancelled then
    -- The function may go on although its call was cancelled. It must not keep the host from its own work.
    call:pass()
    kind, message = "cancelled", "cancelled by the caller"
  elseif runtime.can_wait then
    local possible, reason = runtime.can_wait()
    if not possible then kind, message = "phase", reason end
  end
  return kind and Error.unsent {
    kind = kind, message = message, action = operation and operation.action, graph = operation and operation.graph,
  }
end

--- The error of a place where nobody can wait.
-- @treturn table|nil of the kind `phase`; nil: it is possible here
function Runner:hindrance()
  return (obstacle((self:here())))
end

-- The outcome of a request that is not sent after all, because a hook used up its time or closed the client.
local function withheld(self, left)
  local kind, message
  if self.pump.closed then
    kind, message = "cancelled", "the client was closed"
  elseif left <= 0 then
    kind, message = "timeout", "no time was left to send the request"
  end
  return kind and { failure = { kind = kind, message = message }, sent = "no" }
end

--- Removes keys from a value: the client's, and those in the headers of one request.
-- @param value as for `timekit.call.redact`
-- @tparam table request
-- @return the value
function Runner:redacted(value, request)
  value = self.redact(value)
  return request.secrets and redaction.of_request(request, value) or value
end

-- Sends the request that the machine asks for. Returns its outcome if it is not sent after all; nil: it is under way as
-- the machine's `transfer`.
local function send(self, runtime, machine, request)
  local hooks, operation = self.hooks, machine.operation
  local prefetched = operation.prefetched
  if prefetched then
    operation.prefetched = nil
    machine.awaited_from = machine.at
    machine.transfer, machine.event, machine.at = prefetched.transfer, prefetched.event, prefetched.began
    return nil
  end
  if hooks then
    machine.event = hooks:begin(request, operation, machine:tries(), machine.looking)
    machine.at = runtime.now()
  end
  if operation.announce and not machine.looking then
    local problem = operation.announce(machine.deadline - machine.at)
    machine.at = runtime.now()
    if problem then return { failure = problem, sent = "no" } end
  end
  local left = machine.deadline - machine.at
  local outcome = (left <= 0 or self.pump.closed) and withheld(self, left)
  if outcome then return outcome end
  request.timeout = left
  machine.transfer = self.pump:start(request)
end

-- Ends an operation after an answer that told `status`, `request_id` and `remaining`. Returns what `Runner:run` does.
local function conclude(self, machine, data, status, request_id, remaining)
  local operation, problem, elapsed = machine.operation, machine.problem, machine.at - machine.began
  if operation.writes then writes = writes + 1 end
  if problem then
    problem.attempts, problem.elapsed = machine.attempts, elapsed
    return nil, Error.new(self:redacted(problem, operation.request))
  end
  local reconciled = machine.reconciled
  -- If the look after a refusal failed, the refusal itself proved the success.
  local refused = reconciled and machine.last_refusal
  if refused then
    status, request_id = refused.status, self:redacted(refused.request_id, operation.request)
  end
  return data, {
    status = status, request_id = request_id, attempts = machine.attempts, reconciled = reconciled,
    elapsed = elapsed, rate_limit_remaining = remaining,
  }
end

-- Tells the machine what came. Returns what the machine wants next, or `"ended"` and what `Runner:run` returns.
local function receive(self, runtime, machine, outcome)
  local operation, looking, hooks = machine.operation, machine.looking, self.hooks
  local request = looking and machine.look_request or operation.request
  local data, failure, doubt, status, request_id, remaining = read(outcome, looking and LOOK or operation, os_time)
  local now, limiter, awaited_from = runtime.now(), self.policy.limiter, machine.awaited_from
  -- Most are shorter than any key.
  if request_id and (#request_id >= self.shortest or request.secrets) then
    request_id = self:redacted(request_id, request)
  end
  if limiter then limiter:learn(now, status, remaining, failure and failure.retry_after) end
  if hooks then
    hooks:finish(machine.event, request, outcome, failure, request_id, now - machine.at)
    now = runtime.now()
  end
  local release = outcome.release
  if release then release(outcome) end
  machine.transfer, machine.at = nil, now
  if awaited_from then
    machine.awaited_from = nil
    local time = machine.deadline - awaited_from
    if prefetch.is_stale(failure, now - awaited_from, time) then return "send", machine:repeat_request() end
  end
  local verb, what = machine:answer(now, data, failure, doubt)
  if verb == "done" then return "ended", conclude(self, machine, what, status, request_id, remaining) end
  machine.remaining = remaining
  return verb, what
end

-- Does what the machine wants, until there is something to wait for. Returns `"sent"` and the transfer, `"wait"` and
-- seconds, `"book"` and seconds, or `"ended"` and what `Runner:run` returns.
local function advance(self, runtime, machine, verb, what)
  local info
  while verb == "send" do
    local outcome = send(self, runtime, machine, what)
    if not outcome then return "sent", machine.transfer end
    verb, what, info = receive(self, runtime, machine, outcome)
  end
  if verb == "done" then return "ended", conclude(self, machine, what, nil, nil, machine.remaining) end
  return verb, what, info
end

-- Goes on when the transfer is done, or the wait is over. Returns as `advance`.
local function go_on(self, runtime, machine, cancelled)
  local transfer = machine.transfer
  if transfer then
    local verb, what, info = receive(self, runtime, machine, transfer:result())
    if verb == "ended" then return verb, what, info end
    return advance(self, runtime, machine, verb, what)
  end
  machine.at = runtime.now()
  if cancelled then return advance(self, runtime, machine, machine:cancel()) end
  return advance(self, runtime, machine, machine:next(machine.at))
end

-- Books the next request at a limiter that other processes share, and goes on. Returns as `advance`.
local function book(self, runtime, call, machine, left)
  local operation, host = machine.operation, { runtime = runtime, pump = self.pump }
  local is_bulk = operation.is_bulk or call and call.tasks.is_bulk
  local verdict, wait, problem = self.policy.limiter:book(host, left, is_bulk)
  machine.at = runtime.now()
  return advance(self, runtime, machine, machine:told(machine.at, verdict, wait, problem))
end

-- Makes the machine of an operation that begins.
local function begin(self, runtime, operation)
  local now, spent = runtime.now(), operation.spent
  local began = spent and now - spent or now
  if operation.writes then writes = writes + 1 end
  return retry.new(operation, self.policy, began + (operation.timeout or self.timeout), began, now)
end

--- Carries out an operation.
-- @tparam table operation as for `timekit.call.retry`; `announce`: function(left) that is called right before each try
--   is sent, but not before a look, with the seconds that it has. It may return a failure: then the try is not sent;
--   `is_bulk`: leave room for others under a rate limit that is shared; `timeout` (seconds), if not the client's;
--   `spent` (seconds): what counts as time of the operation already
-- @treturn table|nil the data; nil on failure
-- @treturn table `info`, or the error
-- @treturn ?Machine after a failure what is known beyond it: `seen`, the booking as it was last read, and `lost`, the
--   request may even take effect later
-- @usage
-- local booking, info = runner:run { request = request.get(id), expects = "booking" }
function Runner:run(operation)
  local runtime, call = self:here()
  if runtime.can_wait or call and call.cancelled then
    local hindered = obstacle(runtime, call, operation)
    if hindered then return nil, hindered end
  end
  local pump, machine, cancelled = self.pump, begin(self, runtime, operation), nil
  local verb, what, info = advance(self, runtime, machine, machine:next(machine.at))
  while verb ~= "ended" do
    if verb == "book" then
      verb, what, info = book(self, runtime, call, machine, what)
    else
      if verb == "sent" then
        runtime.wait(pump, what)
      else
        -- A hook may have closed the client.
        cancelled = pump.closed or runtime.sleep(what, pump) or pump.closed
      end
      verb, what, info = go_on(self, runtime, machine, cancelled)
    end
  end
  return what, info, machine
end

--- Can operations be carried out step by step? Not if a hook may wait in between, or a limiter that has to be asked.
-- @treturn boolean
function Runner:has_courses()
  local limiter = self.policy.limiter
  return not self.hooks and not (limiter and limiter.is_shared)
end

--- Makes the call of an operation that is carried out step by step, by whoever can wait in between: `Tasks:carry_out`
-- takes it. Only in a place where nothing hinders it, and after `calls`.
-- @tparam table operation as for `run`
-- @tparam function learn function(subject, data, info, machine): gets what `run` returns, and returns what the call
--   returns
-- @param subject
-- @treturn Call
function Runner:course(operation, learn, subject)
  return calls.of_steps(self.tasks, begin(self, self.call_runtime, operation), learn, subject)
end

-- Takes further steps as long as there is nothing to wait for. Returns what the last one came to.
local function stepped(self, call, verb, what, info)
  local machine = call.machine
  while verb == "sent" and what:done() do
    verb, what, info = go_on(self, self.call_runtime, machine)
  end
  if verb ~= "ended" then return verb, what end
  return verb, call.learn(call.subject, what, info, machine)
end

--- Takes the first step of a call.
-- @tparam Call call as made by `course`
-- @treturn string `"sent"`, `"wait"` or `"ended"`
-- @return `"sent"`: the transfer; take the next step when it is done. `"wait"`: seconds; take the next step after them,
--   or when the call is cancelled. `"ended"`: what `learn` returned
function Runner:first_step(call)
  local machine = call.machine
  return stepped(self, call, advance(self, self.call_runtime, machine, machine:next(machine.at)))
end

--- Takes the next step of a call.
-- @tparam Call call
-- @return as `first_step`
function Runner:next_step(call)
  return stepped(self, call, go_on(self, self.call_runtime, call.machine, call.cancelled))
end

--- Sends the first request of a read that is carried out later.
-- @tparam table operation as for `run`; only a read
-- @treturn Prefetch see `timekit.call.prefetch`
function Runner:prefetch(operation)
  return prefetch.start(self, operation)
end

--- A number that is another one once any client of this Lua state has written something, or has begun to.
-- @treturn integer
function Runner.writes()
  return writes
end

--- Waits between two operations, as their requests wait for their answers.
-- @tparam number seconds
-- @treturn boolean|nil true; nil on failure
-- @treturn ?table the error: `phase`, the host cannot wait here; `cancelled`, the call was, or the client was closed
function Runner:pause(seconds)
  local runtime, call = self:here()
  local hindered = obstacle(runtime, call)
  if hindered then return nil, hindered end
  if self.pump.closed or runtime.sleep(seconds, self.pump) or self.pump.closed then
    local message = self.pump.closed and "the client was closed" or "cancelled by the caller"
    return nil, Error.unsent { kind = "cancelled", message = message }
  end
  return true
end

--- The time, on the clock of the runtime here.
-- @treturn number seconds
function Runner:now()
  return (self:here()).now()
end

-- Makes tasks, and the runtime of what runs in them.
local function new_tasks(self, of_batch)
  self.call_runtime = self.call_runtime or tasks.runtime(self.registry)
  return tasks.new(self, of_batch)
end

--- The calls that `Client:update` continues. Who first asks for them is not going to wait for answers, so everything
-- that they may need is loaded now, and no later update has to read a file. Where none can be read, as without
-- descriptors, this is no reason to refuse a call: most need no more than what is loaded with a client.
-- @treturn Tasks
function Runner:calls()
  local own = self.tasks
  if own then return own end
  pcall(loading.rest)
  self.tasks = new_tasks(self)
  return self.tasks
end

--- Makes a group of calls for code that waits for all of them, here.
-- @treturn Tasks to be waited for by `join`
-- @treturn table the runtime to wait by
function Runner:group()
  return new_tasks(self, true), (self:here())
end

--- Makes the runner of a client.
-- @tparam table parts `pump`; `runtime`: the host's; `timeout`: seconds; `policy`: see `timekit.call.retry`; `hooks`,
--   or nil; `redact`: removes keys, see `timekit.call.redact`; `shortest`: the length of the shortest text that it
--   changes
-- @treturn Runner
function run.new(parts)
  parts.registry = {} -- coroutine → call, of all tasks
  -- A nil would be looked for in the class, for each action.
  parts.hooks = parts.hooks or false
  parts.tasks = false -- see `calls`
  parts.call_runtime = false -- that of code in calls, once there are any
  return setmetatable(parts, Runner)
end

return run
