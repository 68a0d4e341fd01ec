--- Whether a request is sent again, when, and what became of an action whose outcome is not known (design.md 3).
--
-- A call is a machine: ask it what to do next, do it, tell it what came. It never waits or sends by itself. Pure: the
-- time comes from the caller, randomness from the policy.
--
-- An action that may or may not have been applied is looked into by reading the booking: its graph and its state
-- decide. Once there was such a doubt, the call ends as a success or as `uncertain`, whatever else happens to it: a
-- refusal of the repeat says nothing about the first request, which may still be under way.
-- @module timekit.call.retry

local refusal = require "timekit.rules.refusal"
local response = require "timekit.http.response"

local retry = {}

-- Backoff with full jitter: between nothing and twice as long each time, in seconds.
local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5

local STRENGTH = { no = 1, maybe = 2, yes = 3 }

-- What a machine begins with.
local Machine = { attempts = 0, sent = "no", retried = false, booked = false, looking = false }
Machine.__index = Machine

--- Makes the machine of one call.
-- @tparam table call `request`; `writes`, `action`, `graph`, `effect` as for `timekit.http.response`; `look`: the
--   request that reads the booking, for what changes one, or a function(call) that makes it when it is needed;
--   `proves`, where that is no action: function(booking, failure) of what the look brought, returns the data of a
--   success where it proves one, else nil. An action that was sent already, as part of another request, has `doubted`,
--   the failure that left it in doubt, and `lost`: it may even take effect later. The machine begins with the look then,
--   and never sends the action
-- @tparam table policy `retries` (further tries), `uncertain` (`"reconcile"` or `"report"`), `random` (function: 0 to
--   1), `budget` (see `timekit.call.budget`), `limiter` (see `timekit.call.rate`, or nil)
-- @tparam number deadline seconds, on the clock that the other functions are given
-- @treturn Machine
-- @usage
-- local machine = retry.new(call, policy, now() + 30)
-- local verb, request = machine:next(now())     --> "send", call.request
function retry.new(call, policy, deadline)
  local self = setmetatable({ call = call, policy = policy, deadline = deadline, attempts = 0 }, Machine)
  local doubted = call.doubted
  if doubted then
    self.failure, self.cause, self.sent, self.lost = doubted, doubted, doubted.sent, call.lost
    self.looking, self.looks, self.refused = true, 0, true
  end
  return self
end

-- A refusal of the repeat that names the state which the action leads to is as good as a look, but for the body: of
-- that there is what was seen before, or what is known without having seen it.
local function booking_by_refusal(self)
  local heard, seen = self.heard, self.seen or { id = self.call.id, graph = self.call.graph }
  local rules = refusal.rules(seen.graph)
  if not rules or not heard or heard.kind ~= "transition" or heard.action ~= self.call.action then return nil end
  if not rules:proves(heard.action, heard.state) then return nil end
  local booking = {}
  for name, value in pairs(seen) do booking[name] = value end
  booking.state, booking.completed = heard.state, rules:is_final(heard.state)
  booking.available_actions, booking.possible_actions = nil, nil
  return booking
end

local function succeed(self, data, reconciled)
  self.policy.budget:give(self.retried)
  return "done", data, nil, reconciled
end

-- What is certain to be told: a plain failure while nothing is in doubt, `uncertain` from the first doubt on.
-- `failure`: what ends the call; from a doubt on it may be left out where the action's last try does.
local function fail(self, failure)
  if self.cause then
    local booking = self.policy.uncertain ~= "report" and booking_by_refusal(self)
    if booking then return succeed(self, booking, true) end
    -- When to come back is what was said last, be it to the action or to a look.
    local retry_after = failure and failure.retry_after or self.failure.retry_after
    failure = response.uncertain(self.call, self.cause, self.seen, self.heard and self.heard.state)
    failure.retry_after = retry_after
  end
  failure.sent = self.sent
  return "done", nil, failure
end

-- The caller gave up, whatever is known by then: a doubt that there was before is told, too.
local function cancelled(self, failure)
  failure.sent, failure.cause = self.sent, self.cause
  failure.action, failure.graph = self.call.action, self.call.graph
  return "done", nil, failure
end

-- A failure of our own making, before anything went out.
local function unsent(self, kind, message, retry_after)
  return {
    kind = kind, message = message, retry_after = retry_after, retryable = true,
    action = self.call.action, graph = self.call.graph,
  }
end

local function pause(self, failure, tries)
  if failure.retry_after then return failure.retry_after end
  return self.policy.random() * math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ (tries - 1))
end

-- Whether the action, or the look at the booking, may be tried once more after that many `tries`; pays for it.
local function may_retry(self, now, wait, tries)
  if tries > self.policy.retries or now + wait >= self.deadline then return false end
  local paid = self.policy.budget:take()
  self.retried = self.retried or paid
  return paid
end

--- What to do now: at the start, and after each wait.
-- @tparam number now seconds
-- @treturn string `"send"`, `"wait"` or `"done"`
-- @return `"send"`: the request; tell `answer` what came. `"wait"`: seconds; call `next` after them.
--   `"done"`: the data, or nil
-- @treturn ?table with `"done"`: the fields of the error
-- @treturn ?boolean with `"done"` and data: it was found out by reading the booking
function Machine:next(now)
  local limiter = self.policy.limiter
  if self.call.doubted and self.policy.uncertain == "report" then return fail(self) end
  if now >= self.deadline then
    if self.booked then limiter:give_back() end
    return fail(self, self.failure or unsent(self, "timeout", "no time was left to send the request"))
  end
  if limiter and not self.booked then
    local wait = limiter:take(now)
    if now + wait >= self.deadline then
      limiter:give_back()
      local message = ("the client's own rate limit allows the next request in %.3g seconds"):format(wait)
      return fail(self, unsent(self, "rate_limited", message, wait))
    end
    self.booked = true
    if wait > 0 then return "wait", wait end
  end
  if self.booked then self.booked = false end
  if self.looking then
    self.looks = self.looks + 1
    local call = self.call
    if type(call.look) == "function" then call.look = call:look() end
    return "send", call.look
  end
  self.attempts = self.attempts + 1
  return "send", self.call.request
