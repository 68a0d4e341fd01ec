--- `/_sandbox/webhooks` and `/_sandbox/deliveries`: webhooks, what was sent, and sending it again.
-- @module timekit.sandbox.served.control.webhooks
local core = require "timekit.core"
local model = require "timekit.sandbox.model.webhooks"
local reading = require "timekit.sandbox.served.control.reading"
local replies = require "timekit.sandbox.routes.replies"
local time = require "timekit.text.time"

local webhooks = {}

--- Handles `GET /_sandbox/webhooks`.
-- @tparam table box
-- @treturn table reply
function webhooks.show(box)
  local deliveries = box:deliveries()
  local before = box.store.deliveries.count - #deliveries
  for index, delivery in ipairs(deliveries) do
    delivery.number = before + index
    for _, try in ipairs(delivery.tries or {}) do try.time = time.format(try.at) end
    delivery.tries = core.array(delivery.tries or {})
  end
  return replies.data(200, { webhooks = core.array(box:webhooks()), deliveries = core.array(deliveries) })
end

--- Handles `POST /_sandbox/webhooks`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function webhooks.add(box, request)
  local hook, refusal = reading.object(request.body,
    '{"url": "http://127.0.0.1:9000/", "secret": "s3cr3t", "graph": "instant", "state": "confirmed"}')
  if not hook then return refusal end
  local problems = model.check(hook)
  if problems[1] then return replies.error(422, table.concat(problems, "; ")) end
  box:webhook(hook)
  return webhooks.show(box)
end

--- Handles `DELETE /_sandbox/webhooks/{place}`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function webhooks.remove(box, request)
  local place = tonumber(request.params[1])
  if not box.store.hooks[place] then return replies.not_found("Webhook") end
  table.remove(box.store.hooks, place)
  return webhooks.show(box)
end

--- Handles `POST /_sandbox/deliveries/{number}/again`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function webhooks.again(box, request)
  local number = tonumber(request.params[1])
  local delivery = number and box.store.deliveries:get(number)
  if not delivery then return replies.not_found("Delivery") end
  model.again(box.store, delivery)
  return webhooks.show(box)
end

return webhooks
