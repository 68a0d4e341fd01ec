--- Plays rounds of the queue's chaos: producers, workers, a Redis and a sandbox in processes of their own, which are
-- killed and stopped while a judge takes notes. `make chaos MODE=queue` runs it.
require("spec.chaos.queue.patches").apply()
local core = require "timekit.core"
local cut_proxy = require "spec.support.cut_proxy"
local daemon = require "spec.support.daemon"
local judge = require "spec.chaos.queue.judge"
local patches = require "spec.chaos.queue.patches"
local plan = require "spec.chaos.queue.plan"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"
local world = require "spec.chaos.world"

local queue_chaos = {}

-- Seconds: between two looks, longest between two events, for which a worker is stopped, and after which a round hangs.
local LOOK, PATIENCE, STOPPED, HANGS = 0.02, 1, 4, 90

local Round = {}
Round.__index = Round

local function start(command)
  local program = process.start(("sh -c 'echo $$; exec %s %s 2>&1'"):format(this_lua.command, command))
  return { program = program, pid = program.line }
end

local function signal(member, name)
  shell.run(("kill -%s %s"):format(name, member.pid))
end

local function kill(member)
  signal(member, "CONT")
  signal(member, "KILL")
  member.program:close()
end

-- ---- members ----

function Round:start_worker(index)
  self.workers[index] = start(("spec/chaos/queue/worker.lua %s %s %s \"%s\""):format(
    self.proxied_redis, self.world.proxied, self.name, self.control or ""))
end

function Round:start_producer(index)
  self.producers[index] = start(("spec/chaos/queue/producer.lua %s %s %s/jobs%d %s/log%d \"%s\""):format(
    self.proxied_redis, self.name, self.redis.folder, index, self.redis.folder, index, self.control or ""))
end

function Round:write_jobs(ids)
  for index, jobs in ipairs(self.plan.jobs) do
    local file = assert(io.open(("%s/jobs%d"):format(self.redis.folder, index), "w"))
    for _, job in ipairs(jobs) do
      file:write(assert(core.encode {
        id = job.id, booking = ids[job.booking], action = job.action, priority = job.priority,
      }), "\n")
    end
    file:close()
  end
end

function Round:read_logs()
  local acknowledged, finished = {}, 0
  for index = 1, #self.plan.jobs do
    local file = io.open(("%s/log%d"):format(self.redis.folder, index))
    local is_finished = false
    for line in file and file:lines() or function() end do
      if line == "finished" then is_finished = true else acknowledged[line] = true end
    end
    if file then file:close() end
    if is_finished then finished = finished + 1 end
  end
  return acknowledged, finished == #self.plan.jobs
end

-- ---- what happens ----

local EVENTS = {}

EVENTS["kill redis"] = function(self)
  self.redis:kill()
  if self.control == "truncated file" then
    shell.must(("cd %s/appendonlydir && for f in *.incr.aof; do truncate -s -3000 $f; done"):format(self.redis.folder))
  end
  self.redis:restart()
end

EVENTS["kill worker"] = function(self, event)
  kill(self.workers[event.which])
  self:start_worker(event.which)
end

EVENTS["stop worker"] = function(self, event)
  signal(self.workers[event.which], "STOP")
  table.insert(self.stopped, { member = self.workers[event.which], at = core.now() + STOPPED })
end

EVENTS["kill producer"] = function(self, event)
  kill(self.producers[event.which])
  self:start_producer(event.which)
end

EVENTS["faults"] = function(self, event)
  self.world.control:request("POST", "/_sandbox/faults", { faults = core.array(event.faults) })
end

EVENTS["clock"] = function(self, event)
  self.redis:cli("incrby clock " .. event.by)
end

function Round:wake_stopped(all)
  for index = #self.stopped, 1, -1 do
    local entry = self.stopped[index]
    if all or core.now() >= entry.at then
      signal(entry.member, "CONT")
      table.remove(self.stopped, index)
    end
  end
end

-- A person decides about the dead ones.
function Round:resolve_dead()
  for _, job in ipairs(self.queue:dead() or {}) do
    self.resolved[job.id] = true
    self.dead[job.id] = true
    self.queue:resolve(job.id, "drop")
  end
end

