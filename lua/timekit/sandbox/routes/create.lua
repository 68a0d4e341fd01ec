--- `POST /bookings`: making a booking (API.md 3 and 4).
-- @module timekit.sandbox.routes.create
local flow = require "timekit.sandbox.model.flow"
local forms = require "timekit.sandbox.routes.form"
local ids = require "timekit.sandbox.model.ids"
local replies = require "timekit.sandbox.routes.replies"
local slots = require "timekit.sandbox.model.slots"
local store = require "timekit.sandbox.model.store"

local create = {}

-- The step that Timekit names when it refuses a field of a new booking (fixture bookingjs-create-422).
local STEP = "save_booking_data"

--- Makes a booking.
-- @tparam table state the box's state
-- @tparam table body the fields
-- @tparam number now unix seconds
-- @treturn table|nil the booking
-- @treturn ?table the reply that refuses it
function create.booking(state, body, now)
  local form = forms.new(body)
  local graph = form:graph()
  if not graph then return nil, replies.fields(form.errors, STEP) end

  form:required(graph)
  local owner, reservation = form:owner(state, graph), form:reservation(state)
  -- The times may be the group's or what was reserved, so without those nothing can be said about them.
  local event = not form.errors[forms.OWNER] and not form.errors.reservation_id and form:event(owner, reservation)
  local settings, exclusive = form:settings(graph), form:exclusive()
  local action = form:get("action") or graph.first
  local held = owner or reservation
  local booking = {
    graph = graph.name, state = graph.initial, completed = false, created = now, updated = now, history = {},
    event = event, owner = owner, max_seats = graph.seats == "owner" and settings.max_seats or nil,
    customer_bookings = graph.seats == "owner" and {} or nil, exclusive = exclusive,
    meta = form:get("meta") or {}, project_id = form:get("project_id") or (reservation and reservation.project_id),
    resource_id = form:get("resource_id") or (held and held.resource_id) or state.resource_id,
    customer = form:customer(state) or (reservation and reservation.customer),
  }
  if not form.refused and exclusive
    and slots.taken(state, booking.resource_id, event.starts, event.ends, reservation) then
    form:refuse("start", slots.REFUSAL)
  end
  if form.refused then return nil, replies.fields(form.errors, STEP) end
  if not flow.can(booking, action) then return nil, replies.transition(action, booking.state) end

  if reservation then store.remove(state, reservation) end
  booking.id = ids.next(state.booking_ids)
  event.id = event.id or ids.next(state.booking_ids)
  booking.times = { created = now, ["end"] = event.ends, settings = settings }
  store.add(state, booking)
  flow.act(state, booking, action, now, "api")
  return booking
end

return create
