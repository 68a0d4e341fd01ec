--- The handlers of `/bookings` (API.md 2 and 4).
-- @module timekit.sandbox.routes.bookings
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local create = require "timekit.sandbox.routes.create"
local flow = require "timekit.sandbox.model.flow"
local forms = require "timekit.sandbox.routes.form"
local render = require "timekit.sandbox.routes.render"
local replies = require "timekit.sandbox.routes.replies"
local slots = require "timekit.sandbox.model.slots"
local store = require "timekit.sandbox.model.store"

local bookings = {}

--- Handles `POST /bookings`.
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table reply
function bookings.create(call)
  local booking, refusal = create.booking(call.state, call.body, call.now)
  if not booking then return refusal end
  return replies.data(201, render.booking(booking, call))
end

--- Handles `GET /bookings/{id}`.
-- @tparam table call
-- @treturn table reply
function bookings.show(call)
  local booking = store.find(call.state, call.params.id)
  if not booking then return replies.no_booking() end
  return replies.data(200, render.booking(booking, call))
end

--- Handles `GET /bookings/groups/{id}`.
-- @tparam table call
-- @treturn table reply
function bookings.show_group(call)
  local booking = store.find(call.state, call.params.id)
  if not booking or not booking.customer_bookings then return replies.no_booking() end
  return replies.data(200, render.booking(booking, call))
end

--- Performs an action as a request asks for it.
-- Related bookings follow where the action is possible for them; the others stay as they are.
-- @tparam table state the box's state
-- @tparam any id
-- @tparam any action
-- @tparam table body the inputs under the action's name, and `apply_to_bulked_bookings`
-- @tparam number now unix seconds
-- @treturn table|nil the booking
-- @treturn ?table the reply that refuses it
function bookings.perform(state, id, action, body, now)
  local booking = store.find(state, id)
  if not booking then return nil, replies.no_booking() end
  if type(action) ~= "string" or action == "" then return nil, replies.field("action", "action must be a text") end
  if not flow.can(booking, action) then return nil, replies.transition(action, booking.state) end

  local inputs, everywhere = body[action], body.apply_to_bulked_bookings
  if inputs == core.null then inputs = nil end
  if core.is_array(inputs) then return nil, replies.field(action, action .. " must be an object", action) end
  local ok, problem = graphs[booking.graph]:check_inputs(action, inputs, booking.state)
  if not ok then return nil, replies.field(action, problem, action) end
  if everywhere == nil or everywhere == core.null then everywhere = true end
  if type(everywhere) ~= "boolean" then
    return nil, replies.field("apply_to_bulked_bookings", "apply_to_bulked_bookings must be true or false", action)
  end

  flow.act(state, booking, action, now, "api")
  if everywhere then flow.replicate(state, booking, action, now) end
  return booking
end

--- Handles `PUT /bookings/{id}/{action}`.
-- @tparam table call
-- @treturn table reply
function bookings.act(call)
  local booking, refusal = bookings.perform(call.state, call.params.id, call.params.action, call.body, call.now)
  if not booking then return refusal end
  return replies.data(200, render.booking(booking, call))
end

--- Handles `PUT /bookings/{id}`: a new `meta` instead of the old one, and nothing else.
-- @tparam table call
-- @treturn table reply
function bookings.update(call)
  local booking = store.find(call.state, call.params.id)
  if not booking then return replies.no_booking() end
  local form = forms.new(call.body)
  local meta = form:get("meta")
  if meta == nil and not form.refused then form:refuse("meta", "meta is required") end
  for name in pairs(call.body) do
    if name ~= "meta" then form:refuse(name, name .. " cannot be changed, only meta can") end
  end
  if form.refused then return replies.fields(form.errors) end
  booking.meta, booking.updated = meta, call.now
  return replies.data(200, render.booking(booking, call))
end

--- Handles `DELETE /bookings/{id}`, which is possible in a final state only.
-- @tparam table call
-- @treturn table reply
function bookings.delete(call)
  local booking = store.find(call.state, call.params.id)
  if not booking then return replies.no_booking() end
  if not booking.completed then return replies.transition("delete", booking.state) end
  store.remove(call.state, booking)
  return { status = 204 }
end

--- Handles `POST /bookings/{id}/reschedule`: `start`, `end`, `resource_id`, `message`.
-- The state stays. Possible until the booking's state is final; not for a reservation, nor for a customer's booking
-- that takes place at its group's time. One that was created or is moved with `settings.allow_double_bookings`
-- false does not move to a time that is taken.
-- @tparam table call
-- @treturn table reply
function bookings.reschedule(call)
  local booking = store.find(call.state, call.params.id)
  if not booking then return replies.no_booking() end
  if booking.completed or booking.expires then return replies.transition("reschedule", booking.state) end
  local form = forms.new(call.body)
  local starts, ends = form:times()
  local resource_id, exclusive = form:get("resource_id") or booking.resource_id, form:exclusive() or booking.exclusive
  form:get("message")
  if booking.owner and booking.owner.event == booking.event then
    form:refuse("start", "the booking takes place at the time of its group")
  end
  if not form.refused and exclusive and slots.taken(call.state, resource_id, starts, ends, booking) then
    form:refuse("start", slots.REFUSAL)
  end
  if form.refused then return replies.fields(form.errors) end
  booking.resource_id = resource_id
  flow.move(call.state, booking, {
    starts = starts, ends = ends, start = form:get("start"), ["end"] = form:get("end"),
  }, call.now)
  return replies.data(200, render.booking(booking, call))
end

return bookings
