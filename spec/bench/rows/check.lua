--- One check of the graph.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local COUNT = 500000

return function(report, context)
  local handles, graphs = {}, {}
  for round = 1, context.plan.rounds do
    local output = load.run(("%s spec/bench/probes/check.lua %d"):format(this_lua.command, COUNT))
    local handle, graph = output:match("^(%S+)%s+(%S+)\n$")
    handles[round], graphs[round] = tonumber(handle), tonumber(graph)
  end
  report:heading("Is an action possible?")
  report:table({ "asked", "µs each" }, {
    { "`handle:can(action)`", numbers.text(handles, "%.3f") },
    { "`graph:can(state, action)`", numbers.text(graphs, "%.3f") },
  })
  report:row {
    name = "one graph check, µs", value = numbers.spread(handles), format = "%.2f",
    at_least = 2, aim = 0.5, most = true,
  }
end
