--- Carries out operations: the one loop that does I/O.
-- It is written once, in blocking style. The runtime says what waiting means, the retry machine what to do next.
-- @module timekit.call.run

local Error = require "timekit.error"
local prefetch = require "timekit.call.prefetch"
local redaction = require "timekit.call.redact"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"
local tasks = require "timekit.runtime.tasks"

local running, time = coroutine.running, os.time

local run = {}

--- What carries out the operations of one client.
-- @type Runner
local Runner = {}
Runner.__index = Runner

-- What the clients of this Lua state have written: each operation counts when it begins and when it ends.
local writes = 0

local function count_write(operation)
  if operation.writes then writes = writes + 1 end
end

-- The look is a read of the booking, whatever the operation is.
local LOOK = { expects = "booking" }

--- By which runtime the running code waits.
-- @treturn table the runtime
-- @treturn ?Call the call of `Client:start` that the code is part of, if any
function Runner:here()
  local thread = running()
  local call = thread and self.registry[thread]
  return call and self.call_runtime or self.runtime, call
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
  return redaction.of_request(request, self.redact(value))
end

-- One try: sends the request, waits, and tells the machine what came. `left`: seconds, from `now` on. Returns what the
-- machine wants next, and the time by then.
local function try(self, runtime, machine, request, left, now)
  local operation, hooks, looking = machine.operation, self.hooks, machine.looking
  local prefetched, transfer, event = prefetch.take(operation), nil, nil
  local asked, began = now, now
  if prefetched then
    transfer, event, began = prefetched.transfer, prefetched.event, prefetched.began
  elseif hooks then
    event = hooks:begin(request, operation, machine.tries, looking)
    began = runtime.now()
    left = left - (began - now)
  end
  local outcome = not transfer and withheld(self, left)
  if not outcome and operation.announce and not looking then
    local before = runtime.now()
    local problem = operation.announce(left)
    left = left - (runtime.now() - before)
    outcome = problem and { failure = problem, sent = "no" } or withheld(self, left)
  end
  if not outcome then
    if not transfer then
      request.timeout = left
      transfer = self.pump:start(request)
    end
    runtime.wait(self.pump, transfer)
    outcome = transfer:result()
  end
  local data, failure, doubt, status, request_id, remaining = response.read(outcome, looking and LOOK or operation, time)
  now = runtime.now()
  request_id = request_id and self:redacted(request_id, request)
  machine.status, machine.request_id, machine.remaining = status, request_id, remaining
  local limiter = self.policy.limiter
  if limiter then limiter:learn(now, status, remaining, failure and failure.retry_after) end
  if hooks then
    hooks:finish(event, request, outcome, failure, request_id, now - began)
    now = runtime.now()
  end
  local release = outcome.release
  if release then release(outcome) end
  if prefetched and prefetch.is_stale(failure, now - asked, left) then
    machine.attempts, machine.tries = machine.attempts + 1, machine.tries + 1
    return try(self, runtime, machine, request, left, now)
  end
  return now, machine:answer(now, data, failure, doubt)
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
  local hindered = (call or runtime.can_wait) and obstacle(runtime, call, operation)
  if hindered then return nil, hindered end
  local timeout = operation.timeout or self.timeout
  local now = runtime.now()
  local began = now - (operation.spent or 0)
  local machine = retry.new(operation, self.policy, began + timeout)
  count_write(operation)
  local verb, what = machine:next(now)
  while verb ~= "done" do
    if verb == "send" then
      now, verb, what = try(self, runtime, machine, what, timeout - (now - began), now)
    elseif verb == "book" then
      local host = { runtime = runtime, pump = self.pump }
      local is_bulk = operation.is_bulk or call and call.tasks.is_bulk
      local verdict, wait = self.policy.limiter:book(host, what, is_bulk)
      now = runtime.now()
      verb, what = machine:told(now, verdict, wait)
    else
      -- A hook may have closed the client.
      local cancelled = self.pump.closed or runtime.sleep(what, self.pump) or self.pump.closed
      now = runtime.now()
      if cancelled then verb, what = machine:cancel() else verb, what = machine:next(now) end
    end
  end
  count_write(operation)
  local elapsed, problem = now - began, machine.problem
  if problem then
    problem.attempts, problem.elapsed = machine.attempts, elapsed
    return nil, Error.new(self:redacted(problem, operation.request)), machine
  end
  local status, request_id = machine.status, machine.request_id
  -- If the look after a refusal failed, the refusal itself proved the success.
  local refused = machine.last_refusal
  if refused then
    status, request_id = refused.status, self:redacted(refused.request_id, operation.request)
  end
  return what, {
    status = status, request_id = request_id, attempts = machine.attempts, reconciled = machine.reconciled,
    elapsed = elapsed, rate_limit_remaining = machine.remaining,
  }
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

--- Makes a group of calls for code that waits for all of them, here.
-- @treturn Tasks to be waited for by `join`
-- @treturn table the runtime to wait by
function Runner:group()
  return tasks.new(self.pump, self.registry, true), (self:here())
end

--- Makes the runner of a client.
-- @tparam table parts `pump`; `registry`: coroutine → call, see `timekit.runtime.tasks`; `runtime`: the host's;
--   `call_runtime`: that of code in calls; `timeout`: seconds; `policy`: see `timekit.call.retry`; `hooks`, or nil;
--   `redact`: removes keys, see `timekit.call.redact`
-- @treturn Runner
function run.new(parts)
  return setmetatable(parts, Runner)
end

return run
