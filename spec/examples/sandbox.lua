-- The sandbox in a test: its clock, what it was asked, and the webhooks that it would send.
local timekit = require "timekit"
local box = timekit.sandbox.new { now = 1893456000 }               -- 2030-01-01T00:00:00Z
local tk = timekit.new { transport = box }
box:webhook { url = "http://127.0.0.1:9000/hook", secret = "s3cr3t", graph = "instant", state = "confirmed" }

local booking = assert(tk:create_booking {
  graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
})
print(booking.state)

local sent = box:deliveries()[1]                                   -- for your own handler
print(sent.booking_id == booking.id)
print(timekit.webhook.verify(sent.body, sent.headers["x-timekit-signature"], "s3cr3t"))

for _, played in ipairs(box:advance(60 * 86400)) do print(played.action, played.to) end     -- seconds
print(tk:booking(booking.id):get().state)
print(#box:requests(), box:requests()[1].method, box:requests()[1].target)
tk:close()

-- It prints:
-- confirmed
-- true
-- true
-- complete	completed
-- completed
-- 2	POST	/v2/bookings
