--- Decides whether a request is sent again and when, and what became of an operation whose outcome is not known.
--
-- Each operation has a machine: ask it what to do next, do it, tell it what came. The machine neither waits nor sends.
-- It is pure: the time comes from the caller, randomness from the policy.
--
-- An action that may or may not have been applied is looked into: the booking is read, and its graph and state decide.
-- From the first such doubt on the operation ends as a success or as `uncertain`, whatever else happens: a refusal of
-- the repeat says nothing about the first request, which may still be under way.
-- @module timekit.call.retry

local ascii = require "timekit.text.ascii"
local refusal = require "timekit.rules.refusal"
local response = require "timekit.http.response"

local retry = {}

-- Seconds. Backoff with full jitter: a random pause, at most twice as long each time.
local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5

local STRENGTH = { no = 1, maybe = 2, yes = 3 }

-- What a machine begins with, beside what `retry.new` sets. Nearly every operation ends after one try, so its machine
-- is small: these fields become its own when they change.
local Machine = {
  looks = 0,                 -- tries of the present look
  looked = 0,                -- tries of all looks
  looking = false,           -- the request asked for is the look
  look_request = nil,        -- that request, once it is built
  sent = "no",               -- the strongest `sent` of the tries
  failure = nil,             -- the last failed try of the request
  cause = nil,               -- the first failure that left the outcome in doubt
  lost = false,              -- the request may even take effect later
  refused = false,           -- the request must not be sent (again)
  last_refusal = nil,        -- the server's refusal of a repeat, until a look reads the booking after it
  seen = nil,                -- the booking, as the last look showed it
  booked = false,            -- a token of the limiter is held for the next request
  retried = false,           -- a retry was paid for
  problem = nil,             -- the end: the fields of the error
  reconciled = false,        -- the end: the success was found out by reading the booking
}
Machine.__index = Machine

--- Makes the machine of one operation.
-- @tparam table operation `request`; `writes`, `action`, `graph`, `effect` as for `timekit.http.response`; `look`:
--   function(operation) that builds the request which reads the booking, for an operation that changes one; `proves`,
--   unless the operation is an action: function(booking, failure) of what the look brought, returns the data of a
--   success if it proves one, else nil; `prefetched`: the first try, if it is under way already (see
--   `timekit.call.prefetch`).
--   An action that was sent already has `doubted`, the failure that left it in doubt, and `lost`: it may even take
--   effect later. Its machine begins with the look. It then sends the action only if `resend` is set, and only if the
--   look has shown that this is safe
-- @tparam table policy `retries` (further tries), `uncertain` (`"reconcile"` or `"report"`), `random` (function: 0 to
--   1), `budget` (see `timekit.call.budget`), `limiter` (see `timekit.call.rate`, or nil)
-- @tparam number deadline seconds, on the clock that the other functions are given
-- @tparam ?number began for whoever carries the operation out: when it began
-- @tparam ?number now likewise: the time
-- @treturn Machine
-- @usage
-- local machine = retry.new(operation, policy, now() + 30)
-- local verb, request = machine:next(now())     --> "send", operation.request
function retry.new(operation, policy, deadline, began, now)
  local self = setmetatable({
    operation = operation, policy = policy, deadline = deadline,
    attempts = 0,            -- tries of the request itself
    -- Of `timekit.call.run`, see there: when the operation began, when the latest step of it was taken, the transfer
    -- that is under way, and its event of the hooks.
    began = began, at = now, transfer = nil, event = nil,
  }, Machine)
  if operation.prefetched then self.booked = true end
  local doubted = operation.doubted
  if doubted then
    self.looking, self.failure, self.cause, self.sent = true, doubted, doubted, doubted.sent
    self.lost, self.refused = operation.lost or false, not operation.resend
  end
  return self
end

-- The server refused the repeat because the booking is already in the target state. That proves success. The refusal
-- carries no booking, so this is the last one that was read, with its state updated.
local function booking_by_refusal(self)
  local refused, seen = self.last_refusal, self.seen or { id = self.operation.id, graph = self.operation.graph }
  local rules = refusal.rules(seen.graph)
  if not rules or not refused or refused.kind ~= "transition" then return nil end
  if refused.action ~= self.operation.action or not rules:proves(refused.action, refused.state) then return nil end
  local booking = {}
  for name, value in pairs(seen) do booking[name] = value end
  booking.state, booking.completed = refused.state, rules:is_final(refused.state)
  booking.available_actions, booking.possible_actions = nil, nil
  return booking
end

local function succeed(self, data, reconciled)
  self.policy.budget:give(self.retried)
  if reconciled then self.reconciled = true end
  return "done", data
