--- Carries out the jobs of a queue: takes them, performs their actions, and tells what became of each.
--
-- Right before each try the job is marked as sent, and only the taker whose fence is still the job's may do that. So a
-- worker that comes late sends nothing. One that finds a mark begins with a look at the booking, as after any doubt.
-- @module timekit.methods.queue_worker

local core = require "timekit.core"
local handles = require "timekit.booking"
local refusal = require "timekit.rules.refusal"

local worker = {}

-- Seconds between the end of a call's time and that of its lease, in which its outcome is told.
local MARGIN = 10

-- Seconds until a job is tried again: twice as long each time.
local FIRST_DELAY, LONGEST_DELAY = 1, 300

-- A longer Retry-After counts as this: a server that names centuries by mistake would keep the job, which nobody may
-- cancel if it was sent.
local LONGEST_NAMED = 3600

-- Tries after which an action that stays in doubt is left to a person.
local MOST_DOUBTS = 20

-- Seconds: how often an idle worker looks, how long it lets a Redis that is away, or a key that is refused, alone.
local POLL, AWAY, SIGNED_OUT = 1, 0.3, 30

-- Seconds. A shorter pause is slept; for a longer one the bell is listened to.
local SHORT = 0.02

--- A worker.
-- @type Worker
local Worker = {}
Worker.__index = Worker

local function host(self)
  local runner = self.client.runner
  return { runtime = (runner:here()), pump = runner.pump }
end

local function encode(value)
  return assert(core.encode(value))
end

local function outcome_of(err)
  return encode {
    kind = err.kind, message = err.message, state = err.state, status = err.status, sent = err.sent,
    request_id = err.request_id,
  }
end

local function delay_of(job, err)
  local backoff = math.min(LONGEST_DELAY, FIRST_DELAY * 2 ^ math.min(20, math.max(0, job.tries - 1)))
  return math.max(math.min(err.retry_after or 0, LONGEST_NAMED), backoff * (0.5 + 0.5 * math.random()))
end

-- ---- how a job ends ----

-- What follows from an error: a state, or "again" and whether the action may have been sent.
local function verdict_of(job, err)
  if err.kind == "transition" and err.already then return "done" end
  if err.kind == "uncertain" or err.kind == "cancelled" and (job.sent or err.sent ~= "no") then
    -- Nothing was seen: time or the network had run out. What was seen to be possible and may be repeated can be tried
    -- again as well; more looks would not tell more of anything else.
    local rules = err.state and refusal.rules(err.graph)
    local is_open = rules and rules:can(err.state, job.action) and rules:is_repeatable(job.action)
    if err.state and not is_open or job.tries >= MOST_DOUBTS then return "dead" end
    return "again", true
  end
  if err.kind == "auth" or err.kind == "cancelled" or err.retryable then
    return "again", job.sent
  end
  return "failed"
end

-- Tells Redis what became of a job. Returns the word for `on_job`.
local function tell(self, job, booking, info)
  local jobs, at = self.jobs, host(self)
  local told, word
  if booking then
    word = "done"
    told = jobs:finish(at, job, word, encode {
      state = booking.state, reconciled = info.reconciled, attempts = info.attempts, request_id = info.request_id,
    })
  else
    local verdict, sent = verdict_of(job, info)
    word = verdict
    if verdict == "again" then told = jobs:again(at, job, delay_of(job, info), sent, outcome_of(info))
    else told = jobs:finish(at, job, verdict, outcome_of(info))
    end
  end
  return told == 1 and word or "lost"
end

-- ---- performing one ----

-- The function that `timekit.call.run` calls right before it sends the action.
local function announcer(self, job, state)
  return function(left)
    local marked, failure = self.jobs:mark(host(self), job, left + MARGIN)
    if marked == 1 then return nil end
    if marked == 0 then
      state.is_lost = true
      return { kind = "cancelled", message = "another worker has this job" }
    end
    return { kind = "network", message = failure.message }
  end
end

local function note(self, job, word, info)
  if self.on_job then
    self.on_job { id = job.id, booking = job.booking, action = job.action, tries = job.tries, what = word, info = info }
  end
end

local function decoded(text)
  local value = core.decode(text)
  return next(value) ~= nil and value or nil
end

