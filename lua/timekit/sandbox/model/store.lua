--- Where a box keeps what happened and what is to go wrong: its bookings, the latest requests, and the faults.
-- @module timekit.sandbox.model.store
local faults = require "timekit.sandbox.model.faults"
local ids = require "timekit.sandbox.model.ids"
local timers = require "timekit.sandbox.model.timers"

local store = {}

-- A sandbox may serve a load test for days.
local REQUESTS_KEPT = 10000

--- Makes the state of a box, empty.
-- @tparam table options `seed` (a whole number); `keys` (a `timekit.sandbox.model.keyring`)
-- @treturn table
function store.new(options)
  local state = {
    keys = options.keys,
    -- Requests have ids of their own, so that reading a booking does not change the id of the next.
    booking_ids = ids.new(options.seed, 0), request_ids = ids.new(options.seed, 1),
    bookings = {}, booking_count = 0, by_id = {}, timers = timers.new(),
    requests = {}, request_count = 0,
    hooks = {}, deliveries = {}, delivery_count = 0, outbox = {},
    faults = faults.new(),
  }
  state.resource_id = ids.next(state.booking_ids)
  return state
end

--- Does something that is to happen as a whole or not at all.
-- @tparam table state
-- @tparam function work returns whether it is to last; if not, what was told to `store.undoable` is undone
function store.attempt(state, work)
  local undo = {}
  state.undo = undo
  local lasts = work()
  state.undo = nil
  if lasts then return end
  for index = #undo, 1, -1 do undo[index]() end
end

--- Tells how to undo what is about to be done.
-- @tparam table state
-- @tparam function undo
function store.undoable(state, undo)
  if state.undo then state.undo[#state.undo + 1] = undo end
end

-- Bookings stand in the order of their numbers, also one that comes back.
local function insert(state, booking)
  local bookings = state.bookings
  local position = #bookings + 1
  while position > 1 and bookings[position - 1].number > booking.number do position = position - 1 end
  table.insert(bookings, position, booking)
  state.by_id[booking.id] = booking
  if booking.owner then
    local theirs = booking.owner.customer_bookings
    theirs[#theirs + 1] = booking
  end
end

local function take_out(list, item)
  for position, other in ipairs(list) do
    if other == item then return table.remove(list, position) end
  end
end

local function withdraw(state, booking)
  take_out(state.bookings, booking)
  state.by_id[booking.id] = nil
  -- Its timer finds that it is no longer the booking's own.
  booking.timer = nil
  if booking.owner then take_out(booking.owner.customer_bookings, booking) end
  if booking.bulk then take_out(booking.bulk, booking) end
end

--- Adds a booking.
-- @tparam table state
-- @tparam table booking with its `id`
function store.add(state, booking)
  state.booking_count = state.booking_count + 1
  booking.number = state.booking_count
  store.undoable(state, function() withdraw(state, booking) end)
  insert(state, booking)
end

--- Removes a booking.
-- @tparam table state
-- @tparam table booking
function store.remove(state, booking)
  local timer = booking.timer
  store.undoable(state, function()
    insert(state, booking)
    booking.timer = timer
  end)
  withdraw(state, booking)
  for _, customer in ipairs(booking.customer_bookings or {}) do customer.owner = nil end
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
    if booking.bulk then take_out(booking.bulk, booking) end
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
