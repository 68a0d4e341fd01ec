--- Compares what an operation answered with what really happened.
--
-- The rules, each the name of a violation:
--
-- * `twice`: what an operation did was done at most once.
-- * `false success`: a success means that the action was applied: by this operation, or, where the answer says
--   `reconciled`, by this operation or anybody else, since a look at the booking cannot tell who it was.
-- * `false failure`: what was applied by this operation is answered with a success or as `uncertain`, or was cancelled
--   when something of it had been sent.
-- * `wrong state`: the state in the answer is one that the action leads to; in a refusal, one that the booking was in.
-- * `sent`: tells the most that is known of any of the action's requests, and `"no"` only if nothing arrived.
-- * `cause`: an uncertain answer says why.
-- * `behind the back`: no more requests arrived than the client sent.
-- * `attempts`: the answer tells how often the action was tried.
-- * `reconciled`: told exactly where no answer to the action itself was a success.
-- * `meddling`: with "report", and for a creation, nothing follows a doubtful request.
-- * `late`: the operation returned by its deadline.
-- * `raised`: no operation raises for what the world does.
-- * `needless doubt`: `uncertain` although what the client saw decides the question, or although it had tries and time
--   left to find out. `judge.why` decides this by the requests that the client sent and the answers that it got.
local graphs = require "spec.chaos.graphs"
local known = require "timekit.graphs"
local recorder = require "spec.chaos.recorder"
local truth = require "spec.chaos.truth"

local judge = {}

-- Seconds. A busy machine must not look like a late client.
local PATIENCE = 5

-- The longest pause between two tries, in seconds: with less time left it is right to give up.
local PAUSE = 5

-- Retries that a client has in any case before its budget is used up.
local BUDGET = 95

-- Does the outcome of a request leave open whether the action was applied?
local function is_doubtful(entry)
  if entry.state then return false end
  if entry.failure then return entry.sent ~= "no" end
  return entry.status < 400 or entry.status >= 500
end

local STRENGTH = { no = 1, maybe = 2, yes = 3 }

local function is_action(entry)
  return entry.method ~= "GET"
end

-- The trace in short: `tries` of the action, the first one in doubt, and the look that came last.
local function digest(trace)
  local short = { tries = 0, looks = 0, sent = "no" }
  for index, entry in ipairs(trace) do
    if is_action(entry) then
      short.tries, short.looks, short.look = short.tries + 1, 0, nil
      short.last = entry
      if STRENGTH[entry.sent] > STRENGTH[short.sent] then short.sent = entry.sent end
      if is_doubtful(entry) then short.doubt = short.doubt or index end
      if entry.state then short.success = true end
    else
      short.looks, short.look = short.looks + 1, entry
    end
  end
  return short
end

local function time_left(note, entry)
  return note.timeout - note.outcome.elapsed > math.max(PAUSE, entry.retry_after or 0) + 1
end

-- Whether the next retry may have been one too many for the client's budget.
local function is_spent(note)
  return note.spent + recorder.retries(note.trace) >= BUDGET
end

-- Why an operation is in doubt although it had read the booking: a reason, or nil and what is wrong with that.
local function why_after_look(note, short, rules)
  local state, action = short.look.state, note.action
  if not state then
    if short.looks > note.retries or is_spent(note) or not time_left(note, short.look) then return "could not look" end
    -- Failures that are not worth another try.
    local status = not short.look.failure and short.look.status or 0
    if status >= 300 and status < 500 and status ~= 429 then return "could not look" end
    return nil, "it had tries and time left to look at the booking"
  end
  if not rawget(known, note.graph) then return "unknown graph" end
  if graphs.proves(rules, action, state) then return nil, "the state it saw proves that the action was applied" end
  if graphs.recurs(rules, action) then return "cannot be repeated" end
  if rules:leads_to(action, state) then return "proves nothing" end
  if not rules:can(state, action) then
    -- Others may have acted after this operation, unless no way leads from the action's target to this state.
    for _, entry in ipairs(rules.actions) do
      if entry.name == action and graphs.reaches(rules, entry.to, state) then return "moved on" end
    end
    return "never possible"
  end
  if short.last.status == 422 or short.last.status == 404 then return "refused since" end
  if short.tries > note.retries then return "no tries left" end
  if not time_left(note, short.last) then return "no time left" end
  if is_spent(note) then return "no budget left" end
  return nil, "it had tries and time left to repeat the action"
end

