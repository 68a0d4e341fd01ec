--- Where a booking shows its event.
-- Pure.
-- @module timekit.rules.event

local event = {}

--- The event of a booking, which stands in one of two places (API.md 2).
-- @tparam table booking read with `include=attributes` or `include=event`
-- @treturn table|nil with `start` and `end` among others, as texts; nil where the booking shows none
function event.of(booking)
  local attributes = booking.attributes
  for _, shown in ipairs { type(attributes) == "table" and attributes.event_info or false, booking.event } do
    if type(shown) == "table" and next(shown) ~= nil then return shown end
  end
  return nil
end

return event
