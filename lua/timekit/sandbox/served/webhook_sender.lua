--- Sends the webhooks of a served sandbox, beside whatever else its loop does.
-- How often a delivery is tried, and when: see `timekit.sandbox.model.webhooks`. Deliveries are independent of each
-- other, so a later one may arrive earlier.
-- @module timekit.sandbox.served.webhook_sender
local ascii = require "timekit.text.ascii"
local cqueues = require "cqueues"
local new_from_uri = require("http.request").new_from_uri
local webhooks = require "timekit.sandbox.model.webhooks"

local webhook_sender = {}

-- Seconds for one try.
local TIMEOUT = 10

-- Seconds between two looks into the outbox. It looks by itself, since bookings also change when nobody asks.
local PERIOD = 0.1

--- Sends a delivery once. Runs in a coroutine of a controller, or outside of any, where it waits.
-- @tparam table delivery `url`, `headers` (name → value), `body`
-- @treturn integer|nil the status of the answer; nil when none came
function webhook_sender.post(delivery)
  local origin, path = delivery.url:match("^([A-Za-z]+://[^/?]*)(.*)$")
  local request = new_from_uri(ascii.lower(origin))
  request.headers:upsert(":method", "POST")
  -- Set here, because lua-http raises on a URL with characters that RFC 3986 does not allow, such as `?a[]=1`.
  request.headers:upsert(":path", path:find("^/") and path or "/" .. path)
  for name, value in pairs(delivery.headers) do request.headers:upsert(name, value) end
  request:set_body(delivery.body)
  -- Simple servers do not answer `Expect: 100-continue`, which lua-http adds for a large body.
  request.headers:delete("expect")
  -- The environment's proxy is not meant for loopback.
  request.proxies, request.follow_redirects, request.version = false, false, 1.1
  local headers, stream = request:go(TIMEOUT)
  if not headers then return nil end
  stream:shutdown()
  return tonumber(headers:get(":status"))
end

local function deliver(delivery, box)
  local pause
  delivery.tries = {}
  repeat
    if pause then cqueues.sleep(pause) end
    delivery.attempts = delivery.attempts + 1
    local answered = webhook_sender.post(delivery)
    delivery.tries[delivery.attempts] = { at = box:now(), answered = answered }
    pause = webhooks.tried(delivery, answered)
  until not pause
end

--- Sends what a box puts into its outbox, forever. Runs in a coroutine of the controller.
-- @param queue a controller of cqueues
-- @tparam table box
function webhook_sender.run(queue, box)
  while true do
    for _, delivery in ipairs(box:take_deliveries()) do queue:wrap(deliver, delivery, box) end
    cqueues.sleep(PERIOD)
  end
end

return webhook_sender
