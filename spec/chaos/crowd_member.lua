--- A writer in a process of its own: reads jobs of spec/chaos/session.lua as lines of JSON, answers each with its
-- notes, and ends when the input does.
local core = require "timekit.core"
local control = require "spec.chaos.control"
local graphs = require "spec.chaos.graphs"
local plan = require "spec.chaos.plan"
local session = require "spec.chaos.session"
local writer = require "spec.chaos.writer"

graphs.define()
writer.lapse_time()
local clean, url
print("ready")
io.flush()
for line in io.lines() do
  local job = assert(core.decode(line))
  job.round = plan.round(job.seed, job.number, "crowd")
  if job.url ~= url then clean, url = control.new(job.url), job.url end
  io.write(assert(core.encode(core.array(session.run(job, clean)))), "\n")
  io.flush()
end
