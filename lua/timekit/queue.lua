--- A queue of actions, kept by a Redis. They are added anywhere and carried out by any worker, those on one booking one
-- after the other. `Client:queue` makes it.
--
-- On a Redis that loses no write that it has acknowledged, every action that `add` acknowledged ends as exactly one of
-- `done`, `failed`, `dead` and `cancelled`, and none takes effect twice. On a Redis that loses writes, actions can be
-- lost; those of the known graphs still take effect at most once, because Timekit refuses the second.
-- @module timekit.queue

local Error = require "timekit.error"
local core = require "timekit.core"
local handles = require "timekit.booking"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local random = require "timekit.call.random"
local redis_jobs = require "timekit.redis.jobs"
local redis_links = require "timekit.redis.link"
local worker = require "timekit.methods.queue_worker"

local queues = {}

--- A job of a queue.
-- @table Job
-- @tfield string id
-- @tfield string booking its id
-- @tfield ActionName|string action
-- @tfield ?table inputs
-- @tfield ?table options
-- @tfield string priority `"normal"` or `"bulk"`
-- @tfield string state `wait`, `run`, `done`, `failed`, `dead` or `cancelled`
-- @tfield ?string key
-- @tfield boolean sent its action may have been sent
-- @tfield integer tries
-- @tfield number added Unix seconds
-- @tfield number due Unix seconds from which it may be taken
-- @tfield ?number over Unix seconds
-- @tfield ?table outcome of the last try: `kind`, `message`, `state`, …

--- What `Queue:add` tells.
-- @table AddedJob
-- @tfield string id
-- @tfield string what `"new"`; or `"exists"`: another job has the key, and `id` is that one's
-- @tfield string state as of `Job`

--- What a worker tells of a try.
-- @table JobEvent
-- @tfield string id
-- @tfield string booking its id
-- @tfield ActionName|string action
-- @tfield integer tries
-- @tfield string what `"done"`, `"failed"`, `"dead"`, `"again"`, or `"lost"`: another worker has it, or will: Redis
--   could not be told
-- @tfield ?Info|Error info as `Booking:action` returns it

--- The numbers of a queue.
-- @table QueueStats
-- @tfield integer open jobs that are not over, dead ones included
-- @tfield integer ready those that could be taken now
-- @tfield integer ready_bulk likewise, of the priority bulk
-- @tfield integer running
-- @tfield integer dead
-- @tfield number oldest seconds that the first ready job has waited
-- @tfield integer added since the beginning, as all that follow
-- @tfield integer done
-- @tfield integer failed
-- @tfield integer cancelled
-- @tfield integer again tries that are repeated
-- @tfield integer reaped leases that ran out, because a worker was lost
-- @tfield {string,...} warnings about this Redis

--- A queue.
-- @type Queue
local Queue = {}

local metatable = { __index = Queue, __name = "timekit.queue" }

function metatable:__tostring()
  return ("timekit.queue (%s)"):format(self.name)
end

local function check(self, where, level)
  if getmetatable(self) ~= metatable then
    error(("%s: call it with a colon, as in queue:%s(…)"):format(where, where:match("[^:]+$")), level)
  end
  if self.client.closed then error(where .. ": the client is closed", level) end
end

local function check_id(id, where, level)
  local _, problem = options.values.key_name(id)
  if problem then error(("%s: id: %s"):format(where, problem), level) end
end

-- Who waits; nil and an error where nobody can. The first time it also asks whether this Redis keeps what it is given.
local function host_of(self)
  local runner = self.client.runner
  local hindered = runner:hindrance()
  if hindered then return nil, hindered end
  local host = { runtime = (runner:here()), pump = runner.pump, deadline = core.now() + runner.timeout }
  if not self.warnings then
    local warnings, failure = self.jobs:check(host, self.durable)
    if not warnings then return nil, redis_jobs.error(failure) end
    self.warnings = warnings
  end
  return host
end

-- Asks the jobs. Returns what they do, with an error in the place of a failure.
local function ask(self, verb, ...)
  local host, err = host_of(self)
  if not host then return nil, err end
  local value, failure = self.jobs[verb](self.jobs, host, ...)
  if value == nil then return nil, redis_jobs.error(failure) end
  return value
end

local function json(value, name, where, level)
  local text, problem = core.encode(value or {}, name)
  if not text then error(("%s: %s"):format(where, problem), level) end
  return text
end

-- A job of what `add` is given; nil and an error where the rules refuse it. Raises on wrong use.
local function job_of(client, booking, action, inputs, opts, level)
  local where = "queue:add"
  local given = options.check(opts, options.queue_add, where, level + 1)
  local operation, refused = handles.check(client, booking, action, inputs, given.options, where, level + 1)
  if not operation then return nil, refused end
  return {
    id = given.id or random.id(), booking = operation.id, action = action, is_bulk = given.priority == "bulk",
    at = given.at, key = given.key,
    inputs = json(inputs, "inputs", where, level + 1), options = json(given.options, "options", where, level + 1),
  }
end

