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

-- The greatest, or the least by `sign` -1, of the peers that decode.
local function best_that_decodes(peers, values, sign)
  local best, greatest
  for _, peer in ipairs(peers) do
    local median = peer.decodes and sign * numbers.spread(values[peer.name])
    if median and (not best or median > greatest) then best, greatest = peer.name, median end
  end
  return best
end

local NO_HOOKS, CALLS, CALLS_NO_HOOKS =
  "timekit without hooks", "timekit, a call for each", "timekit, a call for each, without hooks"

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
    local function judge(row)
      row.title = title
      rates.judge_both(report, row, per_second, costs)
    end
    return per_second, best_that_decodes(some, per_second, 1), judge, best_that_decodes(some, costs, -1)
  end

  local per_second, best, judge = measure("One after the other", "sequential", {
    url = url, protocol = "h1", in_flight = 1,
  })
  rates.judge(report, "one after the other, over", per_second, "C libcurl easy", 0.75, 0.9)
  rates.judge(report, "one after the other, over the best that decodes:", per_second, best, 1.0, 1.3)
  judge { ours = NO_HOOKS, other = "a thin module", at_least = 0.77, aim = 0.87 }

  local least
  per_second, best, judge, least = measure("64 in flight", "concurrent", { url = url, protocol = "h1", in_flight = 64 })
  rates.judge(report, "64 in flight, over", per_second, "C libcurl multi", 0.55, 0.75)
  rates.judge(report, "64 in flight, over the best that decodes:", per_second, best, 1.25, 2.0)
  judge { ours = "timekit", other = least, at_least = 1.0, aim = 1.1 }
  judge { ours = NO_HOOKS, other = least, at_least = 1.07, aim = 1.2 }
  judge { ours = CALLS, other = least, at_least = 0.88, aim = 1.0 }
  judge { ours = CALLS_NO_HOOKS, other = least, at_least = 1.0, aim = 1.1 }
  judge { ours = "timekit, LuaJIT", other = "timekit", at_least = 1.1, aim = 1.3 }

  local streams = { protocol = "h2", in_flight = 64, ca_file = context.server.ca_file }
  streams.url = server.endpoint(context.server.tls_url)
  local of_streams, _, judge_streams = measure("64 streams of HTTP/2 over TLS", "http2", streams)
  rates.judge(report, "HTTP/2, 64 streams, over", of_streams, "C libcurl multi", 0.6, 0.8)
  judge_streams { ours = NO_HOOKS, other = "C libcurl multi", at_least = 0.62, aim = 0.75 }
end
