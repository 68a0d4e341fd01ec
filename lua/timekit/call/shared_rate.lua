--- A rate limit that many processes and machines share, kept by a Redis. It stands where `timekit.call.rate` stands.
-- Asking it takes time, so the retry machine has the verb `book` for it.
-- @module timekit.call.shared_rate

local core = require "timekit.core"
local names = require "timekit.call.random"
local rate = require "timekit.call.rate"
local script = require "timekit.redis.scripts.rate"

local shared_rate = {}

local MICRO = 1e6

-- Seconds that Redis has for an answer, and for which it is left alone after it had none.
local PATIENCE, REST = 0.5, 1

-- Seconds. Who has waited longer asks whether the token still counts, and a token that is used later than this is void:
-- the process may have been stopped, and the time for which the token was meant is over.
local LONG, SLACK = 0.1, 0.1

-- The part of the rate that a process uses on its own, without Redis, and the processes that it reckons with if it has
-- never reached Redis.
local CAUTION, STRANGERS = 0.8, 10

-- Seconds for which more processes are reckoned with than Redis knows, which may have lost its memory: each asks
-- again within this time, as the script has it.
local STALE = 60

-- Bulk asks a moment after its token is there. So the tokens of its share come a little faster, and it gets all of it.
local PROMPT = 0.95

-- Seconds between two reports of what the server says is left.
local REPORT_PAUSE = 0.2

--- A limiter.
-- @type Limiter
local Limiter = { is_shared = true }
Limiter.__index = Limiter

local function ask(self, host, verb, ...)
  return self.link:ask_script(host, script, self.keys, { verb, self.interval, self.burst, ... }, PATIENCE)
end

local function tell(self, verb, ...)
  if self.away_until and core.now() < self.away_until then return end
  self.link:run(script, self.keys, { verb, self.interval, self.burst, ... })
end

-- This process's name among those that share the limit. A forked process has an engine of its own, and another name.
local function member(self)
  local engine = self.link.engine()
  if engine ~= self.of_engine then self.of_engine, self.name = engine, names.id() end
  return self.name
end

-- ---- without Redis ----

-- From now on this process goes on with its own part of the rate. What the others have sent is not known, so the bucket
-- is empty. Others use what Redis has issued to them, as far ahead as it was when this process last heard of it, so the
-- bucket fills only after that.
local function lose(self, now, problem)
  self.away_until, self.problem = now + REST, problem
  if self.own then return end
  local part = CAUTION / self.members
  self.own = rate.new { per_second = self.per_second * part, burst = math.max(1, math.floor(self.burst * part)) }
  self.own:drain(now, self.ahead)
end

-- Redis is back. What was sent without it is not in its bucket, and the others may take REST to find out.
local function return_to_redis(self)
  local others = CAUTION * self.per_second * REST * (self.members - 1) / self.members
  self.link:run(script, self.keys, { "back", self.interval, self.burst, others })
end

local function count_members(self, members, now)
  if members < self.members and now < self.counted_until then return end
  self.members, self.counted_until = members, now + STALE
end

-- ---- one bulk request of a process asks at a time ----

local Turn = {}
Turn.__index = Turn

function Turn:done() return self.is_over end

function Turn:cancel() self.is_over = true end

-- false: it came too late, or the call was cancelled.
local function await_turn(self, host, deadline)
  local now = core.now()
  -- One whose time is over has raised an error on its way.
  if not self.bulk_until or now > self.bulk_until then
    self.bulk_until = deadline
    return true
  end
  local turn = setmetatable({ is_over = false, is_given = false }, Turn)
  table.insert(self.turns, turn)
  host.runtime.wait(host.pump, turn, math.max(0, deadline - now))
  turn.is_over = true
  if turn.is_given then self.bulk_until = deadline end
  return turn.is_given
end

local function pass_turn(self, host)
  while self.turns[1] do
    local turn = table.remove(self.turns, 1)
    if not turn.is_over then
      turn.is_over, turn.is_given = true, true
      host.pump:wake(turn)
      return
    end
  end
  self.bulk_until = nil
end

-- ---- booking ----

-- Each way returns what `book` does; nothing at all: ask anew.

local function sleep(host, seconds)
  return host.runtime.sleep(seconds, host.pump) or host.pump.closed
end

local function book_alone(self, host, deadline)
  local now = core.now()
  if self.when_lost == "refuse" then return "refused", self.away_until - now end
  local own = self.own
  local wait = own:take(now)
  if wait <= REST and now + wait < deadline then
    if wait > 0 and sleep(host, wait) then return "cancelled" end
    -- Redis may be back, which knows nothing of this token; or the process was stopped.
    if self.own == own and core.now() <= now + wait + SLACK then return "booked" end
    return nil
  end
  own:give_back()
  if now + wait >= deadline then return "refused", wait end
  if sleep(host, REST * (0.5 + self.random() / 2)) then return "cancelled" end
end

-- When Redis wrote an answer, at the earliest. The process may have been stopped while it was on its way, and then it
-- took longer than answers lately do. The shortest of them is forgotten by and by, since the way to Redis may change.
local function answered_at(self, asked, now)
  local trip = self.trip
  self.trip = math.min(now - asked, 2 * trip)
  return math.min(now, asked + trip)
