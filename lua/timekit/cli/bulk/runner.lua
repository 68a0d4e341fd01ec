--- Performs the rows of a bulk run, several at once, and notes in the journal what it does before it does it.
-- @module timekit.cli.bulk.runner

local timekit = require "timekit"
local core = require "timekit.core"
local record = require "timekit.cli.bulk.record"
local schedule = require "timekit.cli.bulk.schedule"

local runner = {}

-- Seconds between two looks at signals and at the progress.
local TICK = 0.2

-- How often a row whose outcome stays uncertain is looked into again, and the pause before that in seconds, twice as
-- long each time.
local LOOKS, FIRST_PAUSE = 3, 1

-- Seconds: the pause after a refusal for the rate that names none, twice as long each time up to the last one.
local REFUSED_PAUSE, LONGEST_PAUSE = 1, 60

-- Seconds: a shorter wait is not worth a word.
local LEAST_WAIT = 0.5

-- So many rows one after the other that do not even leave: there is no network, or no Timekit.
local MOST_UNSENT = 100

local SENT_BEFORE = { sent_before = true }

--- What performs the rows.
-- @type Runner
local Runner = {}
Runner.__index = Runner

--- Makes it.
-- @tparam table options `source` (see `timekit.cli.bulk.schedule`), `journal`, `results`, `tally`, `concurrency`,
--   `applied` (id → the action that an earlier run applied, or nil), `stop_on_error`, `patient` (uncertain rows are
--   looked into again), `signals` (function: how many came), `tick` (function(runner), called a few times a second)
-- @treturn Runner
function runner.new(options)
  local self
  local function source()
    local ok, row = pcall(options.source)
    if ok then return row end
    self:fail(tostring(row))
    return false
  end
  self = setmetatable({
    options = options, journal = options.journal, results = options.results, tally = options.tally,
    schedule = schedule.new(source, options.results),
    active = 0,       -- calls that perform rows
    requests = 0,     -- requests under way
    performing = {},  -- coroutine → row
    recent = options.applied or {}, older = {}, count = 0, -- id → the action that was applied last
    gate = 0,         -- no row begins before this time, since Timekit asked for a pause
    refusals = 0,     -- refusals for the rate, one after the other
    unsent = 0,       -- rows that could not be sent, one after the other
    trouble = nil,    -- the kind of the failure that came last, until something succeeds
    ticked_at = 0,    -- when `tick` was called last
    stopping = nil,   -- why no further row begins: "interrupted", "error", "credentials", "unreachable",
                      -- or "failed"
    problem = nil,    -- what failed that is not a row's
  }, Runner)
  return self
end

--- Stops: no further row begins, and those under way are finished.
-- @tparam string why
function Runner:stop(why)
  self.stopping = self.stopping or why
end

--- Stops because something failed that is not a row's.
-- @tparam string problem
function Runner:fail(problem)
  -- Ctrl-C ends the reader of the results as well, which then fail.
  if self.stopping ~= "interrupted" then self.stopping = "failed" end
  self.problem = self.problem or problem
end

--- The client's hook `before`: notes that a row's request is about to leave.
-- @tparam table try as in `timekit.call.hooks`
function Runner:before(try)
  self.requests = self.requests + 1
  if try.reconcile then return end
  -- An error of a hook would not keep the request from leaving; closing the client does.
  local ok, noted, problem = pcall(self.journal.sent, self.journal, self.performing[coroutine.running()])
  if ok and noted then return end
  self:fail(ok and problem or noted)
  self.client:close()
end

--- The client's hook `after`.
-- @tparam table try as in `timekit.call.hooks`
function Runner:after(try)
  self.requests = self.requests - 1
  self.trouble = try.kind
end

-- ---- outcomes ----

--- A row's action was applied to its booking. That is forgotten after some thousand other rows.
-- @tparam Row row
function Runner:applied(row)
  self.recent[row.id] = row.action
  self.count = self.count + 1
  if self.count == schedule.AHEAD then self.older, self.recent, self.count = self.recent, {}, 0 end
end

-- A booking that is where the action leads proves nothing for a row if an equal one before it brought it there: then
-- Timekit refuses, or has refused, this one. Returns the failure that this is.
local function failure_of_second(self, row, booking, info)
  if not (booking and info.reconciled) or (self.recent[row.id] or self.older[row.id]) ~= row.action then return nil end
  return {
    kind = "transition", already = true, state = booking.state, graph = booking.graph, sent = "maybe",
    message = "another row had done it before, so Timekit refuses it",
  }
end

--- Whether an action may have been applied although it failed.
-- @tparam table err of `timekit.error`
-- @treturn boolean
function runner.is_in_doubt(err)
  return err.kind == "uncertain" or err.kind == "cancelled" and err.sent ~= "no"
end

local function outcome_of(booking, info)
  if booking then return info.reconciled and "reconciled" or "done" end
  return runner.is_in_doubt(info) and "uncertain" or "failed"
end

