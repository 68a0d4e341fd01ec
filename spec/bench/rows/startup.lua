--- `require "timekit"` and a first client, in fresh processes.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local PROCESSES = 31

return function(report)
  local times, cpu, clients = {}, {}, {}
  for index = 1, PROCESSES do
    local output = load.run(this_lua.command .. " spec/bench/probes/startup.lua")
    local seconds, of_cpu, client = output:match("^(%S+)%s+(%S+)%s+(%S+)\n$")
    times[index], cpu[index], clients[index] = seconds * 1000, of_cpu * 1000, client * 1000
  end
  report:heading("Loading")
  report:table({
    ("`require \"timekit\"`, %d processes"):format(PROCESSES), "ms", "ms of CPU", "the first client's ms of CPU",
  }, { { "", numbers.text(times, "%.1f"), numbers.text(cpu, "%.1f"), numbers.text(clients, "%.1f") } })
  report:row {
    name = "require, ms", value = numbers.spread(times), format = "%.1f", at_least = 10, aim = 3, most = true,
  }
end