-- What the queue refuses: the word of `added.what`, as `err.code`.
local REFUSALS = {
  full = "the queue is full: it has as many open jobs as its option most allows",
  taken = "the job's id is that of another job, on another booking or of another action",
}

local function refusal(added, id)
  local message = REFUSALS[added.what]
  return message and redis_jobs.error({
    kind = "server", code = added.what:upper(), message = message, sent = "yes",
  }, id)
end

--- Adds an action, to be carried out by a worker.
-- The rules of the booking's graph, where it is known, refuse it as they refuse one that is sent at once. Actions on
-- one booking are carried out in the order in which they were added, or of their `at`. One that is tried again, or is
-- dead, holds up those behind it.
--
-- If the answer of Redis is lost, `err.id` is the job's id: adding the same with `id = err.id` is safe.
--
-- Raises on wrong use, as `Booking:action` does.
-- @tparam string|BookingData|Booking booking an id, or a booking or a handle
-- @tparam ActionName|string action
-- @tparam ?table inputs
-- @tparam ?JobOptions opts
-- @tparam ?string opts.key a name: while a job with this key is open, and for `keep` after its end, no other is added
-- @tparam ?number|string opts.at not before this time: Unix seconds, or as in RFC 3339
-- @tparam ?string opts.priority `"bulk"`: behind others, and with bulk's share of the rate
-- @tparam ?string opts.id the job's id, of letters, digits and `._:-`; made here unless given
-- @tparam ?ActionOptions opts.options those of `Booking:action`; `timeout` counts up to that of the worker's client
-- @treturn AddedJob|nil
-- @treturn ?Error then the error: `input`, `transition` (refused by the rules, or a final state), `network`, `timeout`,
--   `auth`, `server` (Redis refuses it; `err.code` is its word, or `FULL`, or `TAKEN`: another job has the id, or
--   `UNFIT` with the reason), `response` (the server is no Redis), `phase`
-- @usage
-- local job, err = queue:add(id, "confirm", nil, { key = "order-77" })
-- if not job and err.id then job, err = queue:add(id, "confirm", nil, { key = "order-77", id = err.id }) end
function Queue:add(booking, action, inputs, opts)
  check(self, "queue:add", 3)
  local job, refused = job_of(self.client, booking, action, inputs, opts, 3)
  if not job then return nil, refused end
  local host, err = host_of(self)
  if not host then return nil, err end
  local added, failure = self.jobs:add(host, job)
  if not added then return nil, redis_jobs.error(failure, job.id) end
  local refused_there = refusal(added, job.id)
  if refused_there then return nil, refused_there end
  return added
end

--- Carries out jobs until it is told to stop, and until those in flight are over. It waits as `Client:batch` does: a
-- script until then; in a call of `start`, a coroutine of an event loop or a timer of nginx others go on. Any number of
-- workers may run, in any number of processes.
--
-- It goes on whatever Redis and Timekit do. While Timekit refuses the key it takes no jobs for 30 seconds at a time.
-- Raises on wrong options and on a closed client, and what `on_job` and `on_trouble` raise.
-- @tparam ?WorkOptions opts
-- @tparam[opt=16] integer opts.concurrency how many jobs at once, at most
-- @tparam ?fun():boolean opts.stop returns true when no more jobs are to be taken; asked about once a second
-- @tparam ?fun(event:JobEvent) opts.on_job called after each try
-- @tparam ?fun(err:Error) opts.on_trouble called when Redis gives no jobs, once until it does again or says something
--   else
-- @treturn boolean|nil true
-- @treturn ?Error with nil the error: `phase`, or what keeps the queue from working with this Redis, as of `add`
-- @usage
-- assert(queue:work {
--   stop = function() return is_stopping end, on_job = function(event) print(event.id, event.what) end,
-- })
function Queue:work(opts)
  local where = "queue:work"
  check(self, where, 3)
  local given = options.check(opts, options.queue_work, where, 3)
  local host, err = host_of(self)
  if not host then return nil, err end
  local on_trouble = given.on_trouble
  local bells = self.bells
  local bell = table.remove(bells) or redis_links.attach(self.client.runner.pump, self.address)
  worker.run(self.client, self.jobs, bell, random.id(), {
    concurrency = given.concurrency, stop = given.stop, on_job = given.on_job,
    on_trouble = on_trouble and function(failure) on_trouble(redis_jobs.error(failure)) end,
  })
  table.insert(bells, bell)
  return true
end

local function not_found(id)
  return Error.unsent { kind = "not_found", message = "the queue knows no job " .. messages.quote(id) }
end

local function in_state(id, state, what)
  return Error.unsent {
    kind = "transition", state = state, message = ("the job %s is %s: %s"):format(messages.quote(id), state, what),
  }
end

--- A job.
-- @tparam string id
-- @treturn Job|nil
-- @treturn ?Error with nil the error: `not_found`, also once `keep` is over; or as of `add`
-- @usage print(assert(queue:get(job.id)).state)
function Queue:get(id)
  check(self, "queue:get", 3)
  check_id(id, "queue:get", 3)
  local job, err = ask(self, "get", id)
  if job == false then return nil, not_found(id) end
  return job, err
