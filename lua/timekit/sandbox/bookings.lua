--- The handlers of `/bookings` (API.md 2 and 4).
-- @module timekit.sandbox.bookings
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local create = require "timekit.sandbox.create"
local flow = require "timekit.sandbox.flow"
local render = require "timekit.sandbox.render"
local replies = require "timekit.sandbox.replies"
local store = require "timekit.sandbox.store"

local bookings = {}

--- Handles `POST /bookings`.
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table reply
function bookings.create(call)
  local booking, refusal = create.booking(call)
  if not booking then return refusal end
  return replies.data(201, render.booking(booking, call.include))
end

--- Handles `GET /bookings/{id}`.
-- @tparam table call
-- @treturn table reply
function bookings.show(call)
  local booking = store.find(call.state, call.params.id)
  if not booking then return replies.no_booking() end
  return replies.data(200, render.booking(booking, call.include))
end

--- Handles `PUT /bookings/{id}/{action}`.
-- Related bookings follow where the action is possible for them; the others stay as they are.
-- @tparam table call
-- @treturn table reply
function bookings.act(call)
  local booking, action = store.find(call.state, call.params.id), call.params.action
  if not booking then return replies.no_booking() end
  if not flow.can(booking, action) then return replies.transition(action, booking.state) end

  local inputs, everywhere = call.body[action], call.body.apply_to_bulked_bookings
  if inputs == core.null then inputs = nil end
  if core.is_array(inputs) then return replies.field(action, action .. " must be an object", action) end
  local ok, problem = graphs[booking.graph]:check_inputs(action, inputs, booking.state)
  if not ok then return replies.field(action, problem, action) end
  if everywhere == nil or everywhere == core.null then everywhere = true end
  if type(everywhere) ~= "boolean" then
    return replies.field("apply_to_bulked_bookings", "apply_to_bulked_bookings must be true or false", action)
  end

  flow.act(call.state, booking, action, call.now, "api")
  if everywhere then flow.replicate(call.state, booking, action, call.now) end
  return replies.data(200, render.booking(booking, call.include))
end

return bookings
