--- `/bookings` and `/bookings/{id}/…` (spec/api.md 2 and 4). Lists are in `list`, bulk requests in `bulk`.
-- @module timekit.sandbox.routes.bookings
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local create = require "timekit.sandbox.routes.create"
local flow = require "timekit.sandbox.model.flow"
local forms = require "timekit.sandbox.routes.forms"
local given = require("timekit.text.fields").given
local render = require "timekit.sandbox.model.render"
local replies = require "timekit.sandbox.routes.replies"


local bookings = {}

--- Handles `POST /bookings`.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function bookings.create(request)
  local booking, refusal = create.booking(request, request.body)
  if not booking then return refusal end
  return replies.data(201, render.booking(booking, request))
end

--- Handles `GET /bookings/{id}`.
-- @tparam table request
-- @treturn table reply
function bookings.show(request)
  return replies.data(200, render.booking(request.booking, request))
end

--- Handles `GET /bookings/groups/{id}`.
-- @tparam table request
-- @treturn table reply
function bookings.show_group(request)
  if not request.booking.customer_bookings then return replies.not_found("Booking") end
  return bookings.show(request)
end

--- Performs an action as a request asks for it.
-- Related bookings follow where the action is possible for them; the others stay as they are.
-- @tparam table request see `timekit.sandbox.engine`; of it, `store` and `now`
-- @tparam table booking
-- @tparam any action
-- @tparam table body the inputs under the action's name, and `apply_to_bulked_bookings`
-- @treturn table|nil the booking
-- @treturn ?table the reply that refuses it
function bookings.perform(request, booking, action, body)
  if type(action) ~= "string" or action == "" then return nil, replies.field("action", "action must be a text") end
  if not flow.can(booking, action) then return nil, replies.transition(action, booking.state) end

  local inputs, everywhere = given(body[action]), given(body.apply_to_bulked_bookings)
  if core.is_array(inputs) then return nil, replies.field(action, action .. " must be an object", action) end
  local ok, problem = graphs[booking.graph]:check_inputs(action, inputs, booking.state)
  if not ok then return nil, replies.field(action, problem, action) end
  if everywhere == nil then everywhere = true end
  if type(everywhere) ~= "boolean" then
    return nil, replies.field("apply_to_bulked_bookings", "apply_to_bulked_bookings must be true or false", action)
  end

  flow.act(request.store, booking, action, request.now, "api")
  if everywhere then flow.replicate(request.store, booking, action, request.now) end
  return booking
end

--- Handles `PUT /bookings/{id}/{action}`.
-- @tparam table request
-- @treturn table reply
function bookings.act(request)
  local booking, refusal = bookings.perform(request, request.booking, request.params.action, request.body)
  if not booking then return refusal end
  return bookings.show(request)
end

--- Handles `PUT /bookings/{id}`: replaces the `meta` as a whole, and changes nothing else.
-- @tparam table request
-- @treturn table reply
function bookings.update(request)
  local booking, form = request.booking, forms.new(request)
  local meta = form:get("meta")
  if meta == nil and not form.refused then form:refuse("meta", "meta is required") end
  for name in pairs(request.body) do
    if name ~= "meta" then form:refuse(name, name .. " cannot be changed, only meta can") end
  end
  if form.refused then return replies.fields(form.errors) end
  booking.meta, booking.updated = meta, request.now
  return bookings.show(request)
end

--- Handles `DELETE /bookings/{id}`, which is possible in a final state only.
-- @tparam table request
-- @treturn table reply
function bookings.delete(request)
  local booking = request.booking
  if not booking.completed then return replies.transition("delete", booking.state) end
  request.store:remove(booking)
  return { status = 204 }
end

--- Handles `POST /bookings/{id}/reschedule`: `start`, `end`, `resource_id`, `message`.
-- The state stays. It is possible until the state is final, but not for a reservation, nor for a customer's booking at
-- its group's time. A booking that was created or is moved with `settings.allow_double_bookings` false does not move to
-- a time that is taken.
-- @tparam table request
-- @treturn table reply
function bookings.reschedule(request)
  local booking, form = request.booking, forms.new(request)
  if booking.completed or booking.expires then return replies.transition("reschedule", booking.state) end
  local times = form:times()
  local resource_id, exclusive = form:get("resource_id") or booking.resource_id, form:exclusive() or booking.exclusive
  form:get("message")
  if flow.is_at_group_time(booking) then
    form:refuse("start", "the booking takes place at the time of its group")
  end
  if exclusive then form:require_free(resource_id, times, booking) end
  if form.refused then return replies.fields(form.errors) end
  booking.resource_id = resource_id
  flow.move(request.store, booking, times, request.now)
  return bookings.show(request)
end

return bookings
