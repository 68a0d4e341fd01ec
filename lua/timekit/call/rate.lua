--- A client's own rate limit: a token bucket that all its requests share, and that learns from the server's answers.
-- Timekit allows 600 requests a minute in production, in older texts 10 a second in bursts of 10 (spec/api.md 1). Pure:
-- the time comes from the caller.
-- @module timekit.call.rate

local Limiter = {}
Limiter.__index = Limiter

local rate = {}

-- Shares of the configured rate. A refusal halves the rate, down to LOWEST; each other answer gives RECOVERY back.
local LOWEST, RECOVERY = 1 / 16, 1 / 32

--- Makes a full bucket.
-- @tparam table limits `per_second`: requests a second in the long run; `burst`: how many at once
-- @treturn Limiter
-- @usage local limiter = rate.new { per_second = 10, burst = 10 }
function rate.new(limits)
  return setmetatable({
    per_second = limits.per_second, current = limits.per_second,
    burst = limits.burst, tokens = limits.burst,
    at = nil, -- when the bucket was last filled up
  }, Limiter)
end

local function refill(self, now)
  if self.at then self.tokens = math.min(self.burst, self.tokens + math.max(0, now - self.at) * self.current) end
  self.at = now
end

--- Takes a token, or books the next one that will be there.
-- @tparam number now seconds
-- @treturn number seconds to wait before sending; 0: send now
function Limiter:take(now)
  refill(self, now)
  self.tokens = self.tokens - 1
  if self.tokens >= 0 then return 0 end
  return -self.tokens / self.current
end

--- Empties the bucket.
-- @tparam number now seconds
-- @tparam number rest seconds until it begins to fill
function Limiter:drain(now, rest)
  self.at, self.tokens = now, -rest * self.current
end

--- Gives back the token of a request that will not be sent.
function Limiter:give_back()
  self.tokens = math.min(self.burst, self.tokens + 1)
end

--- Learns from an answer: 429 and 503 halve the rate and empty the bucket, other answers let the rate recover by steps,
-- and `x-ratelimit-remaining` caps what is left of a burst.
-- @tparam number now seconds
-- @tparam ?number status the answer's; nil: no answer came
-- @tparam ?number remaining requests that the server says may still be sent
function Limiter:learn(now, status, remaining)
  if not status then return end
  refill(self, now)
  if status == 429 or status == 503 then
    self.current = math.max(self.current / 2, self.per_second * LOWEST)
    self.tokens = math.min(self.tokens, 0)
  else
    self.current = math.min(self.current + self.per_second * RECOVERY, self.per_second)
  end
  if remaining then self.tokens = math.min(self.tokens, remaining) end
end

return rate
