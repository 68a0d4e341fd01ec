--- `require "timekit"`, in fresh processes.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local PROCESSES = 31

return function(report)
  local times, cpu = {}, {}
  for index = 1, PROCESSES do
    local output = load.run(this_lua.command .. " spec/bench/probes/startup.lua")
    local seconds, of_cpu = output:match("^(%S+)%s+(%S+)\n$")
    times[index], cpu[index] = tonumber(seconds) * 1000, tonumber(of_cpu) * 1000
  end
  report:heading("Loading")
  report:table({ ("`require \"timekit\"`, %d processes"):format(PROCESSES), "ms", "ms of CPU" },
    { { "", numbers.text(times, "%.1f"), numbers.text(cpu, "%.1f") } })
  report:row {
    name = "require, ms", value = numbers.spread(times), format = "%.1f", at_least = 10, aim = 3, most = true,
  }
end
