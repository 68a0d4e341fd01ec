--- Sends the requests of a call, and waits for what comes of them: the one loop that does I/O.
-- It is written once, in blocking style; what waiting means is the runtime's to say, and what is done when is the retry
-- machine's.
--
-- `inner` is what a client has inside, made by `timekit.client`: `pump`, `policy` (see `timekit.call.retry`),
-- `limiter`, `hooks`, `redact`, `timeout` (seconds), its host's `runtime`, that of its calls, `stepped`, and the
-- `registry` of these (see `timekit.runtime.tasks`).
-- @module timekit.call.run

local Error = require "timekit.error"
local headers = require "timekit.http.headers"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"

local running = coroutine.running

local sending = {}

-- A look at a booking is a read, whatever it is for.
local LOOK = { expects = "booking" }

-- Why a request is not sent after all, as an outcome of it: a hook may take its time, and may close the client.
local function withheld(inner, left)
  local kind, message
  if inner.pump.closed then
    kind, message = "cancelled", "the client was closed"
  elseif left <= 0 then
    kind, message = "timeout", "no time was left to send the request"
  end
  return kind and { failure = { kind = kind, message = message }, sent = "no" }
end

-- One try: sends a request, waits, and reads what came. `left`: seconds, from `now` on. Returns the time by then, what
-- `response.read` does, and the status, the request's id and the number of requests that remain, as they were told.
local function attempt(inner, runtime, what, call, left, number, now)
  local watchers, event, began = inner.hooks, nil, nil
  if watchers then
    event = watchers:begin(what, call, number)
    began = runtime.now()
    left = left - (began - now)
  end
  local outcome = (left <= 0 or inner.pump.closed) and withheld(inner, left)
  if not outcome then
    what.timeout = left
    local transfer = inner.pump:start(what)
    runtime.wait(inner.pump, transfer)
    outcome = transfer:result()
  end
  local data, failure, doubt = response.read(outcome, what == call.look and LOOK or call, os.time)
  local limiter, status = inner.limiter, outcome.status
  now = runtime.now()
  local request_id, remaining = headers.told(outcome)
  request_id = request_id and inner.redact(request_id)
  if limiter then limiter:learn(now, status, remaining) end
  if watchers then
    watchers:finish(event, outcome, failure, request_id, now - began)
    now = runtime.now()
  end
  local release = outcome.release
  if release then release(outcome) end
  return now, data, failure, doubt, status, request_id, remaining
end

--- Where the running code would wait.
-- @tparam table inner
-- @treturn table the runtime
-- @treturn ?Call the call, as of `timekit.runtime.tasks`, that the code is part of, if any
-- @usage
-- local runtime, of = sending.here(inner)
function sending.here(inner)
  local thread = running()
  local of = thread and inner.registry[thread]
  return of and inner.stepped or inner.runtime, of
end

--- Why nobody can wait here.
-- @tparam table runtime
-- @treturn ?string the reason; nil: it is possible
-- @usage
-- local message = sending.phase_problem((sending.here(inner)))
function sending.phase_problem(runtime)
  if not runtime.can_wait then return nil end
  local possible, reason = runtime.can_wait()
  return not possible and reason or nil
end

--- Why nothing may be started now: the host cannot wait here, or the call that this is part of was cancelled.
-- @tparam table call as for `timekit.call.retry`
-- @tparam table runtime
-- @tparam ?Call of as `here` returned it
-- @treturn table|nil the fields of an error (`phase` or `cancelled`); nil: it may
-- @usage
-- local hindered = sending.obstacle(call, sending.here(inner))
function sending.obstacle(call, runtime, of)
  local kind, message
  if of and of.cancelled then
    -- A function that goes on regardless is not to keep the host from its own work.
    of:pass()
    kind, message = "cancelled", "cancelled by the caller"
  else
    message = sending.phase_problem(runtime)
    kind = message and "phase"
  end
  return kind and {
    kind = kind, message = message, sent = "no", attempts = 0, elapsed = 0, action = call.action, graph = call.graph,
  }
end

--- Makes a call.
-- @tparam table inner
-- @tparam table call as for `timekit.call.retry`; `timeout` (seconds), if not the client's; `spent` (seconds): what
--   counts as time of the call already
-- @treturn table|nil the data; nil on failure
-- @treturn table `info`, or the error
-- @treturn ?table after a failure the booking as it was last read, if it was
-- @treturn ?boolean after a failure whether the request may even take effect later
-- @usage
-- local booking, info = sending.run(inner, { request = request.get(id), expects = "booking" })
function sending.run(inner, call)
  local runtime, of = sending.here(inner)
  local hindered = (of or runtime.can_wait) and sending.obstacle(call, runtime, of)
  if hindered then return nil, Error.new(hindered) end
  local timeout = call.timeout or inner.timeout
  local now, number = runtime.now(), 0
  local status, request_id, remaining
  local began = now - (call.spent or 0)
  local policy, deadline = inner.policy, began + timeout
  local machine, verb, what, failure, reconciled = retry.begin(call, policy, deadline, now)
  while verb ~= "done" do
    if verb == "wait" then
      -- A hook may have closed the client.
      local cancelled = inner.pump.closed or runtime.sleep(what, inner.pump) or inner.pump.closed
      now = runtime.now()
      if cancelled then
        verb, what, failure = machine:cancel()
      else
        verb, what, failure, reconciled = machine:next(now)
      end
    else
      local data, found, doubt
      number = number + 1
      now, data, found, doubt, status, request_id, remaining =
        attempt(inner, runtime, what, call, timeout - (now - began), number, now)
      if machine then
        verb, what, failure, reconciled = machine:answer(now, data, found, doubt)
      else
        machine, verb, what, failure, reconciled =
          retry.first_answer(call, policy, deadline, now, data, found, doubt)
      end
    end
  end
  local elapsed = now - began
  if failure then
    failure.attempts, failure.elapsed = machine.attempts, elapsed
    return nil, Error.new(inner.redact(failure)), machine.seen, machine.lost == true
  end
  -- A success that a refusal told: the look after it failed.
  local heard = machine and machine.heard
  if heard then status, request_id = heard.status, inner.redact(heard.request_id) end
  return what, {
    status = status, request_id = request_id, attempts = machine and machine.attempts or 1,
    reconciled = reconciled, elapsed = elapsed, rate_limit_remaining = remaining,
  }
end

--- Waits within a call, as its requests wait for their answers.
-- @tparam table inner
-- @tparam number seconds
-- @treturn boolean|nil true; nil on failure
-- @treturn ?table the error: `phase`, the host cannot wait here; `cancelled`, the call was, or the client was closed
-- @usage
-- local waited, err = sending.pause(inner, 0.5)
function sending.pause(inner, seconds)
  local runtime, of = sending.here(inner)
  local hindered = sending.obstacle({}, runtime, of)
  if not hindered and (inner.pump.closed or runtime.sleep(seconds, inner.pump) or inner.pump.closed) then
    local message = inner.pump.closed and "the client was closed" or "cancelled by the caller"
    hindered = { kind = "cancelled", message = message, sent = "no", attempts = 0, elapsed = 0 }
  end
  if hindered then return nil, Error.new(hindered) end
  return true
end

return sending
