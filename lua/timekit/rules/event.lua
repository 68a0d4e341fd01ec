--- Where a booking shows its event.
-- Pure: no I/O.
-- @module timekit.rules.event

local event = {}

--- The event of a booking. It stands in one of two places (spec/api.md 2).
-- @tparam table booking read with `include=attributes` or `include=event`
-- @treturn table|nil with `start` and `end` among others, as texts; nil where the booking shows none
-- @usage
-- event.of { event = { start = "2027-03-01T08:00:00+0000" } }   --> { start = "2027-03-01T08:00:00+0000" }
function event.of(booking)
  local attributes = booking.attributes
  for _, shown in ipairs { type(attributes) == "table" and attributes.event_info or false, booking.event } do
    if type(shown) == "table" and next(shown) ~= nil then return shown end
  end
  return nil
end

return event