end

-- Waits for a token that was issued for a time between `due` and `at`, whichever Redis had in mind.
local function await_token(self, host, due, at, issued)
  local wait = at - core.now()
  if wait > LONG then
    if sleep(host, wait - math.min(self.trip, wait)) then return "cancelled" end
    if ask(self, host, "look", issued) == 1 then return nil end
    wait = at - core.now()
  end
  if wait > 0 and sleep(host, wait) then return "cancelled" end
  if core.now() > due + SLACK then return nil end
  return "booked"
end

local function book_at_redis(self, host, deadline, is_bulk)
  if self.own then return_to_redis(self) end
  local asked = core.now()
  local answer, failure = ask(self, host, "take", (deadline - asked) * MICRO, is_bulk and 1 or 0,
    is_bulk and self.reserve or 0, self.share_interval, member(self))
  local now = core.now()
  if not answer then
    if failure.kind == "cancelled" then return "cancelled" end
    return lose(self, now, failure.message)
  end
  self.away_until, self.own, self.problem = nil, nil, nil
  count_members(self, answer[1], now)
  local wait, hint = tonumber(answer[3]) / MICRO, tonumber(answer[4]) / MICRO
  self.ahead = tonumber(answer[5]) / MICRO
  local answered = answered_at(self, asked, now)
  if wait >= 0 then return await_token(self, host, answered + wait, now + wait, answer[2]) end
  if not is_bulk or asked + hint >= deadline then return "refused", hint end
  -- Bulk books nothing ahead, so that what is urgent does not wait behind it. The spread keeps processes apart.
  if sleep(host, hint + self.random() * self.interval / MICRO / 2) then return "cancelled" end
end

local function book(self, host, deadline, is_bulk)
  while core.now() < deadline do
    local is_away = self.away_until and core.now() < self.away_until
    local verdict, wait = (is_away and book_alone or book_at_redis)(self, host, deadline, is_bulk)
    if verdict then return verdict, wait end
  end
  return "refused"
end

--- Books the next request, and waits until it may be sent.
-- @tparam table host who waits: `runtime` and `pump`
-- @tparam number left seconds that the operation has
-- @tparam boolean is_bulk the request is one of many, and leaves room for others
-- @treturn string `"booked"`: send it now; `"refused"`: its time would come too late; `"cancelled"`
-- @treturn ?number if it was refused, the seconds after which it might be sent; nil: its time was up first
-- @treturn ?string likewise: what ails Redis, if it does not share the limit now
function Limiter:book(host, left, is_bulk)
  local deadline = core.now() + left
  if not is_bulk then
    local verdict, wait = book(self, host, deadline, false)
    return verdict, wait, self.problem
  end
  if not await_turn(self, host, deadline) then
    return host.pump.closed and "cancelled" or "refused", nil, self.problem
  end
  local verdict, wait = book(self, host, deadline, true)
  pass_turn(self, host)
  return verdict, wait, self.problem
end

--- A request will not be sent after all. Its token stays used: its time is over when this is known.
function Limiter.give_back() end

--- Learns from an answer. All that share the limit hear of a refusal, and of few requests that are left.
-- @tparam number now seconds
-- @tparam ?number status the answer's; nil: no answer came
-- @tparam ?number remaining requests that the server says may still be sent
-- @tparam ?number retry_after seconds that the server asks for
function Limiter:learn(now, status, remaining, retry_after)
  if self.own then self.own:learn(now, status, remaining) end
  if status == 429 or status == 503 then
    tell(self, "refuse", retry_after and retry_after * MICRO or -1)
  elseif remaining and remaining < self.burst and now >= self.report_at then
    self.report_at = now + REPORT_PAUSE
    tell(self, "cap", math.max(0, remaining))
  end
end

--- Makes the limiter of a client.
-- @tparam table limits `per_second`, `burst`, `name`, `bulk_share`, `when_lost`: see `timekit.new`
-- @tparam Link link to the Redis
-- @tparam function random returns a number from 0 to 1
-- @treturn Limiter
function shared_rate.new(limits, link, random)
  local base = ("timekit:{%s}:rate"):format(limits.name)
  return setmetatable({
    link = link, random = random, keys = { base, base .. ":members" },
    per_second = limits.per_second, burst = limits.burst, when_lost = limits.when_lost,
    interval = MICRO / limits.per_second,  -- microseconds between two tokens
    reserve = math.floor(limits.burst / 2),  -- tokens that bulk leaves to others
    share_interval = PROMPT * MICRO / (limits.per_second * limits.bulk_share),  -- of bulk's own share
    members = STRANGERS, counted_until = 0,  -- who share the limit; until when a smaller number is not believed
    ahead = 0,  -- as last heard: seconds until the last token is due that Redis has issued to anybody
    trip = math.huge,  -- seconds that an answer of Redis takes, the shortest lately
    away_until = nil, own = nil, problem = nil,  -- without Redis: until when, the limiter until then, and what ails it
    of_engine = nil, name = nil,  -- the process, and its name
    bulk_until = nil, turns = {},  -- a bulk request asks, at most until then; the turns of those that wait
    report_at = 0,  -- when `cap` may be told next
  }, Limiter)
end

return shared_rate
