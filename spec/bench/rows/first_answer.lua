--- From the start of a program to its first answer over TLS, next to the peers: each a fresh process that verifies the
-- server by what the system trusts, confirms a booking, and prints its state.
local handshakes = require "spec.bench.handshakes"
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local server = require "spec.bench.server"

local LEAST_ROUNDS = 9

-- Milliseconds until it printed, and of its CPU.
local function run(servers, peer)
  local output = load.run(("%sNODE_EXTRA_CA_CERTS=%s %s%s build/bench/spawn %s %s"):format(
    load.environment(), servers.root("rsa"), peer.environment or "", servers.trusting, peer.command,
    server.endpoint(servers.url("rsa", "full"))))
  local wall, cpu, printed = output:match("^(%S+) (%S+)\n(.*)$")
  if not (printed and printed:find("confirmed", 1, true)) then error(("%s: %s"):format(peer.name, output), 0) end
  return tonumber(wall), tonumber(cpu)
end

local function measure(servers, peers, rounds)
  local walls, costs = {}, {}
  for round = 0, rounds do
    for _, peer in ipairs(peers) do
      local wall, cpu = run(servers, peer)
      walls[peer.name], costs[peer.name] = walls[peer.name] or {}, costs[peer.name] or {}
      -- Round 0 brings the files into memory.
      if round > 0 then walls[peer.name][round], costs[peer.name][round] = wall, cpu end
    end
  end
  return walls, costs
end

return function(report, context)
  local peers, missing = load.present(load.first)
  local servers = handshakes.start()
  local ok, walls, costs = pcall(measure, servers, peers, math.max(LEAST_ROUNDS, context.plan.rounds))
  servers.close()
  if not ok then error(walls, 0) end

  report:heading("From the start of a program to its first answer")
  report:line("One PUT over TLS with certificates verified, in a fresh process. Node trusts certificates of its own,")
  report:line("and is told the root by NODE_EXTRA_CA_CERTS. Lacking here: %s.",
    #missing > 0 and table.concat(missing, "; ") or "none")
  report:line("")
  local body = {}
  for index, peer in ipairs(peers) do
    body[index] = { peer.name, numbers.text(walls[peer.name], "%.1f"), numbers.text(costs[peer.name], "%.1f") }
  end
  report:table({ "program", "ms until it prints", "ms of CPU" }, body)
  report:row {
    name = "first answer, ms of CPU more than C and libcurl", format = "%.1f", at_least = 20, aim = 0, most = true,
    value = numbers.spread(costs.timekit) - numbers.spread(costs["C and libcurl"]),
  }
end
