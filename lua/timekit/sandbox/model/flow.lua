--- Bookings going from state to state, and what one booking's action does to others.
-- What is possible, and where it leads, is `timekit.graph`'s to say.
-- @module timekit.sandbox.model.flow
local graphs = require "timekit.graphs"
local store = require "timekit.sandbox.model.store"
local timers = require "timekit.sandbox.model.timers"
local webhooks = require "timekit.sandbox.model.webhooks"

local flow = {}

--- Whether an action is possible for a booking now.
-- @tparam table booking
-- @tparam string action
-- @treturn boolean
function flow.can(booking, action)
  return (graphs[booking.graph]:can(booking.state, action))
end

--- Puts a booking into a state, and notes how it came there.
-- @tparam table state the box's state
-- @tparam table booking
-- @tparam string|nil action nil when no action led there
-- @tparam string to
-- @tparam number at unix seconds
-- @tparam string by `api`, `autoplay`, `link`, `replication`, `group` or `box`
function flow.enter(state, booking, action, to, at, by)
  local from, completed, updated, timer = booking.state, booking.completed, booking.updated, booking.timer
  store.undoable(state, function()
    table.remove(booking.history)
    booking.state, booking.completed, booking.updated, booking.timer = from, completed, updated, timer
  end)
  booking.history[#booking.history + 1] = { action = action, from = from, to = to, at = at, by = by }
  booking.state = to
  booking.completed = graphs[booking.graph]:is_final(to)
  booking.updated = at
  timers.set(state.timers, booking, at)
  webhooks.entered(state, booking)
end

-- An owner's action reaches the customers' bookings as the action of that name `…_by_owner`, where their
-- graph offers it: cancel does, complete does not (API.md 3).
local function follow_owner(state, owner, action, at)
  for _, customer in ipairs(owner.customer_bookings) do
    local theirs = action .. "_by_owner"
    if flow.can(customer, theirs) then flow.act(state, customer, theirs, at, "group") end
  end
end

--- Performs an action that is possible.
-- @tparam table state the box's state
-- @tparam table booking
-- @tparam string action
-- @tparam number at unix seconds
-- @tparam string by as in `flow.enter`
function flow.act(state, booking, action, at, by)
  flow.enter(state, booking, action, graphs[booking.graph]:next_state(booking.state, action), at, by)
  if booking.customer_bookings then follow_owner(state, booking, action, at) end
end

--- Performs an action on the bookings that a booking is related to, as far as it is possible for them.
-- @tparam table state the box's state
-- @tparam table booking the one that the action was performed on
-- @tparam string action
-- @tparam number at unix seconds
function flow.replicate(state, booking, action, at)
  for _, other in ipairs(booking.bulk or {}) do
    if other ~= booking and flow.can(other, action) then flow.act(state, other, action, at, "replication") end
  end
end

--- Moves a booking to another time. Customers' bookings that take place at the group's time move with it.
-- @tparam table state the box's state
-- @tparam table booking
-- @tparam table event the event's new `start`, `end`, and `starts`, `ends` in unix seconds
-- @tparam number at unix seconds
function flow.move(state, booking, event, at)
  for field, value in pairs(event) do booking.event[field] = value end
  local moved = { booking }
  for _, customer in ipairs(booking.customer_bookings or {}) do
    if customer.event == booking.event then moved[#moved + 1] = customer end
  end
  for _, one in ipairs(moved) do
    one.history[#one.history + 1] = {
      action = "reschedule", from = one.state, to = one.state, at = at, by = one == booking and "api" or "group",
    }
    one.updated, one.times["end"] = at, event.ends
    timers.set(state.timers, one, at)
  end
end

--- Plays everything that is due, in the order of the moments, each at its moment.
-- @tparam table state the box's state
-- @tparam number now unix seconds
-- @treturn {table,...} what played: `{ id =, action =, from =, to =, at = }`, what it set off in others left out; a
--   reservation expires without an action
function flow.play(state, now)
  local played = {}
  state.timers.playing = true
  local entry = timers.due(state.timers, now)
  while entry do
    local booking = entry.booking
    local from = booking.state
    if not entry.action then
      flow.enter(state, booking, nil, entry.to, entry.at, "autoplay")
      played[#played + 1] = { id = booking.id, from = from, to = entry.to, at = entry.at }
    elseif flow.can(booking, entry.action) then
      flow.act(state, booking, entry.action, entry.at, "autoplay")
      played[#played + 1] = { id = booking.id, action = entry.action, from = from, to = booking.state, at = entry.at }
    else
      -- The graph was replaced since: what plays, and when, is for its new rules to say.
      timers.set(state.timers, booking, entry.at)
    end
    entry = timers.due(state.timers, now)
  end
  state.timers.playing = false
  return played
end

return flow
