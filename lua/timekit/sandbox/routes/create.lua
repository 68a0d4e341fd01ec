--- Makes a booking from the fields of `POST /bookings` (spec/api.md 3 and 4), alone or in bulk.
-- @module timekit.sandbox.routes.create
local flow = require "timekit.sandbox.model.flow"
local forms = require "timekit.sandbox.routes.forms"
local ids = require "timekit.sandbox.model.ids"
local replies = require "timekit.sandbox.routes.replies"

local create = {}

-- The step that Timekit names when it refuses a field of a new booking (fixture bookingjs-create-422).
local STEP = "save_booking_data"

-- Reads a booking of a graph from a form, without its ids. The form is refused when something is wrong.
local function read(form, graph, request)
  local store, now = request.store, request.now
  form:required(graph)
  local owner, reservation = form:owner(graph), form:reservation()
  -- A group or a reservation can supply the times. When it is wrong, missing times are not another error.
  local event = not form.errors[forms.OWNER] and not form.errors.reservation_id and form:event(owner, reservation)
  local settings, exclusive = form:settings(graph), form:exclusive()
  local held = owner or reservation
  local booking = {
    graph = graph.name, state = graph.initial, completed = false, created = now, updated = now, history = {},
    event = event, owner = owner, max_seats = graph.seats == "owner" and settings.max_seats or nil,
    customer_bookings = graph.seats == "owner" and {} or nil, exclusive = exclusive,
    times = { created = now, ["end"] = event and event.ends, settings = settings },
    meta = form:get("meta") or {}, project_id = form:get("project_id") or (reservation and reservation.project_id),
    resource_id = form:get("resource_id") or (held and held.resource_id) or store.resource_id,
    customer = form:customer() or (reservation and reservation.customer),
  }
  if exclusive then form:require_free(booking.resource_id, event, reservation) end
  return booking, reservation
end

--- Makes a booking.
-- @tparam table request see `timekit.sandbox.engine`; of it, `store`, `timestamps` and `now`
-- @tparam table body the fields
-- @treturn table|nil the booking
-- @treturn ?table the reply that refuses it
function create.booking(request, body)
  local store, form = request.store, forms.new(request, body)
  local graph = form:graph()
  if not graph then return nil, replies.fields(form.errors, STEP) end
  local action = form:get("action") or graph.first
  local booking, reservation = read(form, graph, request)
  if form.refused then return nil, replies.fields(form.errors, STEP) end
  if not flow.can(booking, action) then return nil, replies.transition(action, booking.state) end

  if reservation then store:remove(reservation) end
  booking.id = ids.next(store.booking_ids)
  booking.event.id = booking.event.id or ids.next(store.booking_ids)
  store:add(booking)
  flow.act(store, booking, action, request.now, "api")
  return booking
end

return create
