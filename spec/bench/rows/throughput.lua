--- Requests a second, next to the peers, all against the same server.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local rates = require "spec.bench.rates"
local server = require "spec.bench.server"

local function chosen(peers, kind)
  local list = {}
  for _, peer in ipairs(peers) do
    if peer[kind] then list[#list + 1] = peer end
  end
  return list
end

local function best_that_decodes(peers, per_second)
  local best, greatest
  for _, peer in ipairs(peers) do
    local median = peer.decodes and numbers.spread(per_second[peer.name])
    if median and (not best or median > greatest) then best, greatest = peer.name, median end
  end
  return best
end

return function(report, context)
  local peers, missing = load.present(load.peers)
  report:line("")
  report:line("Peers that this machine lacks: %s.", #missing > 0 and table.concat(missing, "; ") or "none")
  local url = server.endpoint(context.server.url)

  local function measure(title, kind, setup)
    report:heading(title)
    local some = chosen(peers, kind)
    local per_second, costs = load.rounds(some, setup, context.plan)
    rates.show(report, load.names(some), "timekit", per_second, costs)
    return per_second, best_that_decodes(some, per_second)
  end

  local per_second, best = measure("One after the other", "sequential", { url = url, protocol = "h1", in_flight = 1 })
  rates.judge(report, "one after the other, over", per_second, "C libcurl easy", 0.75, 0.9)
  rates.judge(report, "one after the other, over the best that decodes:", per_second, best, 1.0, 1.3)

  per_second, best = measure("64 in flight", "concurrent", { url = url, protocol = "h1", in_flight = 64 })
  rates.judge(report, "64 in flight, over", per_second, "C libcurl multi", 0.55, 0.75)
  rates.judge(report, "64 in flight, over the best that decodes:", per_second, best, 1.25, 2.0)

  per_second = measure("64 streams of HTTP/2 over TLS", "http2", {
    url = server.endpoint(context.server.tls_url), protocol = "h2", in_flight = 64, ca_file = context.server.ca_file,
  })
  rates.judge(report, "HTTP/2, 64 streams, over", per_second, "C libcurl multi", 0.6, 0.8)
end
