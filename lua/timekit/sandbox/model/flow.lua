--- Moves bookings from state to state, and does to other bookings what follows from that.
-- The graphs say what is possible and where it leads (`timekit.graph`).
-- @module timekit.sandbox.model.flow
local graphs = require "timekit.graphs"
local timers = require "timekit.sandbox.model.timers"
local webhooks = require "timekit.sandbox.model.webhooks"

local flow = {}

--- Is an action possible for a booking now?
-- @tparam table booking
-- @tparam string action
-- @treturn boolean
function flow.can(booking, action)
  return (graphs[booking.graph]:can(booking.state, action))
end

--- Puts a booking into a state: writes its history, sets its timer, makes what its webhooks send.
-- @tparam table store
-- @tparam table booking
-- @tparam string|nil action nil when no action led there
-- @tparam string to the state
-- @tparam number at unix seconds
-- @tparam string by `api`, `autoplay`, `link`, `replication`, `group` or `box`
function flow.enter(store, booking, action, to, at, by)
  local from, completed, updated, timer = booking.state, booking.completed, booking.updated, booking.timer
  store:undoable(function()
    table.remove(booking.history)
    booking.state, booking.completed, booking.updated, booking.timer = from, completed, updated, timer
  end)
  store.moves = store.moves + 1
  booking.history[#booking.history + 1] = { action = action, from = from, to = to, at = at, by = by }
  booking.state = to
  booking.completed = graphs[booking.graph]:is_final(to)
  booking.updated = at
  timers.set(store.timers, booking, at)
  webhooks.entered(store, booking)
end

-- An action on a group booking reaches the customers' bookings as `…_by_owner`, where their graph has that action. So
-- cancel reaches them, and complete does not (spec/api.md 3).
local function follow_owner(store, owner, action, at)
  for _, customer in ipairs(owner.customer_bookings) do
    local theirs = action .. "_by_owner"
    if flow.can(customer, theirs) then flow.act(store, customer, theirs, at, "group") end
  end
end

--- Performs an action that is possible.
-- @tparam table store
-- @tparam table booking
-- @tparam string action
-- @tparam number at unix seconds
-- @tparam string by as in `flow.enter`
function flow.act(store, booking, action, at, by)
  flow.enter(store, booking, action, graphs[booking.graph]:next_state(booking.state, action), at, by)
  if booking.customer_bookings then follow_owner(store, booking, action, at) end
end

--- Performs an action on the related bookings of a booking, where it is possible for them.
-- @tparam table store
-- @tparam table booking the one that the action was performed on
-- @tparam string action
-- @tparam number at unix seconds
function flow.replicate(store, booking, action, at)
  for _, other in ipairs(booking.bulk or {}) do
    if other ~= booking and flow.can(other, action) then flow.act(store, other, action, at, "replication") end
  end
end

--- Does a customer's booking take place at the time of its group? It then shares the group's event.
-- @tparam table booking
-- @treturn boolean
function flow.is_at_group_time(booking)
  return booking.owner ~= nil and booking.owner.event == booking.event
end

--- Moves a booking to another time. Customers' bookings at the group's time move with it.
-- @tparam table store
-- @tparam table booking
-- @tparam table event the new `start` and `end` as they are shown, and `starts` and `ends` in unix seconds
-- @tparam number at unix seconds
function flow.move(store, booking, event, at)
  for field, value in pairs(event) do booking.event[field] = value end
  local moved = { booking }
  for _, customer in ipairs(booking.customer_bookings or {}) do
    if flow.is_at_group_time(customer) then moved[#moved + 1] = customer end
  end
  for _, one in ipairs(moved) do
    one.history[#one.history + 1] = {
      action = "reschedule", from = one.state, to = one.state, at = at, by = one == booking and "api" or "group",
    }
    one.updated, one.times["end"] = at, event.ends
    timers.set(store.timers, one, at)
  end
end

-- Plays one timer that is due. Returns what played; nil when nothing did.
local function play_one(store, entry)
  local booking = entry.booking
  local from = booking.state
  if not entry.action then
    flow.enter(store, booking, nil, entry.to, entry.at, "autoplay")
  elseif flow.can(booking, entry.action) then
    flow.act(store, booking, entry.action, entry.at, "autoplay")
  else
    -- The graph was replaced after the timer was set. Ask the new one what plays, and when.
    timers.set(store.timers, booking, entry.at)
    return nil
  end
  return { id = booking.id, action = entry.action, from = from, to = booking.state, at = entry.at }
end

--- Plays everything that is due, in the order of the moments, each at its own moment.
-- @tparam table store
-- @tparam number now unix seconds
-- @treturn {table,...} what played: `{ id =, action =, from =, to =, at = }`. What it caused in other bookings is left
--   out. A reservation expires without an action
function flow.play(store, now)
  local played = {}
  store.timers.playing = true
  local entry = timers.due(store.timers, now)
  while entry do
    played[#played + 1] = play_one(store, entry)
    entry = timers.due(store.timers, now)
  end
  store.timers.playing = false
  return played
end

return flow