--- Why an operation ended as `uncertain`.
-- @tparam table note of an operation
-- @treturn string|nil a reason:
--   "report" (it was asked not to look), "creation", "no time left",
--   "could not look" (no look got an answer, and no more tries of it were left),
--   "unknown graph" (the client has no rules for what it saw),
--   "cannot be repeated" (the action can come back later, so it may have been applied and undone),
--   "proves nothing" (other actions lead to the same state),
--   "moved on" (the state lies beyond the action: somebody else went on),
--   "never possible" (no way leads from where the action leads to the state it saw: not applied, if the graph is
--   right, but that is more than a client should stake on it),
--   "refused since" (a repeat was refused, which says nothing about the first request),
--   "no tries left", "no budget left"
-- @treturn ?string when there is none: what could have been found out
function judge.why(note)
  local short = digest(note.trace)
  if not short.doubt then return nil, "no request of it was in doubt" end
  if short.success then return nil, "it saw the action succeed" end
  if note.create then return "creation" end
  if note.uncertain == "report" then return "report" end
  local last = note.trace[#note.trace]
  if last.failure == "timeout" or not time_left(note, last) and not (short.look and short.look.state) then
    return "no time left"
  end
  if not short.look then return nil, "it did not look at the booking" end
  return why_after_look(note, short, graphs.all[note.graph])
end

local function says(violations, rule, text, ...)
  violations[#violations + 1] = { rule = rule, text = select("#", ...) > 0 and text:format(...) or text }
end

-- Did somebody else apply the action before the operation was over? Steps that no note explains were made before the
-- round, or by the sandbox itself.
local function was_applied(note, booking, all)
  for _, step in ipairs(booking.history) do
    local theirs = all.notes[step.marker]
    if step.action == note.action and not (theirs and theirs.began > note.ended) then return true end
  end
  return false
end

local function was_in(booking, state)
  for _, step in ipairs(booking.history) do
    if step.to == state then return true end
  end
  return false
end

local function check_success(note, account, all, add)
  local outcome = note.outcome
  if note.create then
    if #account.applied == 0 then add("false success", "nothing was created") end
    return
  end
  local step = account.applied[1]
  if not step and not outcome.reconciled then
    add("false success", "the action was not applied by this operation, and the answer does not say `reconciled`")
  elseif not step and not was_applied(note, all.bookings[note.booking], all) then
    add("false success", "nobody had applied the action")
  end
  if not graphs.all[note.graph]:leads_to(note.action, outcome.state) then
    add("wrong state", "'%s' does not lead to '%s'", note.action, tostring(outcome.state))
  end
  local answered = digest(note.trace).success == true
  if answered == outcome.reconciled then
    add("reconciled", "%s, but the action itself %s", tostring(outcome.reconciled),
      answered and "was answered with a success" or "had no such answer")
  end
end

local function check_failure(note, account, booking, add)
  local outcome = note.outcome
  -- A caller who cancels a request under way does not want to know.
  local is_open = outcome.kind == "uncertain" or outcome.kind == "cancelled" and outcome.sent ~= "no"
  if not is_open and #account.applied > 0 then
    add("false failure", "answered '%s', but it was applied", outcome.kind)
  end
  local sent = digest(note.trace).sent
  if outcome.sent ~= sent then add("sent", "says %s, was %s", outcome.sent, sent) end
  if outcome.sent == "no" and account.requests > 0 then add("sent", "%d requests arrived", account.requests) end
  if booking and (outcome.state or outcome.kind == "transition") and not was_in(booking, outcome.state) then
    add("wrong state", "the booking never was in '%s'", tostring(outcome.state))
  end
  if outcome.kind == "uncertain" then
    if not outcome.cause then add("cause", "there is none") end
    local why, problem = judge.why(note)
    if not why then add("needless doubt", problem) end
    note.why = why
  end
end

-- The first request that leaves a doubt, but for the rate limit's 503 where a repeat is known to be safe.
local function first_lost(note)
  local rules = note.hint and rawget(known, note.hint.graph or "")
  local safe = rules and rules:is_repeatable(note.action)
  for index, entry in ipairs(note.trace) do
    if is_action(entry) and is_doubtful(entry) and not (safe and entry.limited) then return index end
  end
  return nil
end

local function check_requests(note, account, add)
  local outcome, short = note.outcome, digest(note.trace)
  if account.requests > short.tries then
    add("behind the back", "%d requests arrived, %d were sent", account.requests, short.tries)
  end
  if outcome.attempts ~= short.tries then
    add("attempts", "says %s, were %d", tostring(outcome.attempts), short.tries)
  end
  local lost = first_lost(note)
  if (note.uncertain == "report" or note.create) and lost and lost < #note.trace then
    add("meddling", "request %d was in doubt, %d were sent", lost, #note.trace)
  end
  if outcome.elapsed > note.timeout + PATIENCE then
    add("late", "it took %.3f of %.3f seconds", outcome.elapsed, note.timeout)
  end
end

--- Judges an operation.
-- A note gets `doubt`, where a request left it open if the action was applied; `why`, the reason of an `uncertain`
-- outcome; `credited`, where somebody else had brought the success about.
-- @tparam table note from spec/chaos/writer.lua
-- @tparam table all from `truth.read`
-- @treturn {table,...} violations: `rule`, `text`
function judge.operation(note, all)
  local violations = {}
  local function add(rule, text, ...) says(violations, rule, text, ...) end
  local account = truth.of(all, note.marker)
  if note.outcome.kind == "raised" then
    add("raised", "%s", note.outcome.text)
    return violations
  end
  note.doubt = digest(note.trace).doubt ~= nil
  if #account.applied > 1 then add("twice", "applied %d times", #account.applied) end
  if note.outcome.kind == "success" then
    check_success(note, account, all, add)
    note.credited = not note.create and #account.applied == 0 or nil
  else
    check_failure(note, account, all.bookings[note.booking], add)
  end
  check_requests(note, account, add)
  return violations
end

return judge
