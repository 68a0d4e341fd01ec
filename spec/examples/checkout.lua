-- A checkout: holds the slot, takes the money, and tells Timekit that it is paid. The sandbox stands in for Timekit.
local timekit = require "timekit"
local box = timekit.sandbox.new()
local tk = timekit.new { transport = box }
local slot = { resource_id = "resource-1", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

-- Your payment provider: takes the money once for each booking, and returns its id of the payment.
local function take_money(booking_id) return "payment-of-" .. booking_id end

local held = assert(tk:reserve(slot))                        -- while the customer fills in the form
local booking = assert(tk:create_booking {
  graph = "instant_payment", reservation_id = held.id, resource_id = slot.resource_id,
  start = slot.start, ["end"] = slot["end"], settings = { timeout = { time = 10, unit = "min" } },
  customer = { name = "Marty McFly", email = "marty@example.com" },
})
local handle = tk:booking(booking)
print(booking.state, (handle:next_autoplay()))               -- what happens if nobody pays

local payment = take_money(booking.id)
box:fault { match = "PUT /v2/bookings/*/pay", what = "close", when = "after" }   -- the answer gets lost
local paid, info = handle:pay { payment_id = payment }
if paid then
  print(paid.state, info.reconciled)
elseif info.kind == "uncertain" then
  print("keep the money, and ask again: handle:pay(…, { sent_before = true })")
else
  print("give the money back:", info)                        -- surely not paid: `timeout` has played, for example
end
tk:close()

-- It prints:
-- tentative	timeout
-- paid	true
