--- A producer of the queue's chaos. It adds the jobs of a file (lines of JSON), notes in a log which were acknowledged,
-- and goes on from there when it was killed. Arguments: the Redis, the queue's name, the file, the log, and
-- the fault that is put in on purpose, if any.
local address, name, file, log, control = arg[1], arg[2], arg[3], arg[4], arg[5]
require("spec.chaos.queue.patches").apply(control)
require("spec.chaos.graphs").define()
local core = require "timekit.core"
local timekit = require "timekit"

local acknowledged = {}
local before = io.open(log)
if before then
  for line in before:lines() do acknowledged[line] = true end
  before:close()
end
local notes = assert(io.open(log, "a"))
local tk = timekit.new { app_key = "test_api_key_1", base_url = "http://127.0.0.1:1/v2", connect_timeout = 0.5 }
local queue = tk:queue { redis = address, name = name }
print "ready"
io.flush()
for line in io.lines(file) do
  local job = assert(core.decode(line))
  while not acknowledged[job.id] do
    local added = queue:add(job.booking, job.action, nil, {
      id = job.id, priority = job.priority, options = { settings = { chaos = job.id } },
    })
    if added then
      notes:write(job.id, "\n")
      notes:flush()
      acknowledged[job.id] = true
    end
    core.sleep(0.004)
  end
end
notes:write("finished\n")
notes:close()
