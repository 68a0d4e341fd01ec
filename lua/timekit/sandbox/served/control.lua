--- The control endpoints of a served sandbox, `/_sandbox/…`. What they do is described at `timekit.sandbox.server`.
-- A new one is a function in a file of `control/`, and a line in ENDPOINTS.
-- @module timekit.sandbox.served.control
local core = require "timekit.core"
local bookings = require "timekit.sandbox.served.control.bookings"
local clock = require "timekit.sandbox.served.control.clock"
local faults = require "timekit.sandbox.served.control.faults"
local graphs = require "timekit.sandbox.served.control.graphs"
local messages = require "timekit.text.messages"
local replies = require "timekit.sandbox.routes.replies"
local requests = require "timekit.sandbox.served.control.requests"
local webhooks = require "timekit.sandbox.served.control.webhooks"
local wire = require "timekit.sandbox.model.wire"

local control = {}

local PREFIX = "/_sandbox/"

-- Path → method → function(box, request), where the request has `body`, `query` (name → value) and `params`, what
-- stands in the place of each `*`. It returns a reply, as of `timekit.sandbox.routes.replies`, or one with a `text` and
-- its `type`.
local ENDPOINTS = {
  health = { GET = function() return replies.data(200, { status = "ok" }) end },
  status = { GET = clock.status },
  clock = { GET = clock.show, POST = clock.advance },
  faults = { GET = faults.show, POST = faults.plan, DELETE = faults.clear },
  ["faults/*"] = { DELETE = faults.drop },
  requests = { GET = requests.list },
  ["requests/*"] = { GET = requests.show },
  ["requests/*/again"] = { POST = requests.again },
  bookings = { GET = bookings.list },
  ["bookings/*"] = { GET = bookings.show },
  graphs = { GET = graphs.list },
  ["graphs/*/picture"] = { GET = graphs.picture },
  webhooks = { GET = webhooks.show, POST = webhooks.add },
  ["webhooks/*"] = { DELETE = webhooks.remove },
  ["deliveries/*/again"] = { POST = webhooks.again },
  reset = { POST = function(box)
    box:reset()
    return clock.show(box)
  end },
}

-- The endpoint of a path, and what stands in the places of its stars.
local function find(segments)
  for path, endpoint in pairs(ENDPOINTS) do
    local params, place = {}, 1
    for part in path:gmatch("[^/]+") do
      place = place + 1
      if part == "*" then params[#params + 1] = segments[place]
      elseif part ~= segments[place] then place = math.huge
      end
    end
    if place == #segments then return endpoint, params end
  end
  return nil
end

local function reply_to(box, request)
  local segments, query = wire.target(request.target)
  local endpoint, params = find(segments)
  if not endpoint then
    local name = table.concat(segments, "/", 2)
    return replies.error(404, ("no such endpoint: %s%s%s"):format(PREFIX, name, messages.hint(name, ENDPOINTS)))
  end
  local handler = endpoint[request.method == "HEAD" and "GET" or request.method]
  if handler then return handler(box, { body = request.body, query = query, params = params }) end
  local allowed = {}
  for known in pairs(endpoint) do allowed[#allowed + 1] = known end
  table.sort(allowed)
  return replies.error(405, "Method not allowed", { allow = table.concat(allowed, ", ") })
end

--- Answers a request to a control endpoint.
-- @tparam table box
-- @tparam table request as for `Box:handle`, with a body that is a string
-- @treturn table|nil the answer, as of `Box:handle`; nil when the target is not below `/_sandbox/`
function control.handle(box, request)
  if request.target:sub(1, #PREFIX) ~= PREFIX then return nil end
  local reply = reply_to(box, request)
  local text, problem = reply.text, nil
  if not text then text, problem = core.encode(reply.body, "answer") end
  -- The answer quotes the request, which may not be UTF-8.
  if not text then reply, text = { status = 400 }, assert(core.encode { error = problem }) end
  local headers = reply.headers or {}
  headers["content-type"], headers["content-length"] = reply.type or "application/json", tostring(#text)
  headers["cache-control"], headers["x-content-type-options"] = "no-store", "nosniff"
  return { status = reply.status, headers = headers, body = request.method == "HEAD" and "" or text }
end

return control
