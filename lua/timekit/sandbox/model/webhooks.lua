--- Webhooks: what is to be sent when a booking enters a state (API.md 6).
-- Pure: who has a network takes what is to be sent from the outbox, see `timekit.sandbox.served.courier`.
-- @module timekit.sandbox.model.webhooks
local core = require "timekit.core"
local base_url = require "timekit.http.base_url"
local graphs = require "timekit.graphs"
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local webhook_signature = require "timekit.signing.webhook"
local render = require "timekit.sandbox.routes.render"
local store = require "timekit.sandbox.model.store"

local webhooks = {}

-- Of a load test with a webhook nobody reads more.
local DELIVERIES_KEPT = 1000

-- What a delivery shows of the booking: what the fixtures webhook-payload-… do, and some more.
local VIEW = { include = render.includes("attributes,customers,event,meta,resource") }

local function loopback_url(value)
  -- The path and query may be anything that fits on a request line.
  local origin, path = value:match("^(%a+://[^/?#]*)([^#]*)$")
  if not origin or path:find("[^!-~]") or origin:lower():find("^https") or not base_url.check(origin) then
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

--- Sets up a webhook that was checked.
-- @tparam table state the box's state
-- @tparam table hook
function webhooks.add(state, hook)
  local secret = hook.secret
  state.hooks[#state.hooks + 1] = {
    url = hook.url, graph = hook.graph, state = hook.state, is_test = hook.is_test == true,
    -- A function, so that printing the box shows no secret.
    sign = function(body) return webhook_signature.make(secret, body) end,
  }
end

--- The webhooks that are set up.
-- @tparam table state
-- @treturn {table,...} new tables: `url`, `graph`, `state`, `is_test`
function webhooks.list(state)
  local list = {}
  for index, hook in ipairs(state.hooks) do
    list[index] = { url = hook.url, graph = hook.graph, state = hook.state, is_test = hook.is_test }
  end
  return list
end

local function deliver(state, hook, booking)
  local payload = render.booking(booking, VIEW)
  payload.isTest = hook.is_test or nil
  local body = assert(core.encode(payload))
  local delivery = {
    url = hook.url, graph = hook.graph, state = hook.state, booking_id = booking.id, body = body,
    headers = { ["content-type"] = "application/json", ["x-timekit-signature"] = hook.sign(body) },
    status = "pending", attempts = 0,
  }
  local slot = state.delivery_count % DELIVERIES_KEPT + 1
  -- In the process nobody may ever take them.
  local before, is_queued = state.deliveries[slot], #state.outbox < DELIVERIES_KEPT
  store.undoable(state, function()
    state.delivery_count, state.deliveries[slot] = state.delivery_count - 1, before
    if is_queued then table.remove(state.outbox) end
  end)
  state.delivery_count, state.deliveries[slot] = state.delivery_count + 1, delivery
  if is_queued then state.outbox[#state.outbox + 1] = delivery end
end

--- A booking has entered a state: what is to be sent for it goes into the outbox.
-- @tparam table state the box's state
-- @tparam table booking
function webhooks.entered(state, booking)
  for _, hook in ipairs(state.hooks) do
    if hook.graph == booking.graph and hook.state == booking.state then deliver(state, hook, booking) end
  end
end

--- The latest deliveries, oldest first.
-- @tparam table state
-- @treturn {table,...} the box's own
function webhooks.deliveries(state)
  local list = {}
  for number = math.max(0, state.delivery_count - DELIVERIES_KEPT), state.delivery_count - 1 do
    list[#list + 1] = state.deliveries[number % DELIVERIES_KEPT + 1]
  end
  return list
end

--- Empties the outbox.
-- @tparam table state
-- @treturn {table,...} what is to be sent, the box's own; who sends it keeps `status` (`pending`, `delivered`,
--   `failed`), `attempts` and `answered` (the latest HTTP status) up to date
function webhooks.take(state)
  local outbox = state.outbox
  state.outbox = {}
  return outbox
end

return webhooks
