--- What many actions leave behind.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local IN_FLIGHT = 64
-- After this share of the actions the collector has found its pace.
local WARMUP = 1 / 20
-- So few megabytes are no proof of growth.
local NOTHING = 0.05

return function(report, context)
  local warmup = math.max(5000, math.ceil(context.actions * WARMUP))
  local output = load.run(("%s spec/bench/probes/growth.lua %s %d %d %d"):format(
    this_lua.command, context.server.url, IN_FLIGHT, warmup, context.actions), nil, 3600)
  local resident, of_lua = output:match("^(%S+)%s+(%S+)\n$")
  resident, of_lua = tonumber(resident) / 1e6, tonumber(of_lua) / 1e6
  local actions = numbers.grouped(context.actions)
  report:heading("Growth")
  report:line("By %s actions, %d in flight, after %s. Less than %g MB of what is resident counts as none.",
    actions, IN_FLIGHT, numbers.grouped(warmup), NOTHING)
  report:line("")
  report:table({ "grew", "MB" }, {
    { "resident", ("%.3f"):format(resident) }, { "kept by Lua", ("%.3f"):format(of_lua) },
  })
  report:row {
    name = ("growth over %s actions, MB"):format(actions), value = resident, format = "%.2f",
    at_least = 1, aim = NOTHING, most = true,
  }
end
