--- The data of a box: bookings, timers, the latest requests, planned faults, webhooks.
--
-- A booking is a plain table. `timekit.sandbox.routes.create` makes it, a reservation `routes.reservations`:
--
-- * as the API shows it: `id`, `graph`, `state`, `completed`, `resource_id`, `project_id`, `customer`, `meta`; `event`
--   with `starts` and `ends` in unix seconds; `created`, `updated` and, of a reservation, `expires` in unix seconds
-- * `history`: the steps that brought it to its state; `number`: its place among all bookings
-- * `times`: what its autoplays count from; `timer`: its entry in the timers, nil when nothing will play
-- * `customer_bookings` and `max_seats` of a group; `owner`, the group, of a customer's booking
-- * `bulk`: the list of related bookings that it is in; `exclusive`: its resource must be free at its time
-- @module timekit.sandbox.model.store
local exchanges = require "timekit.sandbox.model.exchanges"
local faults = require "timekit.sandbox.model.faults"
local ids = require "timekit.sandbox.model.ids"
local latest = require "timekit.sandbox.model.latest"
local rate_limit = require "timekit.sandbox.model.rate_limit"
local timers = require "timekit.sandbox.model.timers"

local store = {}

local REQUESTS_KEPT, DELIVERIES_KEPT = 10000, 1000

--- The data of a box.
-- @type Store
local Store = {}
Store.__index = Store

--- Carries out work as a whole or not at all.
-- @tparam function work returns true to keep its changes; otherwise the functions that `Store:undoable` was given since
--   undo them, the latest first
function Store:attempt(work)
  local undo = {}
  self.undo = undo
  local keep = work()
  self.undo = nil
  if keep then return end
  for index = #undo, 1, -1 do undo[index]() end
end

--- Says how to undo a change. Outside of `Store:attempt` nothing is ever undone, and this does nothing.
-- @tparam function undo
function Store:undoable(undo)
  if self.undo then self.undo[#self.undo + 1] = undo end
end

local function take_out(list, item)
  for position, other in ipairs(list) do
    if other == item then return table.remove(list, position) end
  end
end

-- Keeps the bookings in the order of their numbers, also when a removed one comes back.
local function insert(self, booking)
  local bookings = self.bookings
  local position = #bookings + 1
  while position > 1 and bookings[position - 1].number > booking.number do position = position - 1 end
  table.insert(bookings, position, booking)
  self.by_id[booking.id] = booking
  if booking.owner then
    local customers = booking.owner.customer_bookings
    customers[#customers + 1] = booking
  end
end

local function withdraw(self, booking)
  take_out(self.bookings, booking)
  self.by_id[booking.id] = nil
  -- The heap of timers still holds the entry. It is skipped because the booking no longer names it.
  booking.timer = nil
  if booking.owner then take_out(booking.owner.customer_bookings, booking) end
  if booking.bulk then take_out(booking.bulk, booking) end
end

--- Adds a booking, and numbers it.
-- @tparam table booking with its `id`
function Store:add(booking)
  self.booking_count = self.booking_count + 1
  booking.number = self.booking_count
  self:undoable(function() withdraw(self, booking) end)
  insert(self, booking)
end

--- Removes a booking. Customers' bookings of a group that is removed stay, without an owner.
-- @tparam table booking
function Store:remove(booking)
  local timer = booking.timer
  self:undoable(function()
    insert(self, booking)
    booking.timer = timer
  end)
  withdraw(self, booking)
  for _, customer in ipairs(booking.customer_bookings or {}) do customer.owner = nil end
end

--- Finds a booking.
-- @tparam any id
-- @treturn table|nil
function Store:find(id)
  return self.by_id[id]
end

--- @section end

--- Relates bookings: they become each other's bulked bookings. Earlier relations of theirs end.
-- @tparam {table,...} bookings
function store.relate(bookings)
  local bulk = {}
  for _, booking in ipairs(bookings) do
    if booking.bulk then take_out(booking.bulk, booking) end
    bulk[#bulk + 1] = booking
    booking.bulk = bulk
  end
end

--- Makes an empty store.
-- @tparam table options `seed` (a whole number); `keys` (a `timekit.sandbox.model.keyring`); `rate_limit` (see
--   `timekit.sandbox.model.rate_limit`, or nil); `full_requests` (how many requests are kept in full)
-- @treturn Store
function store.new(options)
  local booking_ids = ids.new(options.seed, 0)
  return setmetatable({
    keys = options.keys,
    -- Requests have ids of their own, so that reading a booking does not change the id of the next booking.
    booking_ids = booking_ids, request_ids = ids.new(options.seed, 1),
    resource_id = ids.next(booking_ids),   -- of bookings that name no resource
    bookings = {}, booking_count = 0, by_id = {},
    timers = timers.new(),
    rate_limit = rate_limit.new(options.rate_limit),
    requests = latest.new(REQUESTS_KEPT),
    exchanges = exchanges.new(options.full_requests),
    moves = 0,                             -- how often a booking has entered a state
    faults = faults.new(),
    hooks = {},                            -- the webhooks that are set up
    deliveries = latest.new(DELIVERIES_KEPT),
    outbox = {},                           -- deliveries that wait for a sender
    undo = nil,                            -- during `attempt`: functions that undo what was done so far
  }, Store)
end

return store