-- Whether reading the booking again can still tell what became of an action.
local function may_be_found_out(err)
  local graph = err.graph and timekit.graphs[err.graph]
  return not (graph and err.state) or graph:can(err.state, err.action) == true
end

-- When a row is to be performed once more, and nil if what came is its outcome.
local function again_at(self, row, outcome, err, now)
  if err.kind == "rate_limited" then
    -- Without a status it was the client's own limit, which gives each request its turn.
    if not err.status then return now end
    -- Several requests are refused at once.
    if now >= self.gate then self.refusals = self.refusals + 1 end
    local pause = math.min(LONGEST_PAUSE, REFUSED_PAUSE * 2 ^ (self.refusals - 1))
    self.gate = math.max(self.gate, now + math.max(err.retry_after or 0, pause))
    return self.gate
  end
  local looks = row.looks or 0
  if outcome == "uncertain" and self.options.patient and looks < LOOKS and may_be_found_out(err) then
    row.looks, row.sent_before = looks + 1, true
    return now + math.max(err.retry_after or 0, FIRST_PAUSE * 2 ^ looks)
  end
end

-- Notes the outcome of a row.
local function settle(self, row, outcome, state, err)
  local line = record.outcome(row, outcome, state, err)
  local noted, problem = self.journal:outcome(line)
  if not noted then self:fail(problem) end
  self.tally:add(outcome, err and err.kind)
  self.schedule:finish(row)
  self.results:put(row.number, line)
  if err and err.status == 401 then self:stop "credentials" end
  local is_unsent = err and err.sent == "no" and (err.kind == "network" or err.kind == "timeout")
  self.unsent = is_unsent and self.unsent + 1 or 0
  if self.unsent == MOST_UNSENT then self:stop "unreachable" end
  if err and self.options.stop_on_error then self:stop "error" end
end

local function perform(self, row)
  local booking, info = row.booking:action(row.action, row.inputs, row.sent_before and SENT_BEFORE or nil)
  local second = failure_of_second(self, row, booking, info)
  if second then booking, info = nil, second end
  local outcome = outcome_of(booking, info)
  if booking then
    self.refusals = 0
    self:applied(row)
    return settle(self, row, outcome, booking.state)
  end
  row.failure = info
  -- The journal cannot be written any more.
  if self.client.closed then return end
  local at = again_at(self, row, outcome, info, core.now())
  if at then
    self.schedule:perform_again(row, at)
  else
    settle(self, row, outcome, info.state, info)
  end
end

-- ---- the loop ----

local function next_row(self)
  local now = core.now()
  if self.stopping or now < self.gate then return nil end
  return self.schedule:take(now)
end

-- Performs a row, and one after the other while there are any.
local function work(self, row)
  local thread = coroutine.running()
  while row do
    self.performing[thread] = row
    perform(self, row)
    row = next_row(self)
  end
  self.performing[thread] = nil
  self.active = self.active - 1
end

-- Starts as many calls as there may be. Returns whether there is more to do at once.
local function fill(self)
  while self.active < self.options.concurrency do
    local row = next_row(self)
    if not row then return row == false end
    self.active = self.active + 1
    self.client:start(work, self, row)
  end
  return false
end

local function is_over(self)
  if self.active > 0 then return false end
  local plan = self.schedule
  return self.stopping ~= nil or self.client.closed or plan.exhausted and next(plan.open) == nil
end

--- Performs all rows, until they are done or a signal comes.
-- @tparam Client client whose hooks are `before` and `after`
function Runner:run(client)
  self.client = client
  while true do
    local is_busy = fill(self)
    if is_over(self) then return end
    local wait = TICK
    if is_busy then
      wait = 0
    elseif self.active < self.options.concurrency and not self.stopping then
      -- A gate that has opened is nothing to wait for: with its time the loop would not wait at all.
      local now, due = core.now(), self.schedule:due()
      if due or self.gate > now then wait = math.max(0, math.min(wait, math.max(self.gate, due or 0) - now)) end
    end
    -- An update does not wait for nothing.
    if self.active > 0 then client:update(wait) else core.sleep(wait) end
    local signals, now = self.options.signals(), core.now()
    if signals > 0 then self:stop "interrupted" end
    if now - self.ticked_at >= TICK or signals > 0 then
      self.ticked_at = now
      self.options.tick(self)
    end
  end
end

local function waiting(reason, seconds)
  if seconds < LEAST_WAIT then return nil end
  return ("%s, %.1f s"):format(reason == "rate_limited" and "rate limit" or reason, seconds)
end

--- Why nothing is under way.
-- @treturn string|nil such as `rate limit, 3.2 s`
function Runner:why()
  local now = core.now()
  if self.requests > 0 or self.client.closed then return nil end
  if self.gate > now then return waiting("rate_limited", self.gate - now) end
  local due = self.schedule:due()
  if self.active == 0 and due and due > now then return waiting("to look again", due - now) end
  local seconds = self.active > 0 and self.client:timeout()
  if seconds then return waiting(self.trouble or "rate_limited", seconds) end
end

return runner
