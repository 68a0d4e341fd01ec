--- Webhooks: what Timekit sends when a booking enters a state that a webhook is set for (spec/api.md 6).
--
-- A delivery's body is the booking. Its header `x-timekit-signature` proves that the sender knows the webhook's secret.
-- Verify it before you use the body: anybody can send one.
--
-- The signature covers no time. A delivery may come twice, and whoever has seen one can send it again. A booking enters
-- each state of the known graphs once, so its id and its state identify a delivery: do your work once for each pair,
-- and answer repeats as you answered the first. Deliveries may also arrive in another order than they were sent; where
-- that matters, read the booking again (`handle:get()`).
-- @module timekit.webhook

local ascii = require "timekit.text.ascii"
local Error = require "timekit.error"
local client = require "timekit.client"
local core = require "timekit.core"
local default = require "timekit.default"
local fields = require "timekit.text.fields"
local handles = require "timekit.booking"
local options = require "timekit.options"
local request = require "timekit.http.request"
local messages = require "timekit.text.messages"
local webhook_signature = require "timekit.signing.webhook"

local webhook = {}

--- Checks a delivery's signature, in constant time.
-- Never raises on anything that was received: no body, no header and two headers are a wrong signature. Raises if the
-- secret is not a string or is empty: without one, anybody's signature would be right.
-- @tparam string raw_body the body, exactly as it was received
-- @tparam string signature the header `x-timekit-signature`: 64 hexadecimal digits
-- @tparam string secret the webhook's secret
-- @treturn boolean
-- @treturn ?string why not, a text for people
-- @usage
-- if not timekit.webhook.verify(body, headers["x-timekit-signature"], secret) then return 401 end
function webhook.verify(raw_body, signature, secret)
  if type(secret) ~= "string" or secret == "" then
    local got = secret == "" and "an empty string" or messages.describe(secret)
    error("timekit.webhook.verify: secret: expected the webhook's secret, got " .. got, 2)
  end
  if type(raw_body) ~= "string" then return false, "there is no body" end
  if type(signature) ~= "string" then return false, "there is no signature" end
  if core.equal(webhook_signature.make(secret, raw_body), ascii.lower(signature)) then return true end
  -- The usual mistake: a secret read from a file with its line's end, a header taken with the blanks around it.
  if signature:find("[ \t-\r]") then return false, "the signature is wrong: it holds a blank or a line's end" end
  if secret:find("^[ \t-\r]") or secret:find("[ \t-\r]$") then
    return false, "the signature is wrong: the secret begins or ends with a blank or a line's end"
  end
  return false, "the signature is wrong"
end

local OPTIONS = {
  client = function(value)
    if client.is(value) then return value end
    return nil, "expected a client, as timekit.new returns it, got " .. messages.describe(value)
  end,
}

-- The booking in a body, or nil and why there is none.
local function read(raw_body)
  if type(raw_body) ~= "string" then return nil, "expected a string, got " .. messages.describe(raw_body) end
  local booking, problem = core.decode(raw_body)
  if booking == nil then return nil, "it is not JSON: " .. problem end
  if fields.named(booking) then return nil, "it is not a JSON object" end
  for _, name in ipairs { "id", "graph", "state" } do
    if type(booking[name]) ~= "string" or booking[name] == "" then
      return nil, ("it is not a booking: its %s is not a text"):format(name)
    end
  end
  local id
  id, problem = request.segment(booking.id)
  if not id then return nil, "it is not a booking: its id: " .. problem end
  return booking
end

--- Reads a delivery. It is **not** verified: see `webhook.verify`. Nothing is sent.
-- Never raises on anything that was received. Raises on a wrong option and on a closed client.
-- @tparam string raw_body
-- @tparam ?ParseOptions opts
-- @tparam ?Client opts.client the client that the handle uses; the default client unless given, which needs no key
--   until the handle is used
-- @treturn Booking|nil a handle that knows the booking's `graph` and `state`; its `is_test` is true for a test
--   delivery, and false otherwise. nil if the body is not a booking
-- @treturn BookingData|Error the booking as it was received, a table like the API's; or the error, of the kind
--   `response`, with the body
-- @usage
-- local handle, booking = timekit.webhook.parse(body, { client = tk })
-- if not handle then return 400 end
-- if handle.is_test then return 200 end
-- print(handle.graph, handle.state, booking.customers[1].name)
function webhook.parse(raw_body, opts)
  local where = "timekit.webhook.parse"
  local given = options.check(opts, OPTIONS, where, 3)
  if given.client and given.client.closed then error(where .. ": the client is closed", 2) end
  local booking, problem = read(raw_body)
  if not booking then
    return nil, Error.unsent { kind = "response", message = "the webhook's body: " .. problem, body = raw_body }
  end
  local handle = handles.new(given.client or default.later, booking, where, 3)
  handle.is_test = booking.isTest == true
  return handle, booking
end

return webhook
