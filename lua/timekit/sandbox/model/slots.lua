--- Which time of a resource is taken. What holds a slot is for the graphs to say (API.md 3).
-- @module timekit.sandbox.model.slots
local graphs = require "timekit.graphs"

local slots = {}

--- What a request is told that asks for a time that is taken.
slots.REFUSAL = "the resource is already booked at that time"

local function holds_slot(booking)
  local known = graphs[booking.graph].states[booking.state]
  return known ~= nil and known.holds_slot == true
end

--- Is a time of a resource held by a booking or a reservation?
-- @tparam table state the box's state
-- @tparam string resource_id
-- @tparam number starts unix seconds
-- @tparam number ends unix seconds
-- @tparam ?table except a booking that does not count: the one that is moved, or the reservation that is used
-- @treturn boolean
function slots.taken(state, resource_id, starts, ends, except)
  for _, booking in ipairs(state.bookings) do
    local event = booking.event
    if booking ~= except and booking.resource_id == resource_id and event.starts < ends and event.ends > starts
      and holds_slot(booking) then
      return true
    end
  end
  return false
end

return slots
