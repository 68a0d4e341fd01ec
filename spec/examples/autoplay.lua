-- What plays by itself, and waiting for it. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local box = timekit.sandbox.new()
local tk = timekit.new { transport = box }

local handle = tk:booking(assert(tk:create_booking {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
}))
print(handle:next_autoplay())
assert(handle:confirm())
print(handle:next_autoplay())

print(assert(handle:wait_until("confirmed", { timeout = 60 })).state)
local booking, err = handle:wait_until("declined", { timeout = 60 })
print(booking, err.kind, err.state)            -- no action leads there from `confirmed`, so it ends at once

box:advance(10 * 365 * 86400)                  -- seconds: the sandbox's clock
print(assert(handle:wait_until("completed")).state)
tk:close()

-- It prints:
-- nil
-- complete	1898589600	2030-03-01T10:00:00+00:00
-- confirmed
-- nil	transition	confirmed
-- completed
