--- Where a box keeps what happened and what is to go wrong: its bookings, the latest requests, and the faults.
-- @module timekit.sandbox.store
local faults = require "timekit.sandbox.faults"
local ids = require "timekit.sandbox.ids"
local timers = require "timekit.sandbox.timers"

local store = {}

-- A sandbox may serve a load test for days.
local REQUESTS_KEPT = 10000

--- Makes the state of a box, empty.
-- @tparam table options `seed` (a whole number); `accepts` (function(key) → boolean): the state itself holds no key
-- @treturn table
function store.new(options)
  local state = {
    accepts = options.accepts,
    -- Requests have ids of their own, so that reading a booking does not change the id of the next.
    booking_ids = ids.new(options.seed, 0), request_ids = ids.new(options.seed, 1),
    bookings = {}, by_id = {}, timers = timers.new(),
    requests = {}, request_count = 0,
    faults = faults.new(),
  }
  state.resource_id = ids.next(state.booking_ids)
  return state
end

--- Adds a booking.
-- @tparam table state
-- @tparam table booking with its `id`
function store.add(state, booking)
  state.bookings[#state.bookings + 1] = booking
  booking.number = #state.bookings
  state.by_id[booking.id] = booking
  if booking.owner then
    local theirs = booking.owner.customer_bookings
    theirs[#theirs + 1] = booking
  end
end

--- Finds a booking.
-- @tparam table state
-- @tparam any id
-- @treturn table|nil
function store.find(state, id)
  return state.by_id[id]
end

--- Relates bookings: from now on they are each other's bulked bookings, and nobody else's.
-- @tparam {table,...} bookings
function store.relate(bookings)
  local bulk = {}
  for _, booking in ipairs(bookings) do
    for position, other in ipairs(booking.bulk or {}) do
      if other == booking then
        table.remove(booking.bulk, position)
        break
      end
    end
    bulk[#bulk + 1] = booking
    booking.bulk = bulk
  end
end

--- Notes a request.
-- @tparam table state
-- @tparam table entry
function store.note(state, entry)
  state.requests[state.request_count % REQUESTS_KEPT + 1] = entry
  state.request_count = state.request_count + 1
end

--- The latest requests, oldest first.
-- @tparam table state
-- @treturn {table,...} a new list
function store.requests(state)
  local list = {}
  for number = math.max(0, state.request_count - REQUESTS_KEPT), state.request_count - 1 do
    list[#list + 1] = state.requests[number % REQUESTS_KEPT + 1]
  end
  return list
end

return store
