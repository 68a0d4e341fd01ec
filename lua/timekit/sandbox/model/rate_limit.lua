--- Timekit's rate limits (spec/api.md 1), for a box that is asked to have them.
--
-- - `per_minute`: a leaky bucket. Each request adds a drop, and `per_minute` drops leak in a minute. A request that
--   finds the bucket full is refused with 503. It holds `burst` drops, by default those of a minute.
-- - `per_day`: so many requests a day, by the box's clock in UTC. Further ones are refused with 429.
--
-- Requests that are refused do not count, nor do those without a key that the box accepts.
-- @module timekit.sandbox.model.rate_limit
local fields = require "timekit.text.fields"

local rate_limit = {}

local DAY = 86400

-- What Timekit grants, less this request: to test keys in a day, to others in a minute. A box without limits says so in
-- every answer.
local GRANTED_IN_TESTS, GRANTED = 2999, 599

local function positive(value)
  return value >= 1, "expected a whole number from 1"
end

local FIELDS = {
  per_minute = { type = "integer", check = positive }, per_day = { type = "integer", check = positive },
  burst = { type = "integer", check = positive },
}

--- Checks limits.
-- @tparam any limits `per_minute`, `per_day`, `burst`
-- @tparam string path their name in messages
-- @treturn {string,...} what is wrong with them; empty when nothing is
function rate_limit.check(limits, path)
  local problems = fields.check(FIELDS, limits, path, true)
  if #problems == 0 and limits.burst and not limits.per_minute then
    problems[1] = fields.join(path, "burst") .. ": means nothing without per_minute"
  end
  return problems
end

--- The limits of a box and how much of them is used.
-- @type RateLimit
local RateLimit = {}
RateLimit.__index = RateLimit

-- Lets the bucket leak, and begins a new day. When the clock goes back, nothing leaks.
local function pass_time(self, now)
  if self.per_minute then
    self.level = math.max(0, self.level - math.max(0, now - self.time) * self.per_minute / 60)
  end
  self.time = now
  local day = math.floor(now / DAY)
  if day ~= self.day then self.day, self.used_today = day, 0 end
end

--- Counts a request.
-- @tparam number now unix seconds
-- @tparam boolean is_test does it have a test key?
-- @treturn number|nil the status that refuses it; nil when it is within the limits
-- @treturn number how many more would be within the limits at this moment
function RateLimit:count(now, is_test)
  if not (self.per_minute or self.per_day) then return nil, is_test and GRANTED_IN_TESTS or GRANTED end
  pass_time(self, now)
  -- A drop leaks in fractions, whose sum may be off by a rounding error.
  if self.per_minute and self.level + 1 > self.burst + 1e-6 then return 503, 0 end
  if self.per_day and self.used_today >= self.per_day then return 429, 0 end
  self.level, self.used_today = self.level + 1, self.used_today + 1
  return nil, math.min(
    self.per_minute and math.floor(self.burst - self.level + 1e-6) or math.huge,
    self.per_day and self.per_day - self.used_today or math.huge)
end

--- @section end

--- Makes limits of which nothing is used.
-- @tparam ?table limits in which `rate_limit.check` finds nothing wrong; left out: none
-- @treturn RateLimit
function rate_limit.new(limits)
  limits = limits or {}
  return setmetatable({
    per_minute = limits.per_minute, per_day = limits.per_day, burst = limits.burst or limits.per_minute,
    level = 0,         -- drops in the bucket
    time = 0,          -- unix seconds of the latest request that was counted
    day = nil,         -- days since 1970 of that request
    used_today = 0,    -- requests of that day
  }, RateLimit)
end

return rate_limit
