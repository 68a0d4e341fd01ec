--- `POST /bookings/reserve` and `PUT /bookings/reserve/extend`: a slot that is held for a while (API.md 3 and 4).
-- @module timekit.sandbox.routes.reservations
local forms = require "timekit.sandbox.routes.form"
local flow = require "timekit.sandbox.model.flow"
local ids = require "timekit.sandbox.model.ids"
local render = require "timekit.sandbox.routes.render"
local replies = require "timekit.sandbox.routes.replies"
local slots = require "timekit.sandbox.model.slots"
local store = require "timekit.sandbox.model.store"
local timers = require "timekit.sandbox.model.timers"

local reservations = {}

local GRAPH, FIRST = "reservation", "reserved"

-- Timekit's reference has it so, as the field `reservation_time`: seconds from the request on.
local DEFAULT_TIME = 30

-- A year; beyond it somebody has taken milliseconds for seconds.
local LONGEST = 366 * 86400

local function read_time(form)
  local seconds = form:get("reservation_time")
  if seconds == nil then return DEFAULT_TIME end
  if type(seconds) == "number" and seconds % 1 == 0 and seconds >= 1 and seconds <= LONGEST then return seconds end
  form:refuse("reservation_time", ("reservation_time must be a whole number of seconds from 1 to %d"):format(LONGEST))
end

--- Handles `POST /bookings/reserve`.
-- Takes `start`, `end`, and what `POST /bookings` takes of `resource_id`, `project_id`, `what`, `where`, `description`,
-- `customer` and `settings.allow_double_bookings`; and `reservation_time`, after which it expires.
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table reply
function reservations.create(call)
  local state, now = call.state, call.now
  local form = forms.new(call.body)
  local seconds, event, exclusive = read_time(form), form:event(), form:exclusive()
  local booking = {
    graph = GRAPH, completed = false, created = now, updated = now, history = {}, event = event, meta = {},
    resource_id = form:get("resource_id") or state.resource_id, project_id = form:get("project_id"),
    customer = form:customer(state), times = { created = now, ["end"] = event.ends },
  }
  if not form.refused and exclusive and slots.taken(state, booking.resource_id, event.starts, event.ends) then
    form:refuse("start", slots.REFUSAL)
  end
  if form.refused then return replies.fields(form.errors) end
  booking.id, event.id, booking.expires = ids.next(state.booking_ids), ids.next(state.booking_ids), now + seconds
  store.add(state, booking)
  flow.enter(state, booking, nil, FIRST, now, "api")
  return replies.data(201, render.booking(booking, call))
end

--- Handles `PUT /bookings/reserve/extend`: `reservation_id`, and the `reservation_time` that is left from now on.
-- @tparam table call
-- @treturn table reply
function reservations.extend(call)
  local form = forms.new(call.body)
  local id, seconds = form:get("reservation_id"), read_time(form)
  if id == nil and not form.errors.reservation_id then form:refuse("reservation_id", "reservation_id is required") end
  if form.refused then return replies.fields(form.errors) end
  local booking = store.find(call.state, id)
  if not booking or not booking.expires then return replies.no_booking() end
  if booking.completed then return replies.transition("extend", booking.state) end
  booking.expires, booking.updated = call.now + seconds, call.now
  timers.set(call.state.timers, booking, call.now)
  return replies.data(200, render.booking(booking, call))
end

return reservations