end

--- Cancels a job that waits and was never sent.
-- @tparam string id
-- @treturn boolean|nil true
-- @treturn ?Error with nil the error: `transition`, with its `state`, when it is too late; `not_found`; or as of `add`
-- @usage local cancelled, err = queue:cancel(job.id)
function Queue:cancel(id)
  check(self, "queue:cancel", 3)
  check_id(id, "queue:cancel", 3)
  local answer, err = ask(self, "cancel", id)
  if answer == nil then return nil, err end
  if answer == "cancelled" then return true end
  if answer == "unknown" then return nil, not_found(id) end
  if answer == "sent" then return nil, in_state(id, "wait", "but its action may have been sent already") end
  return nil, in_state(id, answer, "only one that waits can be cancelled")
end

--- The jobs whose action is in doubt for good, the oldest first, at most 1,000. Each holds up the others of its booking
-- until `resolve`. Its action may still arrive.
-- @treturn {Job,...}|nil
-- @treturn ?Error with nil the error, as of `add`
-- @usage for _, job in ipairs(assert(queue:dead())) do print(job.id, job.outcome.message) end
function Queue:dead()
  check(self, "queue:dead", 3)
  local list, err = ask(self, "dead")
  return list, err
end

local HOW = { again = true, done = true, drop = true }

--- Decides about a dead job.
-- @tparam string id
-- @tparam string how `"again"`: it is tried again, beginning with a look; `"done"`: it was done; `"drop"`: it ends as
--   cancelled
-- @treturn boolean|nil true
-- @treturn ?Error with nil the error: `transition` when it is not dead, `not_found`, or as of `add`
-- @usage for _, job in ipairs(assert(queue:dead())) do assert(queue:resolve(job.id, "again")) end
function Queue:resolve(id, how)
  check(self, "queue:resolve", 3)
  check_id(id, "queue:resolve", 3)
  if not HOW[how] then error("queue:resolve: how: expected 'again', 'done' or 'drop'", 2) end
  local answer, err = ask(self, "resolve", id, how)
  if answer == nil then return nil, err end
  if answer == "resolved" then return true end
  if answer == "unknown" then return nil, not_found(id) end
  return nil, in_state(id, answer, "only a dead one can be resolved")
end

--- Numbers for monitors.
-- @treturn QueueStats|nil
-- @treturn ?Error with nil the error, as of `add`
-- @usage print(assert(queue:stats()).ready)
function Queue:stats()
  check(self, "queue:stats", 3)
  local stats, err = ask(self, "stats")
  if stats then stats.warnings = self.warnings end
  return stats, err
end

--- @section end

-- Makes a queue of checked options.
local function new(client, given)
  -- Redis forgets after whole seconds.
  local name, keep, most = given.name or "default", math.ceil(given.keep or 7 * 86400), given.most or 1000000
  given.redis.ca_file = given.ca_file
  local shared = redis_links.of_client(client.runner.pump, given.redis)
  return setmetatable({
    client = client, name = name, address = given.redis, durable = given.durable ~= false, bells = shared.bells,
    jobs = redis_jobs.new(shared.link, { name = name, keep = keep, most = most }),
    warnings = nil, -- once Redis was asked whether it keeps what it is given
  }, metatable)
end

-- Internal: raises where `Queue:add` would, when it is given the same.
function queues.check_add(client, booking, action, inputs, opts)
  job_of(client, booking, action, inputs, opts, 3)
end

-- Adds the method to the class of clients. `check_client(client, where, level)` raises on a wrong or closed client.
function queues.install(Client, check_client)
  --- @type Client

  --- Makes a queue of actions, kept by a Redis, which any number of processes can share. Nothing is sent.
  -- Raises on wrong options, and on a client whose transport is a sandbox in the process, which has no connections.
  -- @tparam QueueOptions opts
  -- @tparam string opts.redis the server: `unix:///run/redis.sock`, `redis://127.0.0.1:6379/0` on this machine, or
  --   `rediss://user:password@host:6379/0` with TLS
  -- @tparam[opt="default"] string opts.name of the queue, of letters, digits and `._:-`
  -- @tparam ?number opts.keep seconds that a job, and its key, are known after its end; a week unless given
  -- @tparam[opt=1000000] integer opts.most open jobs; more are refused
  -- @tparam[opt=true] boolean opts.durable false: take a Redis that loses its jobs when it ends
  -- @tparam ?string opts.ca_file certificates to trust instead of the system's, for rediss
  -- @treturn Queue see `timekit.queue`
  -- @usage local queue = tk:queue { redis = "unix:///run/redis.sock", name = "shop" }
  function Client:queue(opts)
    local where = "client:queue"
    check_client(self, where, 3)
    local given = options.check(opts, options.queue, where, 3)
    if not given.redis then error(where .. ": redis: expected the address of a server", 2) end
    local ok, queue = pcall(new, self, given)
    if not ok then error(("%s: %s"):format(where, queue), 2) end
    return queue
  end
end

return queues
