-- Many bookings by one request, each with its own outcome. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }

local slot = { graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }
local created = assert(tk:create_bookings({ slot, slot, slot }, { delete_all_on_error = true }))
local one, other, third = created[1][1], created[2][1], created[3][1]

local results = assert(tk:update_bookings {
  { one, "confirm" },                          -- an id or a booking, action, inputs, options
  { other, "decline", { message = "Fully booked" } },
  { third.id, "cancel" },
})
for index, result in ipairs(results) do
  local booking, err = result[1], result[2]
  print(index, booking and booking.state or err.kind)
end
print(results.failed)
tk:close()

-- It prints:
-- 1	confirmed
-- 2	declined
-- 3	transition
-- 1
