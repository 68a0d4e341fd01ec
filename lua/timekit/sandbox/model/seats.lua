--- The seats of group bookings.
-- @module timekit.sandbox.model.seats

local seats = {}

-- A customer's booking whose end was not the event's own has given its seat back.
local function holds_seat(booking)
  return not booking.completed or booking.state == "completed"
end

--- Counts the seats of a group booking that are taken.
-- @tparam table owner
-- @treturn number
function seats.taken(owner)
  local taken = 0
  for _, customer in ipairs(owner.customer_bookings) do
    if holds_seat(customer) then taken = taken + 1 end
  end
  return taken
end

return seats
