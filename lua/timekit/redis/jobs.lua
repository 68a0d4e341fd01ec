--- The jobs of a queue, as a Redis keeps them: the verbs of `timekit.redis.scripts.queue` and their answers.
-- @module timekit.redis.jobs

local Error = require "timekit.error"
local core = require "timekit.core"
local script = require "timekit.redis.scripts.queue"

local jobs = {}

-- Seconds that Redis has for an answer. What may be asked again, when it is not known whether it was heard, is asked so
-- often, with growing pauses.
local PATIENCE, TRIES, PAUSE = 2, 5, 0.3

-- Dead jobs that are listed at once.
local MOST_DEAD = 1000

--- The jobs of one queue. Functions return nil and a failure as of `timekit.redis.link`.
-- @type Jobs
local Jobs = {}
Jobs.__index = Jobs

-- Seconds for the next answer. Who waits may have a deadline.
local function patience(host)
  return host.deadline and math.max(0, math.min(PATIENCE, host.deadline - core.now())) or PATIENCE
end

local function ask(self, host, ...)
  return self.link:ask_script(host, script, self.keys, { ... }, patience(host))
end

local function insist(self, host, ...)
  local value, failure
  for try = 1, TRIES do
    value, failure = ask(self, host, ...)
    if value ~= nil or failure.kind ~= "network" and failure.kind ~= "timeout" then break end
    if host.deadline and core.now() + PAUSE * try >= host.deadline then break end
    if try < TRIES and host.runtime.sleep(PAUSE * try, host.pump) then break end
  end
  return value, failure
end

local function milliseconds(seconds)
  return math.floor(seconds * 1000)
end

--- Adds a job. Adding it again, by the same id, does nothing.
-- @tparam table host who waits: `runtime` and `pump`; `deadline`, on the clock of `timekit.core.now`, or nil
-- @tparam table job `id`, `booking`, `action`, `inputs` and `options` as JSON, `is_bulk`, `at` (Unix seconds or nil),
--   `key` (or nil)
-- @treturn table|nil `id`, `what` (`"new"`; `"exists"`: another job has the key; `"taken"`: another one has the id;
--   `"full"`), `state`
function Jobs:add(host, job)
  local answer, failure = insist(self, host, "add", job.id, job.booking, job.action, job.inputs, job.options,
    job.is_bulk and 1 or 0, job.at and milliseconds(job.at) or "", job.key or "", self.most, self.keep)
  if not answer then return nil, failure end
  return { id = answer[1], what = answer[2], state = answer[3] }
end

--- Takes jobs that may be carried out now. It is not asked again when the answer is lost: their leases end then.
-- @tparam table host
-- @tparam string worker a name
-- @tparam integer most how many
-- @tparam number lease seconds
-- @treturn table|nil a list of jobs: `id`, `booking`, `action`, `inputs`, `options`, `is_bulk`, `fence`, `sent` and
--   `tries`
-- @treturn number seconds until there may be one more
function Jobs:take(host, worker, most, lease)
  local answer, failure = ask(self, host, "take", worker, most, milliseconds(lease))
  if not answer then return nil, failure end
  local list = {}
  for index, entry in ipairs(answer[2]) do
    local id, f = entry[1], entry[2]
    list[index] = {
      id = id, booking = f[1], action = f[2], inputs = f[3], options = f[4], is_bulk = f[5] == "1", fence = f[6],
      sent = f[7] == "1", tries = tonumber(f[8]),
    }
  end
  return list, answer[1] / 1000
end

--- Notes that the job's action is about to be sent. It is not asked again: until it is known that the note was taken,
-- nothing may be sent.
-- @tparam table host
-- @tparam table job
-- @tparam number lease seconds from now
-- @treturn integer|nil 1; 0: the job is another taker's
function Jobs:mark(host, job, lease)
  return ask(self, host, "mark", job.id, job.fence, milliseconds(lease))
end

--- Ends a job.
-- @tparam table host
-- @tparam table job
-- @tparam string state `"done"`, `"failed"` or `"dead"`
-- @tparam string outcome JSON
-- @treturn integer|nil 1; 0: the job is another taker's
function Jobs:finish(host, job, state, outcome)
  return insist(self, host, "finish", job.id, job.fence, state, outcome, self.keep)
end

--- Puts a job back.
-- @tparam table host
-- @tparam table job
-- @tparam number delay seconds
-- @tparam boolean sent whether the action may have been sent
-- @tparam string outcome JSON
-- @treturn integer|nil as of `finish`
function Jobs:again(host, job, delay, sent, outcome)
  return insist(self, host, "again", job.id, job.fence, milliseconds(delay), sent and 1 or 0, outcome)
end

--- Cancels a job that waits.
-- @treturn string|nil `"cancelled"`; `"sent"`: it waits, but may have been sent; `"unknown"`; or its state
function Jobs:cancel(host, id)
  return insist(self, host, "cancel", id, self.keep)
end

--- A person has decided about a dead job.
-- @treturn string|nil `"resolved"`; `"unknown"`; or its state
function Jobs:resolve(host, id, how)
  return insist(self, host, "resolve", id, how, self.keep)
end

local function map_of(list)
  local map = {}
  for index = 1, #list, 2 do map[list[index]] = list[index + 1] end
  return map
end

