--- The rate limit that many processes share, as a script inside Redis: a GCRA (generic cell rate algorithm).
--
-- A request takes one token. `tat` is the time at which the bucket would be full again if nobody took more. All times
-- are microseconds of Redis's own clock; Lua's `..` would lose digits of them, so they are written by `%.0f`.
--
-- KEYS: a hash, and a sorted set of the members by the time when they last asked. ARGV: a verb, the microseconds
-- between two tokens, the burst; then
--
-- * `take`: the longest wait, 1 for bulk, the tokens that bulk leaves, the microseconds between two tokens of bulk's
--   own share, the member's name. Answers with the members, the time, the wait, or -1 and when to ask again, and when
--   the last token is due that was issued
-- * `look`: the time of a `take` that has waited for long. Answers 1 if its token is void, because of a penalty since
-- * `refuse`: the server has refused a request; the seconds that it named in microseconds, or -1
-- * `cap`: the server has said how many requests it would still take
-- * `back`: a member was without Redis; the tokens that others may use before they know that it is back
return [[
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local verb, interval, burst = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local SECOND = 1000000
-- A penalty halves the rate, at most four times, and each ten seconds without one double it again.
local SLOWEST, RECOVERY = 4, 10 * SECOND
local KEEP = 3600
local STALE = 60 * SECOND

local have = redis.call('HMGET', KEYS[1], 'tat', 'pause', 'slow', 'slow_at', 'share', 'at', 'bulk_at')
local function number(index, missing) return tonumber(have[index] or nil) or missing end
local at = number(6, now)
-- The clock may be put back, and another server's may be behind: then no time has passed.
local back = math.max(0, at - now)
local pause, noted, slow_at, share = number(2, 0) - back, number(3, 0), number(4, 0) - back, number(5, 0) - back
local bulk_at = number(7, 0) - back
local slow = math.max(0, noted - math.max(0, now - slow_at) / RECOVERY)
local step = interval * 2 ^ slow
local tolerance = (burst - 1) * step
-- What was sent before is not known, so the bucket is empty.
local tat = number(1, now + burst * step + back) - back

local function text(value) return string.format('%.0f', value) end
local function save()
  redis.call('HSET', KEYS[1], 'at', text(now), 'tat', text(tat), 'pause', text(pause), 'share', text(share),
    'bulk_at', text(bulk_at), 'slow', string.format('%.4f', noted), 'slow_at', text(slow_at))
  redis.call('EXPIRE', KEYS[1], KEEP)
end

if verb == 'look' then
  local issued = tonumber(ARGV[4])
  return (have[1] == false or slow_at > issued - back or pause > now) and 1 or 0
end

if verb == 'refuse' then
  local named = tonumber(ARGV[4])
  -- Those that were under way when the first one was refused are no news.
  if now >= pause and now >= slow_at + SECOND then
    slow = math.min(SLOWEST, slow + 1)
    noted, slow_at = slow, now
    pause = now + SECOND * 2 ^ (math.floor(slow + 0.5) - 1)
  end
  -- What names centuries by mistake is asked again after an hour.
  if named >= 0 then pause = math.max(pause, now + math.min(named, KEEP * SECOND)) end
  -- The bucket is empty at its end: one request tries whether all is well again.
  tat = math.max(tat, pause + (burst - 1) * interval * 2 ^ slow)
  save()
  return 1
end

if verb == 'cap' then
  local left = tonumber(ARGV[4])
  local capped = now + (burst - left) * step
  if capped > tat then
    tat = capped
    save()
  end
  return 1
end

if verb == 'back' then
  -- If some have asked all the time, Redis was not away for all.
  local others = (have[1] == false or now - at > SECOND / 2) and tonumber(ARGV[4]) or 0
  tat = math.max(tat, now + (burst + others) * step)
  save()
  return 1
end

local longest, bulk, reserve, share_interval, member = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]),
  tonumber(ARGV[7]), ARGV[8]
local seen = tonumber(redis.call('ZSCORE', KEYS[2], member) or 0)
if math.abs(now - seen) > STALE / 6 then
  redis.call('ZADD', KEYS[2], text(now), member)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - STALE))
  redis.call('EXPIRE', KEYS[2], KEEP)
end
local members = redis.call('ZCARD', KEYS[2])

-- While bulk asks, there are two buckets: one for others, with a token and bulk's share of the rate less than all, and
-- one with that token and that share. So bulk gets its share although others have booked ahead. It begins once what was
-- booked before is paid for.
local share_step = share_interval * 2 ^ slow
local has_share = now < share or now - bulk_at < math.max(2 * SECOND, 2 * share_step)
if bulk then
  if not has_share then share = math.max(now, pause, tat - tolerance + step) end
  bulk_at, has_share = now, true
end

local when, hint
if bulk then
  when = now
  local room = math.max(pause, tat - tolerance + reserve * step)
  if room <= now then tat = math.max(tat, now) + step
  elseif burst > 1 and share <= now and pause <= now then share = now + share_step
  else hint = math.max(pause, math.min(room, burst > 1 and share or room))
  end
else
  local split = has_share and burst > 1
  when = math.max(now, tat - tolerance + (split and step or 0), pause)
  if when - now > longest then hint = when
  else tat = math.max(tat, when) + (split and step / (1 - math.min(0.9, step / share_step)) or step)
  end
end
if not hint or bulk or have[1] == false then save() end
local ahead = text(math.max(0, tat - tolerance - step - now, pause - now))
if hint then return { members, text(now), -1, text(hint - now), ahead } end
return { members, text(now), text(when - now), '0', ahead }
]]
