--- Requests a second, next to the peers, all against the same server.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local server = require "spec.bench.server"

local function chosen(peers, kind)
  local list = {}
  for _, peer in ipairs(peers) do
    if peer[kind] then list[#list + 1] = peer end
  end
  return list
end

local function best_that_decodes(peers, rates)
  local best, greatest
  for _, peer in ipairs(peers) do
    local median = peer.decodes and numbers.spread(rates[peer.name])
    if median and (not best or median > greatest) then best, greatest = peer.name, median end
  end
  return best
end

local function show(report, peers, rates, costs)
  local body = {}
  for index, peer in ipairs(peers) do
    local median, least, most = numbers.spread(rates[peer.name])
    body[index] = {
      peer.name,
      ("%s (%s–%s)"):format(numbers.grouped(median), numbers.grouped(least), numbers.grouped(most)),
      numbers.text(costs[peer.name], "%.1f"),
      peer.name == "timekit" and "" or numbers.text(numbers.ratios(rates.timekit, rates[peer.name]), "%.2f"),
    }
  end
  report:table({ "peer", "requests a second", "µs of CPU each", "timekit over it" }, body)
end

local function judge(report, name, rates, other, at_least, aim)
  report:row {
    name = name .. (other and " " .. other or ""), format = "%.2f", at_least = at_least, aim = aim,
    value = other and numbers.spread(numbers.ratios(rates.timekit, rates[other])) or nil,
  }
end

return function(report, context)
  local peers, missing = load.present()
  report:line("")
  report:line("Peers that this machine lacks: %s.", #missing > 0 and table.concat(missing, "; ") or "none")
  local url = server.endpoint(context.server.url)

  report:heading("One after the other")
  local some = chosen(peers, "sequential")
  local rates, costs = load.rounds(some, { url = url, protocol = "h1", in_flight = 1 }, context.plan)
  show(report, some, rates, costs)
  judge(report, "one after the other, over", rates, "C libcurl easy", 0.75, 0.9)
  judge(report, "one after the other, over the best that decodes:", rates, best_that_decodes(some, rates), 1.0, 1.3)

  report:heading("64 in flight")
  some = chosen(peers, "concurrent")
  rates, costs = load.rounds(some, { url = url, protocol = "h1", in_flight = 64 }, context.plan)
  show(report, some, rates, costs)
  judge(report, "64 in flight, over", rates, "C libcurl multi", 0.55, 0.75)
  judge(report, "64 in flight, over the best that decodes:", rates, best_that_decodes(some, rates), 1.25, 2.0)

  report:heading("64 streams of HTTP/2 over TLS")
  some = chosen(peers, "http2")
  rates, costs = load.rounds(some, {
    url = server.endpoint(context.server.tls_url), protocol = "h2", in_flight = 64, ca_file = context.server.ca_file,
  }, context.plan)
  show(report, some, rates, costs)
  judge(report, "HTTP/2, 64 streams, over", rates, "C libcurl multi", 0.6, 0.8)
end
