--- What `timekit bulk` makes of `tk:batch`: its rows are read twice, checked, noted in a journal and told in order.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

-- Enough for memory that grows with them to show.
local ROWS = 300000
local MOST_RESIDENT = 60

local function measure(url, how, count)
  local output = load.run(("%s spec/bench/probes/bulk.lua %s %s %d"):format(
    this_lua.command, url, how, count), nil, 3600)
  local per_second, resident = output:match("^(%S+)%s+(%S+)\n$")
  return tonumber(per_second), tonumber(resident) / 1e6
end

return function(report, context)
  local count = math.min(ROWS, context.actions)
  local bulk, batch, resident = {}, {}, 0
  for round = 1, math.min(3, context.plan.rounds) do
    batch[round] = measure(context.server.url, "batch", count)
    local megabytes
    bulk[round], megabytes = measure(context.server.url, "bulk", count)
    resident = math.max(resident, megabytes)
  end
  report:heading("Bulk")
  report:line("%s rows, 16 in flight, without a rate limit; reading and checking them first counts as well.",
    numbers.grouped(count))
  report:line("")
  report:table({ "", "rows a second" }, {
    { "tk:batch", numbers.text(batch, "%.0f") }, { "timekit bulk", numbers.text(bulk, "%.0f") },
  })
  report:row {
    name = "timekit bulk over tk:batch", value = numbers.spread(numbers.ratios(bulk, batch)), format = "%.2f",
    at_least = 0.75, aim = 0.9,
  }
  report:row {
    name = ("timekit bulk, %s rows, MB resident"):format(numbers.grouped(count)), value = resident, format = "%.1f",
    at_least = MOST_RESIDENT, aim = 30, most = true,
  }
end
