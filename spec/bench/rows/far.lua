--- Requests a second and their CPU where the server is as far away as another town: over TLS, on kept connections.
local load = require "spec.bench.load"
local rates = require "spec.bench.rates"
local server = require "spec.bench.server"

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

local function measure(report, context, port, case)
  local peers = chosen(case.kind)
  local per_second, costs = load.rounds(peers, {
    url = server.endpoint(("https://127.0.0.1:%d/v2"):format(port)), protocol = "h1", in_flight = case.in_flight,
    ca_file = context.server.ca_file, first_slice = case.in_flight * 10,
  }, context.plan)
  report:line("")
  report:line("HTTP/1.1 over TLS, %s:", case.title)
  report:line("")
  rates.show(report, load.names(peers), "timekit", per_second, costs)
  rates.judge(report, ("%d ms away, %s, over"):format(server.ROUND_TRIP, case.title), per_second, case.other, 0.9, 0.98)
end

return function(report, context)
  report:heading(("A server that is %d ms away"):format(server.ROUND_TRIP))
  report:line("A relay on the server's core passes all bytes on, each way %g ms later.", server.ROUND_TRIP / 2)
  local far = server.far(context.server.tls_port)
  local ok, problem = xpcall(function()
    for _, case in ipairs(KINDS) do measure(report, context, far.port, case) end
  end, debug.traceback)
  far.close()
  if not ok then error(problem, 0) end
end
