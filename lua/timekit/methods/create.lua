--- Creating a booking: `POST /bookings` (spec/api.md 4).
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.create

local Error = require "timekit.error"
local field_checks = require "timekit.text.fields"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

local create = {}

-- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function create.install(Client, check)
  --- @type Client

  --- Creates a booking: `POST /bookings` (spec/api.md 4).
  -- The fields go to Timekit as they are. Without `action` the graph's first action applies (spec/api.md 3). A creation
  -- that may have had an effect is never repeated: Timekit would make a second booking.
  --
  -- Nothing is sent, and the error is `input` with `err.fields` naming each field, where the fields are certain to be
  -- wrong:
  --
  -- * the known graph lacks the action, or does not begin with it
  -- * a field is missing that the graph requires (`related.owner_booking_id`)
  -- * a setting of the graph has a wrong type or a misspelt name (`max_seats`, `timeout`, …)
  -- * bookings of the graph are not made this way (`reservation`)
  -- * a time is not RFC 3339 or lacks its zone (unless the client has an `input_timestamp_format`), or the end is not
  --   after the start
  --
  -- Timekit judges a graph that is not known here.
  -- Raises on wrong options, on fields that JSON cannot express (naming the path), and on a closed client.
  -- @tparam NewBooking fields `graph`, `resource_id`, `start`, `end`, `what`, `where`, `customer`, …
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn BookingData|nil the booking, a table like the API's; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `input` (see above, or larger than 1 MiB),
  --   `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`;
  --   `uncertain` when the booking may have been created
  -- @usage
  -- local booking, err = tk:create_booking {
  --   graph = "confirm_decline", resource_id = resource_id, what = "Mens haircut", where = "Sesame St",
  --   start = "2027-03-01T08:00:00+00:00", ["end"] = "2027-03-01T09:00:00+00:00",
  --   customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
  -- }
  -- if booking then tk:booking(booking):confirm() end
  function Client:create_booking(fields, opts)
    local where = "client:create_booking"
    check(self, where, 3)
    local wrong = field_checks.named(fields)
    if wrong then error(where .. ": " .. wrong, 2) end
    local given = options.check(opts, options.read, where, 3)
    local built, problem, reason = request.create(fields, given.include)
    if not built and reason == "type" then error(where .. ": " .. problem, 2) end
    local refused = not built and { kind = "input", message = problem } or refusal.creation(fields, self.rfc3339)
    if refused then return nil, Error.unsent(refused) end
    local booking, info = self.runner:run {
      request = request.with_options(built, given),
      expects = "created", writes = true, graph = refusal.graph_of(fields), timeout = given.timeout,
    }
    return booking, info
  end
end

return create
