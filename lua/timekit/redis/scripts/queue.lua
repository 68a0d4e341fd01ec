--- The queue, as a script inside Redis: each verb happens as a whole or not at all. KEYS[1], `timekit:{name}:queue`, is
-- the base of all its keys.
--
-- * `base:j:ID`: a hash, one job. `state`: `wait`, `run`, `done`, `failed`, `dead` or `cancelled`; `sent`: 1 once a
--   worker has announced that it sends the action; `fence`: how often it was taken
-- * `base:b:BOOKING`: a sorted set, a booking's jobs that are open, by their order in microseconds
-- * `base:front`: a hash from each booking to the job of it that stands in `due`
-- * `base:busy`: a hash from each booking to the job that holds up its others: it runs, or is dead
-- * `base:due:0`, `base:due:1`: sorted sets, the jobs that can be taken, by milliseconds; 1: bulk
-- * `base:run`: a sorted set, the jobs that run, by the end of their lease in milliseconds
-- * `base:dead`: a sorted set, the dead ones, by milliseconds
-- * `base:k:KEY`: the job of a key
-- * `base:n`: a hash of counters
-- * `base:bell`: a list that workers wait for
--
-- A Redis that is full (`maxmemory`) refuses a script's first write if that may need memory, but none after another
-- write. So every verb but `add` begins with one that frees some, and workers go on with what is there.
return [[
local time = redis.call('TIME')
local micro = time[1] * 1000000 + time[2]
local now = math.floor(micro / 1000)
local base, verb = KEYS[1], ARGV[1]
local RUN, DEAD, N, FRONT, BUSY = base .. ':run', base .. ':dead', base .. ':n', base .. ':front', base .. ':busy'
local BELL, BELLS, REAPED, MOST_CRASHES, LONGEST_SLEEP = base .. ':bell', 63, 64, 5, 60000
-- Microseconds, in the year 2255. From 2^53 on there is no room for one more, which `first_free` looks for.
local FARTHEST = 9e15
local function job(id) return base .. ':j:' .. id end
local function row(booking) return base .. ':b:' .. booking end
local function due(class) return base .. ':due:' .. class end
local function text(number) return string.format('%.0f', number) end
local function count(name, by) redis.call('HINCRBY', N, name, by or 1) end

-- Ends the lease of a job that runs and has none. A Redis whose file was cut off carries half of a verb out when it
-- reads that file for the second time (seen with 7.0.15).
local function regain(id)
  if not redis.call('ZSCORE', RUN, id) then redis.call('ZADD', RUN, text(now), id) end
end

-- Puts the first of a booking's jobs where it can be taken, unless another one holds it up.
local function settle(booking)
  local first = redis.call('ZRANGE', row(booking), 0, 0)[1]
  local busy = redis.call('HGET', BUSY, booking)
  if busy then
    first = nil
    if redis.call('HGET', job(busy), 'state') == 'run' then regain(busy) end
  end
  local front = redis.call('HGET', FRONT, booking)
  if front and front ~= first then
    redis.call('ZREM', due(redis.call('HGET', job(front), 'class')), front)
    redis.call('HDEL', FRONT, booking)
  end
  if not first then return end
  local found = redis.call('HMGET', job(first), 'class', 'due')
  redis.call('ZADD', due(found[1]), found[2], first)
  redis.call('HSET', FRONT, booking, first)
  if tonumber(found[2]) <= now then
    redis.call('LPUSH', BELL, 1)
    redis.call('LTRIM', BELL, 0, BELLS)
  end
end

local function let_go(id, booking)
  redis.call('ZREM', RUN, id)
  redis.call('HDEL', BUSY, booking)
end

-- The job, if it is this taker's; nil: somebody else has it, or it is over.
local function mine(id, fence)
  local found = redis.call('HMGET', job(id), 'state', 'fence', 'booking')
  if found[1] == 'run' and found[2] == fence then return found end
end

-- What was told before, and its answer was lost.
local function is_told(id, fence, state)
  local found = redis.call('HMGET', job(id), 'state', 'fence')
  return found[1] == state and found[2] == fence and 1 or 0
end

local function over(id, booking, state, outcome, keep)
  redis.call('ZREM', row(booking), id)
  redis.call('HSET', job(id), 'state', state, 'outcome', outcome, 'over', text(now))
  redis.call('EXPIRE', job(id), keep)
  local name = redis.call('HGET', job(id), 'key')
  if name and name ~= '' then redis.call('EXPIRE', base .. ':k:' .. name, keep) end
  count('open', -1)
  count(state)
  settle(booking)
end

-- Holds up the booking's other jobs until a person has decided.
local function die(id, booking, outcome)
  redis.call('ZREM', RUN, id)
  redis.call('HSET', BUSY, booking, id)
  redis.call('HSET', job(id), 'state', 'dead', 'outcome', outcome, 'over', text(now))
  redis.call('ZADD', DEAD, text(now), id)
end

-- Puts back the jobs whose workers are gone. That counts as no try.
local function reap()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', RUN, '-inf', text(now), 'LIMIT', 0, REAPED)) do
    local booking = redis.call('HGET', job(id), 'booking')
    redis.call('ZREM', RUN, id)
    count('reaped')
    redis.call('HINCRBY', job(id), 'tries', -1)
    if redis.call('HINCRBY', job(id), 'crashes', 1) >= MOST_CRASHES then
      die(id, booking, '{"kind":"uncertain","message":"five workers were lost on it"}')
    else
      redis.call('HSET', job(id), 'state', 'wait', 'due', text(now))
      let_go(id, booking)
      settle(booking)
    end
  end
end

-- The first free number from `order` on. No two jobs have the same, so a stretch has a free one if it holds fewer jobs
-- than numbers. It is doubled, then halved, since many jobs may have the same time.
local function first_free(booking, order)
  local function is_full(length)
    return redis.call('ZCOUNT', row(booking), text(order), text(order + length - 1)) == length
  end
  local full, length = 0, 1
  while is_full(length) do full, length = length, 2 * length end
  while length - full > 1 do
    local middle = math.floor((full + length) / 2)
    if is_full(middle) then full = middle else length = middle end
  end
  return order + full
end

-- The place of a job among its booking's. None comes before one that was taken: its action may have been sent.
local function place(booking, order)
  local first = redis.call('ZRANGE', row(booking), 0, 0, 'WITHSCORES')
  if first[1] and redis.call('HGET', job(first[1]), 'fence') ~= '0' then order = math.max(order, first[2] + 1) end
  return first_free(booking, tonumber(text(order)))
end

local VERBS = {}

function VERBS.add(id, booking, action, inputs, options, class, at, name, most, keep)
  if name ~= '' then
    local other = redis.call('GET', base .. ':k:' .. name)
    if other and other ~= id then
      return { other, 'exists', redis.call('HGET', job(other), 'state') or 'forgotten' }
    end
  end
  local there = redis.call('HMGET', job(id), 'state', 'booking', 'action')
  if there[1] then
    return { id, (there[2] == booking and there[3] == action) and 'new' or 'taken', there[1] }
  end
  if tonumber(redis.call('HGET', N, 'open') or 0) >= tonumber(most) then return { id, 'full', '' } end
  local order
  if at == '' then
    order = math.max(micro, tonumber(redis.call('HGET', N, 'last') or 0) + 1)
    redis.call('HSET', N, 'last', text(order))
  else
    order = math.min(tonumber(at) * 1000, FARTHEST)
  end
  order = place(booking, order)
  redis.call('HSET', job(id), 'state', 'wait', 'booking', booking, 'action', action, 'inputs', inputs,
    'options', options, 'class', class, 'due', text(at == '' and now or math.max(now, at)), 'key', name, 'fence', 0,
    'sent', 0, 'tries', 0, 'made', text(now))
  redis.call('ZADD', row(booking), text(order), id)
  if name ~= '' then redis.call('SET', base .. ':k:' .. name, id) end
  count('open')
  count('added')
  settle(booking)
  return { id, 'new', 'wait' }
end

-- One that finds nothing writes nothing: with appendfsync always, each write is one of the disk.
function VERBS.take(worker, most, lease)
  most = tonumber(most)
  reap()
  local jobs, turn = {}, tonumber(redis.call('HGET', N, 'takes') or 0)
  for _, class in ipairs(turn % 10 == 9 and { 1, 0 } or { 0, 1 }) do
    local ready = {}
    if #jobs < most then
      ready = redis.call('ZRANGEBYSCORE', due(class), '-inf', text(now), 'LIMIT', 0, most - #jobs)
    end
    for _, id in ipairs(ready) do
      local booking = redis.call('HGET', job(id), 'booking')
      redis.call('ZREM', due(class), id)
      redis.call('HDEL', FRONT, booking)
      redis.call('HSET', BUSY, booking, id)
      redis.call('HINCRBY', job(id), 'fence', 1)
      redis.call('HINCRBY', job(id), 'tries', 1)
      redis.call('HSET', job(id), 'state', 'run', 'worker', worker)
      redis.call('ZADD', RUN, text(now + lease), id)
      jobs[#jobs + 1] = { id, redis.call('HMGET', job(id), 'booking', 'action', 'inputs', 'options', 'class', 'fence',
        'sent', 'tries', 'made') }
    end
  end
  if #jobs > 0 then count('takes') end
  local next = now + LONGEST_SLEEP
  for _, key in ipairs { due(0), due(1), RUN } do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first then next = math.min(next, tonumber(first)) end
  end
  return { math.max(0, next - now), jobs }
end

function VERBS.mark(id, fence, lease)
  if not mine(id, fence) then return 0 end
  redis.call('ZREM', RUN, id)
  redis.call('HSET', job(id), 'sent', 1)
  redis.call('ZADD', RUN, text(now + lease), id)
  return 1
end

function VERBS.finish(id, fence, state, outcome, keep)
  local found = mine(id, fence)
  if not found then return is_told(id, fence, state) end
  if state == 'dead' then
    die(id, found[3], outcome)
  else
    let_go(id, found[3])
    over(id, found[3], state, outcome, keep)
  end
  return 1
end

function VERBS.again(id, fence, delay, sent, outcome)
  local found = mine(id, fence)
  if not found then return is_told(id, fence, 'wait') end
  let_go(id, found[3])
  redis.call('HSET', job(id), 'state', 'wait', 'due', text(now + delay), 'sent', sent, 'outcome', outcome, 'crashes', 0)
  count('again')
  settle(found[3])
  return 1
end

function VERBS.cancel(id, keep)
  local found = redis.call('HMGET', job(id), 'state', 'sent', 'booking')
  if not found[1] then return 'unknown' end
  if found[1] == 'run' then regain(id) end
  if found[1] ~= 'wait' then return found[1] end
  if found[2] == '1' then return 'sent' end
  over(id, found[3], 'cancelled', '', keep)
  return 'cancelled'
end

function VERBS.resolve(id, how, keep)
  local found = redis.call('HMGET', job(id), 'state', 'booking', 'outcome')
  if found[1] ~= 'dead' then return found[1] or 'unknown' end
  redis.call('ZREM', DEAD, id)
  redis.call('HDEL', BUSY, found[2])
  if how == 'again' then
    redis.call('HSET', job(id), 'state', 'wait', 'due', text(now), 'tries', 0, 'crashes', 0)
    settle(found[2])
  else
    over(id, found[2], how == 'done' and 'done' or 'cancelled', found[3] or '', keep)
  end
  return 'resolved'
end

function VERBS.get(id)
  return redis.call('HGETALL', job(id))
end

function VERBS.dead(most)
  local list = {}
  for _, id in ipairs(redis.call('ZRANGE', DEAD, 0, tonumber(most) - 1)) do
    list[#list + 1] = { id, redis.call('HGETALL', job(id)) }
  end
  return list
end

function VERBS.stats()
  local oldest = 0
  for class = 0, 1 do
    local first = redis.call('ZRANGE', due(class), 0, 0, 'WITHSCORES')[2]
    if first then oldest = math.max(oldest, now - tonumber(first)) end
  end
  return { redis.call('HGETALL', N), redis.call('ZCOUNT', due(0), '-inf', text(now)),
    redis.call('ZCOUNT', due(1), '-inf', text(now)), redis.call('ZCARD', RUN), redis.call('ZCARD', DEAD), text(oldest) }
end

return VERBS[verb](unpack(ARGV, 2))
]]
