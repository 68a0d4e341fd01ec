--- Requests a second and their CPU where the server is in the same building or another town: over TLS, on kept
-- connections.
local load = require "spec.bench.load"
local rates = require "spec.bench.rates"
local server = require "spec.bench.server"

-- Milliseconds there and back. With many in flight the CPU is the limit at one millisecond, as on the same machine, so
-- less is asked there.
local ROUND_TRIPS = { 1, 20 }
local AT_CPU_LIMIT = { at_least = 0.55, aim = 0.75 }
local AT_NETWORK_LIMIT = { at_least = 0.9, aim = 0.98 }

local KINDS = {
  { title = "one after the other", kind = "sequential", in_flight = 1, other = "C libcurl easy" },
  { title = "64 in flight", kind = "concurrent", in_flight = 64, other = "C libcurl multi" },
}

local function chosen(kind)
  local list = {}
  for _, peer in ipairs((load.present(load.peers))) do
    if peer.far and peer[kind] then list[#list + 1] = peer end
  end
  return list
end

local function measure(report, context, round_trip, port, case)
  local peers = chosen(case.kind)
  local per_second, costs = load.rounds(peers, {
    url = server.endpoint(("https://127.0.0.1:%d/v2"):format(port)), protocol = "h1", in_flight = case.in_flight,
    ca_file = context.server.ca_file, first_slice = case.in_flight * 10,
  }, context.plan)
  report:line("")
  report:line("HTTP/1.1 over TLS, %s:", case.title)
  report:line("")
  rates.show(report, load.names(peers), "timekit", per_second, costs)
  local limit = round_trip == 1 and case.in_flight > 1 and AT_CPU_LIMIT or AT_NETWORK_LIMIT
  rates.judge(report, ("%d ms away, %s, over"):format(round_trip, case.title), per_second, case.other, limit.at_least,
    limit.aim)
end

local function measure_at(report, context, round_trip)
  report:heading(("A server that is %d ms away"):format(round_trip))
  report:line("A relay on the server's core passes all bytes on, each way %g ms later.", round_trip / 2)
  local far = server.far(context.server.tls_port, round_trip)
  local ok, problem = xpcall(function()
    for _, case in ipairs(KINDS) do measure(report, context, round_trip, far.port, case) end
  end, debug.traceback)
  far.close()
  if not ok then error(problem, 0) end
end

return function(report, context)
  for _, round_trip in ipairs(ROUND_TRIPS) do measure_at(report, context, round_trip) end
end
