--- Sends the webhooks of a sandbox that is served, beside what else its loop does.
-- How often Timekit tries is not known (API.md 6). Here it is five times in all, 0.1, 0.2, 0.4 and 0.8 seconds apart,
-- until the answer is a 2xx. Deliveries are independent of each other: a later one may arrive earlier.
-- @module timekit.sandbox.courier
local cqueues = require "cqueues"
local new_from_uri = require("http.request").new_from_uri

local courier = {}

local TRIES = 5

-- Seconds.
local FIRST_WAIT, TIMEOUT = 0.1, 10

-- How long until what plays by itself is sent when nobody asks anything meanwhile.
local PERIOD = 0.5

-- The status that was answered; nil when none was.
local function try(delivery)
  local request = new_from_uri(delivery.url)
  request.headers:upsert(":method", "POST")
  for name, value in pairs(delivery.headers) do request.headers:upsert(name, value) end
  request:set_body(delivery.body)
  request.follow_redirects, request.expect_100_timeout, request.version = false, nil, 1.1
  -- An environment that asks for a proxy does not mean this machine.
  request.proxies = nil
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

--- Makes a courier.
-- @param queue a controller of cqueues
-- @tparam table box
-- @treturn function sends what is in the box's outbox, without waiting for it
function courier.new(queue, box)
  local function send()
    for _, delivery in ipairs(box:take_deliveries()) do
      queue:wrap(function() deliver(delivery) end)
    end
  end
  queue:wrap(function()
    while true do
      cqueues.sleep(PERIOD)
      if #box:webhooks() > 0 then send() end
    end
  end)
  return send
end

return courier