local function perform(self, job, taken)
  -- A worker that was stopped for long finds its lease gone.
  if core.now() >= taken + self.lease then return note(self, job, "lost") end
  local operation, refused = handles.check(self.client, job.booking, job.action, decoded(job.inputs),
    decoded(job.options), "queue:work", 1)
  if not operation then return note(self, job, tell(self, job, nil, refused), refused) end
  local state = { is_lost = false }
  operation.is_bulk, operation.announce = job.is_bulk, announcer(self, job, state)
  operation.timeout = math.min(operation.timeout or self.timeout, self.timeout)
  if job.sent then
    operation.doubted = { kind = "uncertain", message = "the worker that had begun it was lost", sent = "maybe" }
    operation.lost, operation.resend = true, true
  end
  local booking, info = self.client.runner:run(operation)
  if state.is_lost then return note(self, job, "lost", info) end
  if not booking and info.kind == "auth" then self.signed_out_until = core.now() + SIGNED_OUT end
  note(self, job, tell(self, job, booking, info), info)
end

-- ---- taking them ----

local function is_stopping(self)
  return self.client.closed or self.group:is_ending() or self.stop and self.stop()
end

local function wake(self)
  local turn = self.turn
  self.turn = nil
  if turn then
    turn.is_over = true
    self.group.pump:wake(turn)
  end
end

local function start(self, job, taken)
  self.running = self.running + 1
  self.group:add(function()
    perform(self, job, taken)
    self.running = self.running - 1
    wake(self)
  end)
end

local Turn = {}
Turn.__index = Turn

function Turn:done() return self.is_over end

function Turn:cancel() self.is_over = true end

-- Until a job that runs is over.
local function await_slot(self)
  self.turn = setmetatable({ is_over = false }, Turn)
  local at = host(self)
  at.runtime.wait(at.pump, self.turn, POLL)
  self.turn = nil
end

local function pause(self, seconds)
  return self.client.runner:pause(seconds)
end

-- Redis gave nothing. What it said is told once.
local function let_rest(self, failure)
  if self.on_trouble and failure.kind ~= "cancelled" and failure.message ~= self.trouble then
    self.trouble = failure.message
    self.on_trouble(failure)
  end
  return pause(self, AWAY)
end

local function await_job(self, next_job)
  local seconds = math.min(POLL, next_job)
  if seconds <= SHORT then return pause(self, math.max(0.001, seconds)) end
  local is_asked, failure = self.jobs:listen(host(self), self.bell, seconds)
  if is_asked == nil then return let_rest(self, failure) end
  self.trouble = nil
end

local function take(self)
  local taken = core.now()
  local list, next_job = self.jobs:take(host(self), self.name, self.concurrency - self.running, self.lease)
  if not list then return let_rest(self, next_job) end
  if list[1] then self.trouble = nil end
  for _, job in ipairs(list) do start(self, job, taken) end
  if not list[1] then await_job(self, next_job) end
end

local function dispatch(self)
  while not is_stopping(self) do
    local signed_out = self.signed_out_until - core.now()
    if signed_out > 0 then pause(self, math.min(POLL, signed_out))
    elseif self.running >= self.concurrency then await_slot(self)
    else take(self)
    end
  end
end

--- Works until it is told to stop, and until what is in flight is over.
-- @tparam Client client
-- @tparam Jobs jobs
-- @tparam Link bell a link that nobody else uses
-- @tparam string name of the worker
-- @tparam table given `concurrency`, `stop`, `on_job`: see `Queue:work`; `on_trouble`: gets a
--   failure as of `timekit.redis.link`
function worker.run(client, jobs, bell, name, given)
  local group, runtime = client.runner:group()
  local timeout = client.runner.timeout
  local self = setmetatable({
    client = client, jobs = jobs, bell = bell, name = name, group = group,
    concurrency = given.concurrency or 16, stop = given.stop, on_job = given.on_job, on_trouble = given.on_trouble,
    trouble = nil,                                -- what `on_trouble` was told, until Redis gives jobs again
    timeout = timeout, lease = timeout + MARGIN,  -- seconds: of an action, and of a job
    running = 0,                                  -- jobs in flight
    turn = nil,                                   -- what the dispatcher waits for while as many run as may
    signed_out_until = 0,                         -- until when no job is taken, since Timekit refused the key
  }, Worker)
  function group.on_problem() wake(self) end
  group:add(dispatch, self)
  group:join(runtime)
end

return worker
