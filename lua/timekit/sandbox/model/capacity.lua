--- What is taken: the time of a resource, and the seats of a group booking.
-- @module timekit.sandbox.model.capacity
local graphs = require "timekit.graphs"

local capacity = {}

-- Which states hold the slot is a rule of the graph (spec/api.md 3).
local function holds_slot(booking)
  local known = graphs[booking.graph].states[booking.state]
  return known ~= nil and known.holds_slot == true
end

--- Does a booking or a reservation hold a time of a resource?
-- @tparam table store
-- @tparam string resource_id
-- @tparam number starts unix seconds
-- @tparam number ends unix seconds
-- @tparam ?table except a booking that does not count: the one that is moved, or the reservation that is used
-- @treturn boolean
function capacity.is_time_taken(store, resource_id, starts, ends, except)
  for _, booking in ipairs(store.bookings) do
    local event = booking.event
    if booking ~= except and booking.resource_id == resource_id and event.starts < ends and event.ends > starts
      and holds_slot(booking) then
      return true
    end
  end
  return false
end

-- A customer who has left (cancelled, unpaid, error) has given the seat back. After a completed event it stays taken.
local function holds_seat(booking)
  return not booking.completed or booking.state == "completed"
end

--- Counts the seats of a group booking that are taken.
-- @tparam table owner the group booking
-- @treturn number
function capacity.seats_taken(owner)
  local taken = 0
  for _, customer in ipairs(owner.customer_bookings) do
    if holds_seat(customer) then taken = taken + 1 end
  end
  return taken
end

--- Is every seat of a group booking taken? Without `max_seats` it never fills.
-- @tparam table owner the group booking
-- @treturn boolean
function capacity.is_full(owner)
  return owner.max_seats ~= nil and capacity.seats_taken(owner) >= owner.max_seats
end

return capacity
