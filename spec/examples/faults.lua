-- Faults of the sandbox: what a program gets when a request goes wrong.
local timekit = require "timekit"
local box = timekit.sandbox.new()
local tk = timekit.new { transport = box }
local slot = { graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

-- Applied, and the answer is lost: the booking is read, and its state proves the action.
local handle = tk:booking(assert(tk:create_booking(slot)))
box:fault { match = "PUT /v2/bookings/*/cancel", when = "after", what = "close" }
local booking, info = handle:cancel()
print(booking.state, info.attempts, info.reconciled)

-- Lost before it came: the booking is read, and the action is sent again.
handle = tk:booking(assert(tk:create_booking(slot)))
box:fault { match = "PUT /v2/bookings/*/cancel", what = "close" }
booking, info = handle:cancel()
print(booking.state, info.attempts, info.reconciled)

-- A gateway's answer to a creation: nothing can prove what became of it.
box:fault { match = "POST /v2/bookings", what = "status", status = 502 }
local none, err = tk:create_booking(slot)
print(none, err.kind, err.cause.kind, err.sent)

-- No connection at all: nothing was sent.
box:fault { what = "refuse", times = 3 }
none, err = tk:create_booking(slot)
print(none, err.kind, err.sent, err.attempts)
tk:close()

-- It prints:
-- cancelled	1	true
-- cancelled	2	false
-- nil	uncertain	server	yes
-- nil	network	no	3