end

-- Ends the operation: with the failure itself while nothing is in doubt, with `uncertain` once it is. From a doubt on
-- `failure` may be left out; the last failed try stands in for it.
local function fail(self, failure)
  if self.cause then
    local booking = self.policy.uncertain ~= "report" and booking_by_refusal(self)
    if booking then return succeed(self, booking, true) end
    local retry_after = failure and failure.retry_after or self.failure.retry_after
    failure = response.uncertain(self.operation, self.cause, self.seen, self.last_refusal and self.last_refusal.state)
    failure.retry_after = retry_after
  end
  failure.sent = self.sent
  self.problem = failure
  return "done"
end

-- Ends the operation because the caller gave it up. The error's `cause` tells of an earlier doubt.
local function give_up(self, failure)
  failure.sent, failure.cause = self.sent, self.cause
  failure.action, failure.graph = self.operation.action, self.operation.graph
  self.problem = failure
  return "done"
end

-- A failure of our own making, before anything went out.
local function unsent(self, kind, message, retry_after)
  return {
    kind = kind, message = message, retry_after = retry_after, retryable = true,
    action = self.operation.action, graph = self.operation.graph,
  }
end

local function pause(self, failure, tries)
  local backoff = self.policy.random() * math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ (tries - 1))
  -- A server that says "at once" to everybody would be sent all their repeats at once.
  return math.max(failure.retry_after or 0, backoff)
end

-- The pause before one more try of the request, or of the look, after so many `tries`. The budget pays for that try.
-- nil: there must be none.
local function pause_before_retry(self, now, failure, tries)
  local wait = pause(self, failure, tries)
  if tries > self.policy.retries or now + wait >= self.deadline or not self.policy.budget:take() then return nil end
  self.retried = true
  return wait
end

-- `wait`: nil if it is not known. `problem`: what ails the limiter, if something does.
local function fail_for_rate(self, wait, problem)
  local when = wait and ("allows the next request in %s seconds"):format(ascii.number(wait, 3))
  local message = ("the client's own rate limit %s%s"):format(
    when or "allowed no request in time", problem and (" (%s)"):format(problem) or "")
  return fail(self, unsent(self, "rate_limited", message, wait))
end

-- Takes the limiter's token for the next request. Returns what to do instead if the request must wait, or would come
-- too late.
local function book(self, now, limiter)
  if self.booked then return nil end
  if limiter.is_shared then return "book", self.deadline - now end
  local wait = limiter:take(now)
  if now + wait >= self.deadline then
    limiter:give_back()
    return fail_for_rate(self, wait)
  end
  self.booked = true
  if wait > 0 then return "wait", wait end
end

local function give_token_back(self)
  if self.booked and self.policy.limiter then self.policy.limiter:give_back() end
  self.booked = false
end

--- What to do now: at the start, and after each wait.
-- @tparam number now seconds
-- @treturn string `"send"`, `"wait"`, `"book"` or `"done"`
-- @return `"send"`: the request (`looking` says whether it is the look); tell `answer` what came. `"wait"`: seconds;
--   call `next` after them. `"book"`: the seconds that are left; book the request at the limiter, and tell `told` what
--   it said. `"done"`: the data and `reconciled`, or nil and `problem`, the fields of the error
function Machine:next(now)
  local operation, looking = self.operation, self.looking
  if looking and operation.doubted and self.policy.uncertain == "report" then return fail(self) end
  if now >= self.deadline then
    give_token_back(self)
    return fail(self, self.failure or unsent(self, "timeout", "no time was left to send the request"))
  end
  local limiter = self.policy.limiter
  if limiter then
    local verb, what = book(self, now, limiter)
    if verb then return verb, what end
    self.booked = false
  end
  if not looking then
    self.attempts = self.attempts + 1
    return "send", operation.request
  end
  self.looks, self.looked = self.looks + 1, self.looked + 1
  -- Built on demand: only an uncertain operation needs it.
  self.look_request = self.look_request or operation:look()
  return "send", self.look_request
end

--- A limiter that is shared has answered: see `"book"`.
-- @tparam number now seconds
-- @tparam string verdict as of `timekit.call.shared_rate`
-- @tparam ?number wait seconds, of a refusal that names them
-- @tparam ?string problem likewise
-- @return as of `next`
function Machine:told(now, verdict, wait, problem)
  if verdict == "cancelled" then return self:cancel() end
  if verdict == "refused" then return fail_for_rate(self, wait, problem) end
  self.booked = true
  return self:next(now)
end

