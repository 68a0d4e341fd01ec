--- Many bookings by one request: `POST /bookings/bulk` and `PUT /bookings/bulk` (spec/api.md 4).
-- What it adds to a client is documented there, as methods of `Client`.
-- @module timekit.methods.bulk

local create = require "timekit.methods.bulk.create"
local update = require "timekit.methods.bulk.update"

local bulk = {}

-- Adds the methods to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function bulk.install(Client, check)
  --- @type Client

  --- Creates several bookings by one request: `POST /bookings/bulk` (spec/api.md 4).
  -- Each is checked as by `Client:create_booking`, and nothing is sent when one is refused: `err.index` is then the
  -- first one that is wrong, and `err.fields` names fields such as `bookings[2].end`.
  --
  -- The request is never repeated after an uncertain outcome, and a new booking cannot be looked up. A booking of which
  -- the answer does not tell is `uncertain`, and so is the whole request when its answer is lost or is not a list with
  -- one entry for each booking. With `delete_all_on_error` success is claimed for all or for none: where one failed,
  -- the bookings that the answer still shows are `uncertain`.
  -- Raises on anything but a list, on fields that cannot be written as JSON (naming the path), on wrong options, and on
  -- a closed client.
  -- @tparam {NewBooking,...} list the fields of each booking; it is left as it is. An empty one sends nothing
  -- @tparam ?CreateBookingsOptions opts
  -- @tparam ?boolean opts.relate relate them: an action on one is then replicated to the others (see
  --   `apply_to_bulked_bookings` of `Booking:action`), and `include = "bulked_bookings"` shows them
  -- @tparam ?boolean opts.stop_on_first_error do not try the rest after one has failed
  -- @tparam ?boolean opts.delete_all_on_error delete all when one has failed
  -- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole method
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?{[string]=string} opts.headers further headers of this request, as of `timekit.new`
  -- @treturn Results|nil the results in the order of the list, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole
  -- @treturn Info|Error `info` of the request, or the error: `input`, `transition`, `auth`, `not_found`, `validation`,
  --   `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain` when some of the bookings may have been
  --   created, also after a refusal that may be about one of them only. An item's error is one that
  --   `Client:create_booking` has
  -- @usage
  -- local results = assert(tk:create_bookings({ monday, tuesday }, { relate = true, delete_all_on_error = true }))
  -- for index, result in ipairs(results) do
  --   local booking, err = result[1], result[2]
  --   print(index, booking and booking.id or err)
  -- end
  function Client:create_bookings(list, opts)
    local where = "client:create_bookings"
    check(self, where, 3)
    local results, info = create(self, list, opts, where, 3)
    return results, info
  end

  --- Performs actions on several bookings by one request: `PUT /bookings/bulk` (spec/api.md 4).
  -- `Client:batch` sends a request for each, with its own retries.
  --
  -- Each item is checked as by `Booking:action`, and nothing is sent when one is refused: `err.index` tells which. The
  -- request is never repeated once it may have had an effect. The booking is then read for every item that is in doubt,
  -- several at once, within the time of this method. Its graph and state decide, as for a single action: a state that
  -- proves the action is a success (`info.reconciled`), any other is `uncertain`, with the state. As for a single
  -- action, a booking that was in that state before cannot be told from one that was brought there.
  --
  -- In doubt are all items after a lost or useless answer, and after a refusal of the whole that may be about one of
  -- them only; and the items of which the answer does not tell. An item that such a refusal, or a rate limit, has left
  -- in its old state ends with that error. The same action twice on one booking: reading proves one of them at most.
  --
  -- With `reset_all_on_error` success is claimed for all or for none: where one failed, the server may put the others
  -- back at any time, so they are `uncertain`. When one item is in doubt, all are read.
  --
  -- Raises on a wrong item (naming its number), also on one whose parts are given by name, and on whatever else
  -- `Booking:action` raises on; on an action or a setting called `id` or `action`.
  -- @tparam {BatchItem,...} items `{ id, action, inputs, options }`; the id may also be a booking; options are
  --   `apply_to_bulked_bookings` and `settings` as for `Booking:action`. An empty list sends nothing
  -- @tparam ?UpdateBookingsOptions opts
  -- @tparam ?boolean opts.stop_on_first_error do not try the rest after one has failed
  -- @tparam ?boolean opts.reset_all_on_error put all back into their previous states when one has failed
  -- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole method, reads included
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?{[string]=string} opts.headers further headers of this request, as of `timekit.new`
  -- @treturn Results|nil the results in the order of the items, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole, without effect
  -- @treturn Info|Error `info` of the request (`reconciled`: bookings were read), or the error: `input`, `transition`,
  --   `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `phase`; `cancelled`, where `sent` tells
  --   whether there may be an effect. An item's error is one that `Booking:action` has
  -- @usage
  -- local results = assert(tk:update_bookings({ { id_1, "confirm" }, { id_2, "decline", { message = "Full" } } }))
  -- for index, result in ipairs(results) do
  --   local booking, err = result[1], result[2]
  --   print(index, booking and booking.state or err)
  -- end
  function Client:update_bookings(items, opts)
    local where = "client:update_bookings"
    check(self, where, 3)
    local results, info = update(self, items, opts, where, 3)
    return results, info
  end

  --- @section end
end

return bulk