function Round:play()
  local next_event, due, over_by_then = 1, core.now() + PATIENCE, 0
  local hangs = core.now() + HANGS
  while core.now() < hangs do
    local stats = self.queue:stats()
    local over = stats and stats.done + stats.failed + stats.cancelled or 0
    local event = self.plan.events[next_event]
    if event and (core.now() >= due or over - over_by_then >= self.plan.count / #self.plan.events) then
      EVENTS[event.what](self, event)
      self.counts[event.what] = (self.counts[event.what] or 0) + 1
      next_event, due, over_by_then = next_event + 1, core.now() + PATIENCE, over
    end
    self:wake_stopped()
    if stats and stats.dead > 0 then self:resolve_dead() end
    local _, finished = self:read_logs()
    if finished and stats and stats.open == 0 then return end
    core.sleep(LOOK)
  end
end

-- ---- the end ----

function Round:states(acknowledged)
  local states = {}
  for id in pairs(acknowledged) do
    local job, err = self.queue:get(id)
    if job then states[id] = self.dead[id] and "dead" or job.state
    elseif err.kind ~= "not_found" then error(tostring(err))
    end
  end
  return states
end

function Round:close_members()
  self:wake_stopped(true)
  for _, list in ipairs { self.workers, self.producers } do
    for _, member in ipairs(list) do kill(member) end
  end
end

--- Plays one round.
-- @tparam table options `seed`, `number`, `world`, `control` (or nil)
-- @treturn {table,...} violations: `rule`, `text`
-- @treturn table `jobs`, `counts` (of events), `dead`, `cuts`
function queue_chaos.round(options)
  local port = daemon.free_port()
  local server = redis.start(redis.DURABLE .. " --port " .. port)
  local redis_proxy = cut_proxy.start(port)
  local self = setmetatable({
    plan = plan.round(options.seed, options.number), world = options.world, control = options.control,
    redis = server, proxied_redis = "redis://127.0.0.1:" .. redis_proxy.port,
    name = "chaos", workers = {}, producers = {}, stopped = {}, resolved = {}, dead = {}, counts = {},
  }, Round)
  local begun = self.world:begin(self.plan)
  redis_proxy:begin(("%d.%d.redis"):format(options.seed, options.number), self.plan.redis_cut_rate)
  local ids = {}
  for index, booking in ipairs(begun) do ids[index] = booking.id end
  self:write_jobs(ids)
  local tk = timekit.new { app_key = "test_api_key_1", base_url = self.world.url .. "/v2" }
  self.queue = tk:queue { redis = server.address, name = self.name }
  for index = 1, self.plan.workers do self:start_worker(index) end
  for index = 1, #self.plan.jobs do self:start_producer(index) end
  self:play()
  self:close_members()
  local acknowledged = self:read_logs()
  local states = self:states(acknowledged)
  local bookings, requests, done = self.world:settle()
  local list = judge.round(self.plan, { acknowledged = acknowledged, states = states, resolved = self.resolved },
    bookings, requests, ids)
  local cuts = #done.cuts + #redis_proxy:settle().cuts
  local reaped = self.queue:stats().reaped
  tk:close()
  redis_proxy:close()
  server:close()
  local jobs, dead = 0, 0
  for _ in pairs(acknowledged) do jobs = jobs + 1 end
  for _ in pairs(self.dead) do dead = dead + 1 end
  return list, { jobs = jobs, counts = self.counts, dead = dead, cuts = cuts, reaped = reaped }
end

local function total(sum, facts)
  for _, name in ipairs { "jobs", "dead", "cuts", "reaped" } do sum[name] = (sum[name] or 0) + facts[name] end
  for name, count in pairs(facts.counts) do sum.counts[name] = (sum.counts[name] or 0) + count end
end

local function line(sum)
  local events = {}
  for name, count in pairs(sum.counts) do events[#events + 1] = ("%d %s"):format(count, name) end
  table.sort(events)
  return table.concat({
    ("queue chaos: %d jobs in %d rounds and %.0f seconds"):format(sum.jobs, sum.rounds, sum.seconds),
    table.concat(events, ", "), sum.cuts .. " cuts", sum.reaped .. " leases ran out", sum.dead .. " dead",
    sum.violations .. " violations",
  }, "; ")
end

--- Plays until there were so many jobs.
-- @tparam table options `seed`, `jobs`, `round` (only this one), `control` (see spec/chaos/queue/patches.lua), `say`
-- @treturn table `violations` (their number), `rules` (which: name → count), `line` (a text that sums up)
function queue_chaos.run(options)
  local sum = { counts = {}, rounds = 0, violations = 0, rules = {}, jobs = 0, seconds = 0 }
  local began, place = core.now(), world.start()
  local number = options.round or 1
  repeat
    local list, facts = queue_chaos.round {
      seed = options.seed, number = number, world = place, control = options.control,
    }
    total(sum, facts)
    sum.rounds, sum.violations = sum.rounds + 1, sum.violations + #list
    for _, violation in ipairs(list) do
      sum.rules[violation.rule] = (sum.rules[violation.rule] or 0) + 1
      if options.say then
        options.say(("VIOLATION %s: %s\n  again: make chaos MODE=queue SEED=%d ROUND=%d"):format(
          violation.rule, violation.text, options.seed, number))
      end
    end
    number = number + 1
  until options.round or sum.jobs >= options.jobs
  place:close()
  sum.seconds = core.now() - began
  sum.line = line(sum)
  return sum
end

queue_chaos.CONTROLS = patches.CONTROLS

return queue_chaos
