--- What 1,000 calls in flight take.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local CALLS = 1000
-- It is nearly the same each time.
local ROUNDS = 3

return function(report, context)
  local list = {}
  for round = 1, math.min(ROUNDS, context.plan.rounds) do
    list[round] = tonumber(load.run(("%s spec/bench/probes/held.lua %s %s %d"):format(
      this_lua.command, context.server.url, context.server.held_url, CALLS))) / 1e6
  end
  report:heading("Memory of calls in flight")
  report:table({ "resident more, with", "MB" }, {
    { numbers.grouped(CALLS) .. " calls in flight, HTTP/1.1", numbers.text(list, "%.1f") },
  })
  report:row {
    name = "1,000 calls in flight, MB", value = numbers.spread(list), format = "%.1f",
    at_least = 40, aim = 15, most = true,
  }
end
