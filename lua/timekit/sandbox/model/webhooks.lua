--- Webhooks: what Timekit sends when a booking enters a state (spec/api.md 6), and how often it is tried.
-- Pure. Deliveries wait in the outbox for `timekit.sandbox.served.webhook_sender`, which has a network.
-- @module timekit.sandbox.model.webhooks
local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local url = require "timekit.http.url"
local graphs = require "timekit.graphs"
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local webhook_signature = require "timekit.signing.webhook"
local render = require "timekit.sandbox.model.render"

local webhooks = {}

-- Timekit's own retries are unknown (spec/api.md 6). A delivery is tried 5 times in all, with pauses of 0.1, 0.2, 0.4
-- and 0.8 seconds, until a 2xx answers it.
local TRIES, FIRST_PAUSE = 5, 0.1

-- How many deliveries wait at the most. In the process nobody may ever take them.
local OUTBOX_LIMIT = 1000

-- What a delivery shows of the booking: at least what the fixtures webhook-payload-… do.
local VIEW = { include = render.includes("attributes,customers,event,meta,resource") }

local function loopback_url(value)
  -- The path and query may be anything that fits on a request line.
  local origin, path = value:match("^([A-Za-z]+://[^/?#]*)([^#]*)$")
  if not origin or path:find("[^!-~]") or ascii.lower(origin):find("^https") or not url.base(origin) then
    return false, "expected an http URL of a loopback address, such as http://127.0.0.1:9000/hook"
  end
  return true
end

local function known_graph(value)
  return rawget(graphs, value) ~= nil, "no such graph" .. messages.hint(value, graphs)
end

local function some_text(value)
  return value ~= "", "expected a text"
end

local FIELDS = {
  url = { type = "string", required = true, check = loopback_url },
  secret = { type = "string", required = true, check = some_text },
  graph = { type = "string", required = true, check = known_graph },
  state = { type = "string", required = true }, is_test = { type = "boolean" },
}

--- Checks a webhook.
-- @tparam any hook `url`, `secret`, `graph`, `state`, `is_test`
-- @treturn {string,...} what is wrong with it; empty when nothing is
function webhooks.check(hook)
  local problems = fields.check(FIELDS, hook, "", true)
  local graph = #problems == 0 and graphs[hook.graph]
  if graph and not graph.states[hook.state] then
    problems[1] = ("state: graph '%s' has no such state%s"):format(hook.graph, messages.hint(hook.state, graph.states))
  end
  return problems
end

--- Sets up a webhook in which `webhooks.check` finds nothing wrong.
-- @tparam table store
-- @tparam table hook
function webhooks.add(store, hook)
  local secret = hook.secret
  store.hooks[#store.hooks + 1] = {
    url = hook.url, graph = hook.graph, state = hook.state, is_test = hook.is_test == true,
    -- A closure hides the secret from whoever prints the box.
    sign = function(body) return webhook_signature.make(secret, body) end,
  }
end

--- The webhooks that are set up, without their secrets.
-- @tparam table store
-- @treturn {table,...} new tables: `url`, `graph`, `state`, `is_test`
function webhooks.list(store)
  local list = {}
  for index, hook in ipairs(store.hooks) do
    list[index] = { url = hook.url, graph = hook.graph, state = hook.state, is_test = hook.is_test }
  end
  return list
end

local function enqueue(store, delivery)
  store:undoable(store.deliveries:add(delivery))
  if #store.outbox < OUTBOX_LIMIT then
    store.outbox[#store.outbox + 1] = delivery
    store:undoable(function() table.remove(store.outbox) end)
  end
end

local function deliver(store, hook, booking)
  local payload = render.booking(booking, VIEW)
  payload.isTest = hook.is_test or nil
  local body = assert(core.encode(payload))
  enqueue(store, {
    url = hook.url, graph = hook.graph, state = hook.state, booking_id = booking.id, body = body,
    headers = { ["content-type"] = "application/json", ["x-timekit-signature"] = hook.sign(body) },
    status = "pending", attempts = 0,
  })
end

--- A booking has entered a state: puts what its webhooks send into the outbox.
-- @tparam table store
-- @tparam table booking
function webhooks.entered(store, booking)
  for _, hook in ipairs(store.hooks) do
    if hook.graph == booking.graph and hook.state == booking.state then deliver(store, hook, booking) end
  end
end

--- Sends a delivery once more, as a new one.
-- @tparam table store
-- @tparam table delivery
function webhooks.again(store, delivery)
  local new = { status = "pending", attempts = 0 }
  for _, name in ipairs { "url", "graph", "state", "booking_id", "body", "headers" } do new[name] = delivery[name] end
  enqueue(store, new)
end

--- Empties the outbox.
-- @tparam table store
-- @treturn {table,...} the deliveries themselves, as of `Box:take_deliveries`
function webhooks.take(store)
  local outbox = store.outbox
  store.outbox = {}
  return outbox
end

--- Records how a try of a delivery ended.
-- @tparam table delivery its `attempts` count this try as well
-- @tparam number|nil answered the HTTP status; nil when no answer came
-- @treturn number|nil seconds until the next try; nil when the delivery has arrived or is given up
function webhooks.tried(delivery, answered)
  delivery.answered = answered
  if answered and answered >= 200 and answered < 300 then
    delivery.status = "delivered"
  elseif delivery.attempts == TRIES then
    delivery.status = "failed"
  else
    return FIRST_PAUSE * 2 ^ (delivery.attempts - 1)
  end
end

return webhooks
