--- Slots that are held before a booking is made (spec/api.md 3 and 4).
-- What it adds to a client is documented there, as methods of `Client`.
-- @module timekit.methods.reservations

local Error = require "timekit.error"
local field_checks = require "timekit.text.fields"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

local reservations = {}

local function send(self, fields, opts, longer, where)
  local wrong = field_checks.named(fields)
  if wrong then error(where .. ": " .. wrong, 3) end
  local given = options.check(opts, options.read, where, 4)
  local built, problem, reason = request.reserve(fields, longer, given.include)
  if not built and reason == "type" then error(where .. ": " .. problem, 3) end
  local refused = not built and { kind = "input", message = problem } or refusal.times(fields, self.rfc3339)
  if refused then return nil, Error.unsent(refused) end
  return self.runner:run {
    request = request.with_options(built, given),
    expects = "object", writes = true, graph = "reservation", timeout = given.timeout,
    effect = longer and "the reservation was extended" or "the slot was reserved",
  }
end

-- Adds the methods to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function reservations.install(Client, check)
  --- @type Client

  --- Holds a slot: `POST /bookings/reserve` (spec/api.md 4). Create a booking with its `reservation_id` before it
  -- expires. A reservation that may have been made is never repeated.
  -- Raises on wrong use as `Client:create_booking` does.
  -- @tparam Slot fields `resource_id`, `start`, `end`, …; left as it is
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn Reservation|nil the reservation, as the API returns it; nil on failure
  -- @treturn Info|Error `info` or the error, as of `Client:create_booking`; `input` also for invalid times
  -- @usage
  -- local held = assert(tk:reserve { resource_id = resource_id, start = start, ["end"] = stop })
  function Client:reserve(fields, opts)
    check(self, "client:reserve", 3)
    local reservation, info = send(self, fields, opts, false, "client:reserve")
    return reservation, info
  end

  --- Holds a slot for longer: `PUT /bookings/reserve/extend` (spec/api.md 4).
  -- It is never repeated once it may have had an effect. Raises as `Client:create_booking` does.
  -- @tparam table fields such as `reservation_id`; sent as they are
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn Reservation|nil the reservation, as the API returns it; nil on failure
  -- @treturn Info|Error `info` or the error, as of `Client:reserve`
  -- @usage tk:extend_reservation { reservation_id = held.id }
  function Client:extend_reservation(fields, opts)
    check(self, "client:extend_reservation", 3)
    local reservation, info = send(self, fields, opts, true, "client:extend_reservation")
    return reservation, info
  end
end

return reservations