end

--- The caller cancels the call while it waits.
-- @return as of `next`
function Machine:cancel()
  if self.booked then self.policy.limiter:give_back() end
  return cancelled(self, { kind = "cancelled", message = "cancelled by the caller" })
end

-- Looks at the booking, where that is wanted and possible.
local function look(self, now)
  if not self.call.look or self.policy.uncertain == "report" then return fail(self) end
  self.looking, self.looks = true, 0
  return self:next(now)
end

local function looked(self, now, data, failure)
  if failure then
    if failure.kind == "cancelled" then return cancelled(self, failure) end
    local proof = self.call.proves and self.call.proves(nil, failure)
    if proof then return succeed(self, proof, true) end
    local wait = pause(self, failure, self.looks)
    if failure.retryable and may_retry(self, now, wait, self.looks) then return "wait", wait end
    return fail(self, failure)
  end

  self.looking, self.seen, self.heard = false, data, nil
  if self.call.proves then
    local proof = self.call.proves(data)
    if proof then return succeed(self, proof, true) end
    return fail(self)
  end
  local action, rules = self.call.action, refusal.rules(data.graph)
  if not rules then return fail(self) end
  if rules:proves(action, data.state) then return succeed(self, data, true) end
  if not rules:can(data.state, action) then return fail(self) end
  -- What a booking can go through more than once may have been applied and undone since.
  if not rules:is_repeatable(action) then return fail(self) end
  local wait = pause(self, self.failure, self.attempts)
  if not self.refused and may_retry(self, now, wait, self.attempts) then return "wait", wait end
  if self.lost then return fail(self) end
  -- Timekit's rate limit left the doubt each time, so nothing is under way any more, and the booking is where it was.
  self.cause = nil
  -- A refusal for a state goes on telling of that one, in which its other fields hold.
  if self.failure.kind ~= "transition" then self.failure.graph, self.failure.state = data.graph, data.state end
  return fail(self, self.failure)
end

local function is_repeatable(call)
  local rules = refusal.rules(call.graph)
  return call.action ~= nil and rules ~= nil and rules:is_repeatable(call.action)
end

--- What came of the request that `next` or `answer` asked to send.
-- @tparam number now seconds
-- @tparam ?table data as `timekit.response.read` returned it
-- @tparam ?table failure likewise
-- @tparam ?string doubt likewise: the request may have taken effect nevertheless
-- @return as of `next`
function Machine:answer(now, data, failure, doubt)
  -- Only the deadline ends a request that had been sent.
  if failure and failure.kind == "timeout" and failure.sent ~= "no" then now = self.deadline end
  if self.looking then return looked(self, now, data, failure) end
  if data then return succeed(self, data, false) end

  if STRENGTH[failure.sent] > STRENGTH[self.sent] then self.sent = failure.sent end
  self.failure = failure
  if failure.kind == "cancelled" then return cancelled(self, failure) end
  local again = failure.retryable
  if doubt then
    self.cause = self.cause or failure
    self.lost = self.lost or doubt == "lost"
    again = not self.lost and is_repeatable(self.call)
  end
  if again then
    local wait = pause(self, failure, self.attempts)
    if may_retry(self, now, wait, self.attempts) then return "wait", wait end
  end
  if not self.cause then return fail(self, failure) end
  if not doubt and not failure.retryable then self.refused, self.heard = true, failure end
  return look(self, now)
end

--- Begins a call as `new` and `next` do. Nearly every call is over after one try: there is no machine before something
-- went wrong, unless one has a say in whether to begin.
-- @tparam table call as for `new`
-- @tparam table policy likewise
-- @tparam number deadline likewise
-- @tparam number now seconds
-- @treturn Machine|nil nil: `first_answer` is to be told what came of the request
-- @return as of `next`
-- @usage
-- local machine, verb, what = retry.begin(call, policy, now() + 30, now())   --> nil, "send", call.request
function retry.begin(call, policy, deadline, now)
  if not policy.limiter and not call.doubted and now < deadline then return nil, "send", call.request end
  local machine = retry.new(call, policy, deadline)
  return machine, machine:next(now)
end

--- What came of the first request of a call that `begin` made no machine for.
-- @tparam table call as for `begin`
-- @tparam table policy likewise
-- @tparam number deadline likewise
-- @tparam number now seconds
-- @tparam ?table data as for `answer`
-- @tparam ?table failure likewise
-- @tparam ?string doubt likewise
-- @treturn Machine|nil nil: the call is over, after one try
-- @return as of `next`
-- @usage
-- machine, verb, what = retry.first_answer(call, policy, deadline, now(), data, failure, doubt)
function retry.first_answer(call, policy, deadline, now, data, failure, doubt)
  if data then
    policy.budget:give(false)
    return nil, "done", data, nil, false
  end
  local machine = retry.new(call, policy, deadline)
  machine.attempts = 1
  return machine, machine:answer(now, data, failure, doubt)
end

return retry
