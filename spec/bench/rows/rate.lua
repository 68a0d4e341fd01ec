--- How long a call waits for its turn under a rate that bulk work of two other processes uses up. RATE_CALLS in the
-- environment: how many calls, 200 unless given; two of them are made a second.
local load = require "spec.bench.load"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local sandbox_server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local CALLS, PAUSE = tonumber(os.getenv "RATE_CALLS" or "") or 200, 0.5

-- Seconds after which the bucket is empty and bulk has all of it.
local SETTLED = 3

local function rank(list, part)
  return list[math.max(1, math.ceil(part * #list))] * 1000
end

return function(report)
  report:heading("The shared rate: a call beside bulk work")
  local server, box, log, members = redis.start(), sandbox_server.start(), os.tmpname(), {}
  for index = 1, 2 do
    local command = "sh -c 'echo $$; exec %s spec/support/rate_member.lua %s %s %s 16 bulk >/dev/null 2>&1'"
    members[index] = process.start(command:format(this_lua.command, server.address, box.url, log))
  end
  require("timekit.core").sleep(SETTLED)
  local output = load.run(("%s spec/bench/probes/beside_bulk.lua %s %s %d %g"):format(
    this_lua.command, server.address, box.url, CALLS, PAUSE), nil, 60 + 2 * CALLS * PAUSE)
  for _, member in ipairs(members) do
    shell.run("kill -9 " .. member.line)
    member:close()
  end
  os.remove(log)
  server:close()
  box:close()
  local waits = {}
  for text in output:gmatch "%S+" do waits[#waits + 1] = tonumber(text) end
  table.sort(waits)
  local p50, p99 = rank(waits, 0.5), rank(waits, 0.99)
  report:line("%d calls waited for their turn, in ms: p50 %.1f, p90 %.1f, p99 %.1f, longest %.1f.",
    #waits, p50, rank(waits, 0.9), p99, rank(waits, 1))
  report:row {
    name = "shared rate: a call beside bulk, ms (p99)", value = p99, format = "%.1f", at_least = 50, aim = 26,
    most = true,
  }
end