--- Counts one more try of the request itself, which no answer of the server has asked for.
-- @treturn table the request
function Machine:repeat_request()
  self.attempts = self.attempts + 1
  return self.operation.request
end

--- All requests that were sent so far, looks included.
-- @treturn integer
function Machine:tries()
  return self.attempts + self.looked
end

--- The caller cancels the operation while it waits.
-- @return as of `next`
function Machine:cancel()
  give_token_back(self)
  return give_up(self, { kind = "cancelled", message = "cancelled by the caller" })
end

local function is_repeatable(operation)
  local rules = refusal.rules(operation.graph)
  return operation.action ~= nil and rules ~= nil and rules:is_repeatable(operation.action)
end

-- What a look that failed says about the operation: a verdict, and the data that it proves.
local function verdict_of_failure(operation, failure)
  if failure.kind == "cancelled" then return "given up" end
  local proof = operation.proves and operation.proves(nil, failure)
  if proof then return "applied", proof end
  return failure.retryable and "look again" or "unknown"
end

-- What the booking that was read says, likewise.
local function verdict_of_booking(operation, booking)
  if operation.proves then
    local proof = operation.proves(booking)
    return proof and "applied" or "unknown", proof
  end
  local rules, action = refusal.rules(booking.graph), operation.action
  if not rules then return "unknown" end
  if rules:proves(action, booking.state) then return "applied", booking end
  -- That the action is possible proves nothing if it is not repeatable: it may have been applied, and undone since.
  if rules:can(booking.state, action) and rules:is_repeatable(action) then return "not applied" end
  return "unknown"
end

-- What follows from a verdict. Each returns what `next` does.
local VERDICTS = {}

VERDICTS["applied"] = function(self, _, proof) return succeed(self, proof, true) end

VERDICTS["unknown"] = function(self, _, _, failure) return fail(self, failure) end

VERDICTS["given up"] = function(self, _, _, failure) return give_up(self, failure) end

VERDICTS["look again"] = function(self, now, _, failure)
  local wait = pause_before_retry(self, now, failure, self.looks)
  if wait then return "wait", wait end
  return fail(self, failure)
end

VERDICTS["not applied"] = function(self, now)
  if self.attempts == 0 and not self.refused then return self:next(now) end
  local wait = not self.refused and pause_before_retry(self, now, self.failure, self.attempts)
  if wait then return "wait", wait end
  if self.lost then return fail(self) end
  -- Only Timekit's rate limit left a doubt, so nothing is under way, and the look has shown that nothing happened.
  self.cause = nil
  -- A refusal of the kind `transition` keeps the state that it is about: its other fields belong to that state.
  if self.failure.kind ~= "transition" then
    self.failure.graph, self.failure.state = self.seen.graph, self.seen.state
  end
  return fail(self, self.failure)
end

local function answer_look(self, now, booking, failure)
  if failure then
    local verdict, proof = verdict_of_failure(self.operation, failure)
    return VERDICTS[verdict](self, now, proof, failure)
  end
  self.looking, self.seen, self.last_refusal = false, booking, nil
  local verdict, proof = verdict_of_booking(self.operation, booking)
  return VERDICTS[verdict](self, now, proof)
end

-- Looks at the booking, where that is wanted and possible.
local function look(self, now)
  if not self.operation.look or self.policy.uncertain == "report" then return fail(self) end
  self.looking, self.looks = true, 0
  return self:next(now)
end

--- What came of the request that `next` or `answer` asked to send.
-- @tparam number now seconds
-- @tparam ?table data as `timekit.http.response.read` returned it
-- @tparam ?table failure likewise
-- @tparam ?string doubt likewise: the request may have taken effect nevertheless
-- @return as of `next`
function Machine:answer(now, data, failure, doubt)
  -- A request that was sent times out at the deadline only, so no time is left, whatever the clock says.
  if failure and failure.kind == "timeout" and failure.sent ~= "no" then now = self.deadline end
  if self.looking then return answer_look(self, now, data, failure) end
  if data then return succeed(self, data, false) end

  if STRENGTH[failure.sent] > STRENGTH[self.sent] then self.sent = failure.sent end
  self.failure = failure
  if failure.kind == "cancelled" then return give_up(self, failure) end
  local again = failure.retryable
  if doubt then
    self.cause = self.cause or failure
    self.lost = self.lost or doubt == "lost"
    again = not self.lost and is_repeatable(self.operation)
  end
  local wait = again and pause_before_retry(self, now, failure, self.attempts)
  if wait then return "wait", wait end
  if not self.cause then return fail(self, failure) end
  if not doubt and not failure.retryable then self.refused, self.last_refusal = true, failure end
  return look(self, now)
end

return retry
