--- Where chaos takes place: a sandbox over HTTP, and in front of it a proxy that cuts connections, both processes of
-- their own.
local process = require "spec.support.process"
local cut_proxy = require "spec.support.cut_proxy"
local sandbox_server = require "spec.support.sandbox_server"
local control = require "spec.chaos.control"

local world = {}
world.__index = world

-- More than a fault of the kind `late` ever waits for.
local FLUSH = 8

--- Starts both; `close()` it when done.
-- @treturn table with `control`, `url` (of the sandbox, without a path), `proxied` (the same through the proxy)
function world.start()
  local command = sandbox_server.command("PORT=0 UNTIL_EOF=1", [[require("spec.chaos.graphs").define_all()]])
  local program = process.start(command)
  local port = (program.line or ""):match("^timekit sandbox on http://127%.0%.0%.1:(%d+)/v2$")
  assert(port, program.line or "the sandbox did not start")
  local proxy = cut_proxy.start(port)
  local url = "http://127.0.0.1:" .. port
  return setmetatable({
    program = program, proxy = proxy, control = control.new(url),
    url = url, proxied = "http://127.0.0.1:" .. proxy.port,
  }, world)
end

--- The fields of a new booking. Nothing plays by itself while chaos lasts.
-- @tparam string graph
-- @tparam ?string owner the id of a group's booking
-- @treturn table
function world.fields(graph, owner)
  return {
    graph = graph, start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
    settings = graph:find("payment") and { timeout = { time = 100, unit = "days" } } or nil,
    related = graph:find("^group_customer") and { owner_booking_id = owner } or nil,
  }
end

--- Makes everything ready for a round.
-- @tparam table round from `plan.round`
-- @treturn table its bookings: a list of `id`, `graph`
function world:begin(round)
  self.control:request("POST", "/_sandbox/reset")
  self.proxy:begin(("%d.%d"):format(round.seed, round.number), round.cut_rate)
  local bookings = {}
  for index, planned in ipairs(round.bookings) do
    local owner = bookings[1] and bookings[1].id
    local created = self.control:request("POST", "/v2/bookings", world.fields(planned.graph, owner))
    for _, action in ipairs(planned.path) do
      self.control:request("PUT", ("/v2/bookings/%s/%s"):format(created.id, action), {})
    end
    bookings[index] = { id = created.id, graph = planned.graph }
  end
  return bookings
end

--- Waits until nothing is under way any more, and tells what happened. All clients must be closed.
-- @treturn table the bookings
-- @treturn table the requests
-- @treturn table what the proxy did, see `cut_proxy:settle`
function world:settle()
  local done = self.proxy:settle()
  self.control:request("DELETE", "/_sandbox/faults")
  for _ = 1, FLUSH do self.control:request("GET", "/v2/bookings?limit=1") end
  -- What a connection brought that the proxy reset may be dealt with somewhat later.
  local requests = self.control:request("GET", "/_sandbox/requests")
  repeat
    local before = #requests
    self.control:request("GET", "/_sandbox/health")
    requests = self.control:request("GET", "/_sandbox/requests")
  until #requests == before
  return self.control:request("GET", "/_sandbox/bookings"), requests, done
end

function world:close()
  self.control:close()
  self.proxy:close()
  self.program:close()
end

return world
