--- Chaos: performs random actions on random bookings while everything goes wrong, and compares what the callers were
-- told with what really happened.
local core = require "timekit.core"
local process = require "spec.support.process"
local this_lua = require "spec.support.this_lua"
local graphs = require "spec.chaos.graphs"
local judge = require "spec.chaos.judge"
local plan = require "spec.chaos.plan"
local report = require "spec.chaos.report"
local session = require "spec.chaos.session"
local truth = require "spec.chaos.truth"
local new_world = require "spec.chaos.world".start
local writer = require "spec.chaos.writer"

local chaos = {}

-- A writer in a process of its own.
local function start_process()
  return process.start(this_lua.command .. " spec/chaos/crowd_member.lua")
end

-- The crowd of a round, all at once.
local function run_crowd(self, job)
  local line = assert(core.encode {
    seed = job.round.seed, number = job.round.number, limit = job.limit, bookings = core.array(job.bookings),
    url = job.url, proxied = job.proxied,
  })
  for number = 1, self.writers do
    if not self.members[number] then
      self.members[number] = self.start_member()
      assert(self.members[number].line == "ready", "a writer did not start")
    end
    self.members[number]:say((line:gsub("^{", ('{"writer":%d,'):format(number))))
  end
  local notes = {}
  for _, member in ipairs(self.members) do
    for _, note in ipairs(core.decode(assert(member:read(), "a writer has died"))) do notes[#notes + 1] = note end
  end
  return notes
end

local function play(self, round, limit)
  local job = {
    round = round, bookings = self.world:begin(round), writer = 1, limit = limit,
    url = self.world.url, proxied = self.world.proxied, wrap = self.wrap, distort = self.distort,
  }
  if round.kind == "crowd" then return run_crowd(self, job) end
  return session.run(job, self.world.control, self.world.proxy)
end

-- Several of a crowd share the operations that are left.
local function run_round(self, number)
  local round = plan.round(self.seed, number, self.mode)
  local left = self.actions - self.summary.actions
  local notes = play(self, round, round.kind == "crowd" and math.ceil(left / self.writers) or left)
  local bookings, requests, done = self.world:settle()
  local all = truth.read(bookings, requests, notes)
  for _, note in ipairs(notes) do
    local violations = judge.operation(note, all)
    report.count(self.summary, note, violations)
    if #violations > 0 then self.say(report.violation(round, note, violations, all, done.cuts)) end
  end
  report.count_harm(self.summary, done, requests)
end

--- Runs it.
-- @tparam table options `seed`, `actions` (at least so many operations), `writers` (in a crowd), `mode` (see
--   `plan.round`), `round` (only this one), `world` (one that was started before), `say` (function(text): told about
--   violations), `wrap` and `distort` as for spec/chaos/writer.lua, `start_member` (function: starts one of a crowd;
--   default: a process of its own)
-- @treturn table see spec/chaos/report.lua
function chaos.run(options)
  local self = {
    seed = options.seed, actions = options.actions, writers = options.writers, mode = options.mode, say = options.say,
    wrap = options.wrap, distort = options.distort, members = {}, summary = report.new(),
    start_member = options.start_member or start_process,
    world = options.world or new_world(),
  }
  graphs.define()
  local restore = writer.lapse_time()
  local function finish()
    restore()
    graphs.forget()
    for _, member in ipairs(self.members) do member:close() end
    if not options.world then self.world:close() end
  end
  local ok, problem = xpcall(function()
    local number = options.round or 1
    repeat
      run_round(self, number)
      number = number + 1
    until options.round or self.summary.actions >= self.actions
  end, debug.traceback)
  finish()
  if not ok then error(problem, 0) end
  return self.summary
end

return chaos
