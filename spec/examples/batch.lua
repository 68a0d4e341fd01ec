-- Many actions, several at once, one request each. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }

local slot = { graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }
local one, two = assert(tk:create_booking(slot)), assert(tk:create_booking(slot))

local done = 0
local results = tk:batch({
  { one.id, "confirm" },                       -- an id or a booking, action, inputs, options
  { two.id, "decline", { message = "Fully booked" } },
  { "no such id", "confirm" },
}, { concurrency = 16, on_progress = function(_, booking) done = done + (booking and 1 or 0) end })

for index, result in ipairs(results) do        -- in the order of the items
  local booking, err = result[1], result[2]
  print(index, booking and booking.state or err.kind)
end
print(results.done, results.failed, done)
tk:close()

-- It prints:
-- 1	confirmed
-- 2	declined
-- 3	not_found
-- 3	1	2
