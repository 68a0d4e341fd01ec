--- Requests a second through one worker of nginx whose handler performs an action, next to proxy_pass to the same
-- server. The load comes from the server's core.
local load = require "spec.bench.load"
local rates = require "spec.bench.rates"
local server = require "spec.bench.server"

local IN_FLIGHT = 64

local KINDS = {
  { name = "an action", path = "/action", bytes = #"confirmed" },
  { name = "proxy_pass", path = "/proxy" },
}

local function client(front, worker, kind)
  local setup = {
    url = front.url .. kind.path, bytes = kind.bytes, protocol = "h1", in_flight = IN_FLIGHT, pin = server.together,
    process = worker,
  }
  return { name = kind.name, setup = setup, command = "build/bench/curl_multi" }
end

return function(report, context)
  local front = server.front(context.server.port)
  local worker = tonumber((front:get("/pid")))
  local clients = {}
  for index, kind in ipairs(KINDS) do clients[index] = client(front, worker, kind) end
  local ok, per_second, costs = pcall(load.rounds, clients, nil, context.plan)
  local complaints = front:complaints()
  front:close()
  if not ok then error(per_second, 0) end
  assert(complaints == "", complaints)

  report:heading("nginx, one worker, 64 requests in flight")
  report:line("The CPU is the worker's.")
  report:line("")
  rates.show(report, load.names(clients), "an action", per_second, costs)
end
