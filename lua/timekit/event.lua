--- Where a booking shows its event.
-- Pure.
-- @module timekit.event

local event = {}

--- The event of a booking, which stands in one of two places (API.md 2).
-- @tparam table booking read with `include=attributes` or `include=event`
-- @treturn table|nil with `start` and `end` among others, as texts; nil where the booking shows none
function event.of(booking)
  local attributes = booking.attributes
  local info = type(attributes) == "table" and attributes.event_info
  if type(info) == "table" then return info end
  return type(booking.event) == "table" and booking.event or nil
end

return event