local function seconds(text)
  return text and tonumber(text) / 1000
end

-- What a job is to users.
local function described(id, list)
  local map = map_of(list)
  local outcome = map.outcome and map.outcome ~= "" and core.decode(map.outcome) or nil
  return {
    id = id, booking = map.booking, action = map.action, inputs = core.decode(map.inputs),
    options = core.decode(map.options), priority = map.class == "1" and "bulk" or "normal", state = map.state,
    key = map.key ~= "" and map.key or nil, sent = map.sent == "1", tries = tonumber(map.tries),
    due = seconds(map.due), added = seconds(map.made), over = seconds(map.over), outcome = outcome,
  }
end

--- A job.
-- @treturn table|boolean|nil false: there is none
function Jobs:get(host, id)
  local answer, failure = insist(self, host, "get", id)
  if not answer then return nil, failure end
  return answer[1] ~= nil and described(id, answer)
end

--- The dead jobs, the oldest first.
-- @treturn table|nil
function Jobs:dead(host)
  local answer, failure = insist(self, host, "dead", MOST_DEAD)
  if not answer then return nil, failure end
  local list = {}
  for index, entry in ipairs(answer) do list[index] = described(entry[1], entry[2]) end
  return list
end

-- The counters that `stats` has beside what stands in the sets.
local COUNTERS = { "added", "done", "failed", "cancelled", "again", "reaped", "open" }

--- Numbers for monitors.
-- @treturn table|nil
function Jobs:stats(host)
  local answer, failure = insist(self, host, "stats")
  if not answer then return nil, failure end
  local counters = map_of(answer[1])
  local stats = {
    ready = answer[2] + answer[3], ready_bulk = answer[3], running = answer[4], dead = answer[5],
    oldest = seconds(answer[6]),
  }
  for _, name in ipairs(COUNTERS) do stats[name] = tonumber(counters[name] or 0) end
  return stats
end

--- Waits until a job may be there.
-- @tparam table host
-- @tparam Link bell a link of its own, since what comes behind on the same one would wait as well
-- @tparam number longest seconds
-- @treturn boolean|nil whether it rang; nil on failure
function Jobs:listen(host, bell, longest)
  local answer, failure = bell:ask(host, { "BLPOP", self.keys[1] .. ":bell", longest }, longest + PATIENCE)
  if answer == nil then return nil, failure end
  return answer ~= false
end

-- ---- is this Redis one that keeps what it is given? ----

-- BLPOP takes a part of a second from this version on.
local OLDEST = 6

local function refusal_of(info, durable)
  local version = info "redis_version" or ""
  if tonumber(version:match "^%d+" or OLDEST) < OLDEST then
    return ("this Redis is %s: a queue needs %d.0 or a later one"):format(version, OLDEST)
  end
  if info "role" ~= "master" then return "this Redis is a replica" end
  if info "cluster_enabled" == "1" then return "this Redis is part of a cluster" end
  if info "maxmemory_policy" ~= "noeviction" then
    return "maxmemory-policy is not noeviction: this Redis may throw jobs away"
  end
  if durable and info "aof_enabled" ~= "1" then
    return "appendonly is off: jobs would be lost when this Redis ends (durable = false takes that risk)"
  end
end

--- Finds out whether a Redis can keep a queue.
-- @tparam table host
-- @tparam boolean durable false: jobs may be lost when Redis ends
-- @treturn table|nil a list of warnings; nil: it cannot, or cannot be asked
-- @treturn ?table then the failure
function Jobs:check(host, durable)
  local text, failure = self.link:ask(host, { "INFO" }, patience(host))
  if not text then return nil, failure end
  local function info(name) return text:match("[\r\n]" .. name .. ":([^\r\n]*)") end
  local refused = refusal_of(info, durable)
  if refused then return nil, { kind = "server", code = "UNFIT", message = refused, sent = "no" } end
  local warnings = core.array {}
  if not durable then return warnings end
  local config = self.link:ask(host, { "CONFIG", "GET", "appendfsync" }, patience(host))
  if type(config) ~= "table" or not config[2] then
    warnings[1] = "CONFIG is forbidden: whether appendfsync is always cannot be told"
  elseif config[2] ~= "always" then
    warnings[1] = ("appendfsync is %s, not always: a power cut loses what was added last"):format(config[2])
  end
  return warnings
end

-- Words of a Redis that cannot do now what it may do later. Nothing was done.
local FOR_NOW = { LOADING = true, BUSY = true, OOM = true, MISCONF = true, MASTERDOWN = true }

--- Makes a failure of these functions an error.
-- @tparam table failure
-- @tparam ?string id the job's
-- @treturn table see `timekit.error`
function jobs.error(failure, id)
  return Error.new {
    kind = failure.kind, message = failure.message, code = failure.code, sent = failure.sent, id = id,
    retryable = failure.kind == "network" or failure.kind == "timeout" or FOR_NOW[failure.code] or false,
    attempts = 0, elapsed = 0,
  }
end

--- Makes the jobs of a queue.
-- @tparam Link link
-- @tparam table options `name`, `keep` (seconds), `most`
-- @treturn Jobs
function jobs.new(link, options)
  return setmetatable({
    link = link, keys = { ("timekit:{%s}:queue"):format(options.name) }, keep = options.keep, most = options.most,
  }, Jobs)
end

return jobs
