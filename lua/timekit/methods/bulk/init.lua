--- Many bookings by one request: `POST /bookings/bulk` and `PUT /bookings/bulk` (API.md 4).
-- What it adds to a client is documented there, as methods of `Client`.
-- @module timekit.methods.bulk

local create = require "timekit.methods.bulk.create"
local update = require "timekit.methods.bulk.update"

local bulk = {}

--- Adds the methods to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function bulk.install(Client, check)
  --- @type Client

  --- Creates several bookings by one request: `POST /bookings/bulk` (API.md 4).
  -- Each is checked as by `Client:create_booking`, and nothing is sent when one is refused: `err.index` is then the
  -- first that is to blame, and `err.fields` names fields such as `bookings[2].end`. It is never repeated after an
  -- uncertain outcome. How Timekit answers is not documented; whatever holds a list with one entry for each booking is
  -- understood, and of everything else nothing is claimed.
  -- Raises on a list that is none, on fields that JSON cannot say (naming the path), on wrong options, and on a closed
  -- client.
  -- @tparam {table,...} list the fields of each booking; left as it is. An empty one sends nothing
  -- @tparam ?table opts
  -- @tparam ?boolean opts.relate relate them: an action on one is then replicated to the others (see
  --   `apply_to_bulked_bookings` of `Booking:action`), and `include = "bulked_bookings"` shows them
  -- @tparam ?boolean opts.stop_on_first_error try no further ones after one has failed
  -- @tparam ?boolean opts.delete_all_on_error delete all when one has failed
  -- @tparam ?string|table opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole call
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?table opts.headers further headers of this request, as of `timekit.new`
  -- @treturn table|nil the results in the order of the list, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole
  -- @treturn table `info` of the request, or the error: `input`, `transition`, `auth`, `not_found`, `validation`,
  --   `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain` when some of the bookings may have been
  --   created, also after a refusal that does not tell whether it is about all. An item's error is one that
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

  --- Performs actions on several bookings by one request: `PUT /bookings/bulk` (API.md 4). For requests of their own,
  -- each with its own retries, see `Client:batch`.
  --
  -- Each item is checked as by `Booking:action`, and nothing is sent when one is refused: `err.index` tells which. The
  -- request is never repeated once it may have had an effect. Of every item whose outcome is then not known the
  -- booking is read, several at once, within the call's time; its graph and state decide as for a single action: a
  -- state that proves the action is a success (`info.reconciled`), anything else is `uncertain`, with the state. That
  -- is so after a lost or useless answer, for items that the answer does not tell of, and after a refusal of the whole
  -- that does not tell whether items before the refused one took effect; an item that such a refusal, or a rate limit,
  -- left where it was ends with that error. With `reset_all_on_error` success is claimed for all or for none: where one
  -- is not a success the others may be put back at any time, and are `uncertain`; all are read where the answer does
  -- not tell of each. As for a single action, a booking that was in that state before cannot be told from one that was
  -- brought there.
  -- Raises on a wrong item (naming its number), also one whose parts have names, and whatever else `Booking:action`
  -- raises on; on an action or a setting called `id` or `action`.
  -- @tparam {table,...} items `{ id, action, inputs, options }`; the id may also be a booking; options are
  --   `apply_to_bulked_bookings` and `settings` as for `Booking:action`. An empty list sends nothing
  -- @tparam ?table opts
  -- @tparam ?boolean opts.stop_on_first_error try no further ones after one has failed
  -- @tparam ?boolean opts.reset_all_on_error put all back into their previous states when one has failed
  -- @tparam ?string|table opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole call, reads included
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?table opts.headers further headers of this request, as of `timekit.new`
  -- @treturn table|nil the results in the order of the items, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole, without effect
  -- @treturn table `info` of the request (`reconciled`: it did not tell everything), or the error: `input`,
  --   `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `phase`; `cancelled`,
  --   where `sent` tells whether there may be an effect. An item's error is one that `Booking:action` has
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
