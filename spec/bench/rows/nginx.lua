--- Requests a second through one worker of nginx whose handler performs an action, next to proxy_pass to the same
-- server. The load comes from the server's core.
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local server = require "spec.bench.server"

local IN_FLIGHT = 64

local KINDS = {
  { name = "an action", path = "/action", bytes = #"confirmed" },
  { name = "proxy_pass", path = "/proxy" },
}

local function client(front, kind)
  local setup = {
    url = front.url .. kind.path, bytes = kind.bytes, protocol = "h1", in_flight = IN_FLIGHT, pin = server.together,
  }
  return { name = kind.name, setup = setup, command = "build/bench/curl_multi" }
end

return function(report, context)
  local front = server.front(context.server.port)
  local clients = {}
  for index, kind in ipairs(KINDS) do clients[index] = client(front, kind) end
  local ok, rates = pcall(load.rounds, clients, nil, context.plan)
  local complaints = front:complaints()
  front:close()
  if not ok then error(rates, 0) end
  assert(complaints == "", complaints)

  report:heading("nginx, one worker, 64 requests in flight")
  local body = {}
  for index, kind in ipairs(KINDS) do
    local median, least, most = numbers.spread(rates[kind.name])
    body[index] = {
      kind.name, ("%s (%s–%s)"):format(numbers.grouped(median), numbers.grouped(least), numbers.grouped(most)),
    }
  end
  report:table({ "the handler", "requests a second" }, body)
  report:line("")
  report:line("An action over proxy_pass: %s.",
    numbers.text(numbers.ratios(rates["an action"], rates.proxy_pass), "%.2f"))
end
