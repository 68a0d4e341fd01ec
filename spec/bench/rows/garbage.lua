--- What an action leaves to the garbage collector, beyond what the caller gets.
local load = require "spec.bench.load"
local this_lua = require "spec.support.this_lua"

local COUNT = 1000

local function measure(environment, url)
  local output = load.run(("env %s %s spec/bench/probes/garbage.lua %s %d"):format(
    environment, this_lua.command, url, COUNT))
  local allocated, result = output:match("^(%S+)%s+(%S+)\n$")
  return tonumber(allocated) / 1e3, tonumber(result) / 1e3
end

return function(report, context)
  local body, garbage = {}, nil
  for _, case in ipairs { { "with hooks", "BENCH_HOOKS=yes" }, { "without hooks", "BENCH_HOOKS=no" } } do
    local allocated, result = measure(case[2], context.server.url)
    garbage = garbage or allocated - result
    body[#body + 1] = {
      case[1], ("%.2f"):format(allocated), ("%.2f"):format(result), ("%.2f"):format(allocated - result),
    }
  end
  report:heading("Garbage of an action")
  report:line("What Lua allocates with its collector stopped, less what the booking and its info keep.")
  report:line("")
  report:table({ "an action", "allocated, KB", "result, KB", "garbage, KB" }, body)
  report:row {
    name = "garbage of an action, KB", value = garbage, format = "%.2f", at_least = 1, aim = 0.3, most = true,
  }
end
