--- Creating a booking: `POST /bookings` (API.md 4).
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.create

local Error = require "timekit.error"
local core = require "timekit.core"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

local create = {}

--- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function create.install(Client, check)
  --- @type Client

  --- Creates a booking: `POST /bookings` (API.md 4).
  -- The fields go to Timekit as they are; when `action` is left out, the graph's first action applies (API.md 3). A
  -- creation is never repeated by itself: nothing at Timekit's side would notice.
  --
  -- Refused before anything is sent, with the kind `input` and `err.fields` naming each field, is only what is certain
  -- to be wrong: an action that the known graph lacks or does not begin with, a field that it requires and that is not
  -- there (`related.owner_booking_id`), settings of it that are of a wrong type or a slip of the pen (`max_seats`,
  -- `timeout`, …), a graph whose bookings are not made so (`reservation`), times that are not RFC 3339 or lack their
  -- zone (unless the client has an `input_timestamp_format`), and an end that is not after the start. A graph that is
  -- not known here is for Timekit to judge.
  -- Raises on wrong options, on fields that JSON cannot say (naming the path), and on a closed client.
  -- @tparam table fields `graph`, `resource_id`, `start`, `end`, `what`, `where`, `customer`, …
  -- @tparam ?table opts `include`: a name or a list of names to include in the answer; `timeout`: seconds
  -- @treturn table|nil the booking, a table like the API's; nil on failure
  -- @treturn table `info` as in `Booking:action`, or the error: `input` (see above, or larger than 1 MiB),
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
    if type(fields) ~= "table" or core.is_array(fields) or rawget(fields, 1) ~= nil then
      local got = type(fields) == "table" and "a list" or messages.describe(fields)
      error(("%s: expected a table of fields, got %s"):format(where, got), 2)
    end
    local given = options.check(opts, options.read, where, 3)
    local built, problem, reason = request.create(fields, given.include)
    if not built and reason == "type" then error(where .. ": " .. problem, 2) end
    local refused = not built and { kind = "input", message = problem } or refusal.creation(fields, self.rfc3339)
    if refused then return nil, Error.unsent(refused) end
    local graph = rawget(fields, "graph")
    if type(graph) ~= "string" then graph = nil end
    local booking, info = self.runner:run {
      request = request.traced(built, given.traceparent),
      expects = "created", writes = true, graph = graph, timeout = given.timeout,
    }
    return booking, info
  end
end

return create
