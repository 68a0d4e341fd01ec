--- `POST /bookings/reserve` and `PUT /bookings/reserve/extend`: a slot that is held for a while (spec/api.md 3
-- and 4).
-- @module timekit.sandbox.routes.reservations
local forms = require "timekit.sandbox.routes.forms"
local flow = require "timekit.sandbox.model.flow"
local ids = require "timekit.sandbox.model.ids"
local render = require "timekit.sandbox.model.render"
local replies = require "timekit.sandbox.routes.replies"
local timers = require "timekit.sandbox.model.timers"

local reservations = {}

local GRAPH, FIRST = "reservation", "reserved"

-- Seconds that a reservation lasts when `reservation_time` is left out, as in Timekit's reference.
local DEFAULT_TIME = 30

-- A year. A larger number is probably in milliseconds.
local LONGEST = 366 * 86400

local function read_time(form)
  local seconds = form:get("reservation_time")
  if seconds == nil then return DEFAULT_TIME end
  if type(seconds) == "number" and seconds % 1 == 0 and seconds >= 1 and seconds <= LONGEST then return seconds end
  form:refuse("reservation_time", ("reservation_time must be a whole number of seconds from 1 to %d"):format(LONGEST))
end

--- Handles `POST /bookings/reserve`.
-- Takes `start`, `end`, `reservation_time` (after which it expires), and as `POST /bookings` does `resource_id`,
-- `project_id`, `what`, `where`, `description`, `customer` and `settings.allow_double_bookings`.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function reservations.create(request)
  local store, now = request.store, request.now
  local form = forms.new(request)
  local seconds, event, exclusive = read_time(form), form:event(), form:exclusive()
  local booking = {
    graph = GRAPH, completed = false, created = now, updated = now, history = {}, event = event, meta = {},
    resource_id = form:get("resource_id") or store.resource_id, project_id = form:get("project_id"),
    customer = form:customer(), times = { created = now, ["end"] = event.ends },
  }
  if exclusive then form:require_free(booking.resource_id, event) end
  if form.refused then return replies.fields(form.errors) end
  booking.id, event.id, booking.expires = ids.next(store.booking_ids), ids.next(store.booking_ids), now + seconds
  store:add(booking)
  flow.enter(store, booking, nil, FIRST, now, "api")
  return replies.data(201, render.booking(booking, request))
end

--- Handles `PUT /bookings/reserve/extend`: `reservation_id`, and `reservation_time`, counted from now on.
-- @tparam table request
-- @treturn table reply
function reservations.extend(request)
  local form = forms.new(request)
  local id, seconds = form:get("reservation_id"), read_time(form)
  if id == nil and not form.errors.reservation_id then form:refuse("reservation_id", "reservation_id is required") end
  if form.refused then return replies.fields(form.errors) end
  local booking = request.store:find(id)
  if not booking or not booking.expires then return replies.not_found("Booking") end
  if booking.completed then return replies.transition("extend", booking.state) end
  booking.expires, booking.updated = request.now + seconds, request.now
  timers.set(request.store.timers, booking, request.now)
  return replies.data(200, render.booking(booking, request))
end

return reservations
