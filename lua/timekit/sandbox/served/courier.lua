--- Sends the webhooks of a sandbox that is served, beside what else its loop does.
-- How often Timekit tries is not known (API.md 6). Here it is five times in all, 0.1, 0.2, 0.4 and 0.8 seconds apart,
-- until the answer is a 2xx. Deliveries are independent of each other: a later one may arrive earlier.
-- @module timekit.sandbox.served.courier
local cqueues = require "cqueues"
local new_from_uri = require("http.request").new_from_uri

local courier = {}

local TRIES = 5

-- Seconds.
local FIRST_WAIT, TIMEOUT = 0.1, 10

-- How often it looks: what plays by itself is to be sent, too, when nobody asks anything meanwhile.
local PERIOD = 0.1

-- The status that was answered; nil when none was.
local function try(delivery)
  local origin, path = delivery.url:match("^(%a+://[^/?]*)(.*)$")
  local request = new_from_uri(origin:lower())
  request.headers:upsert(":method", "POST")
  -- As it is: lua-http raises on a URL with characters that RFC 3986 has no place for, such as `?a[]=1`.
  request.headers:upsert(":path", path:find("^/") and path or "/" .. path)
  for name, value in pairs(delivery.headers) do request.headers:upsert(name, value) end
  request:set_body(delivery.body)
  -- A large body is not announced first: simple servers do not answer that.
  request.headers:delete("expect")
  -- An environment that asks for a proxy does not mean this machine.
  request.proxies, request.follow_redirects, request.version = false, false, 1.1
  local headers, stream = request:go(TIMEOUT)
  if not headers then return nil end
  stream:shutdown()
  return tonumber(headers:get(":status"))
end

local function deliver(delivery)
  local wait = FIRST_WAIT
  for attempt = 1, TRIES do
    delivery.attempts = attempt
    delivery.answered = try(delivery)
    if delivery.answered and delivery.answered >= 200 and delivery.answered < 300 then
      delivery.status = "delivered"
      return
    end
    if attempt < TRIES then cqueues.sleep(wait) end
    wait = wait * 2
  end
  delivery.status = "failed"
end

--- Sends what comes into a box's outbox, for ever. To be run in a coroutine of the controller.
-- @param queue a controller of cqueues
-- @tparam table box
function courier.run(queue, box)
  while true do
    for _, delivery in ipairs(box:take_deliveries()) do queue:wrap(deliver, delivery) end
    cqueues.sleep(PERIOD)
  end
end

return courier
