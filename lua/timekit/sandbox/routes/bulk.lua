--- `POST /bookings/bulk` and `PUT /bookings/bulk`: many bookings in one request (spec/api.md 4).
--
-- Timekit's own answer is unknown. This one is `{"data": […]}` with one item for each that was sent, in their order. An
-- item is the booking, or where it failed, the answer that a request of its own would have had (`{"error": …}` or
-- `{"errors": …}`) with its `status` added. An item that was not tried, or was undone, because another one failed has
-- an `error` and the status 424. The status of the whole answer is 201 when all were created, else 200.
-- @module timekit.sandbox.routes.bulk
local core = require "timekit.core"
local bookings = require "timekit.sandbox.routes.bookings"
local create = require "timekit.sandbox.routes.create"
local fields = require "timekit.text.fields"
local render = require "timekit.sandbox.model.render"
local replies = require "timekit.sandbox.routes.replies"
local store = require "timekit.sandbox.model.store"


local bulk = {}

local UNTRIED, UNDONE = "Not tried, since an earlier one failed", "Undone, since another one failed"

-- The items and the flags of a request; nil and a reply where something is wrong with them.
local function read(body, names)
  local errors, flags = {}, {}
  if not core.is_array(body.bookings) or #body.bookings == 0 then
    errors.bookings = { "bookings must be a list, and not empty" }
  end
  for _, name in ipairs(names) do
    local value = fields.given(body[name])
    if value ~= nil and type(value) ~= "boolean" then errors[name] = { name .. " must be true or false" } end
    flags[name] = value == true
  end
  if next(errors) then return nil, replies.fields(errors) end
  return body.bookings, flags
end

local function failed(reply)
  local item = { status = reply.status }
  for name, value in pairs(reply.body) do item[name] = value end
  return item
end

local function not_done(text)
  return failed(replies.error(424, text))
end

-- Calls `work(item)` for each item; it returns a booking, or nil and the reply that refuses it.
-- Returns three things. `done`: index → booking. `failures`: index → failed item, or false. Whether any failed.
local function each(request, items, stop, undo, work)
  local done, failures, any_failed = {}, {}, false
  request.store:attempt(function()
    for index, item in ipairs(items) do
      local booking, refusal
      if any_failed and stop then
        failures[index] = not_done(UNTRIED)
      elseif fields.is_object(item) then
        booking, refusal = work(item)
        failures[index] = refusal and failed(refusal) or false
      else
        failures[index] = failed(replies.error(422, "expected an object"))
      end
      if booking then done[index] = booking else any_failed = true end
    end
    return not (any_failed and undo)
  end)
  return done, failures, any_failed
end

-- Renders last, so that each booking is shown as the whole request leaves it.
local function answer(request, done, failures, undone, status)
  local shown = {}
  for index, failure in ipairs(failures) do
    shown[index] = failure or undone and not_done(UNDONE) or render.booking(done[index], request)
  end
  return replies.data(status, core.array(shown))
end

--- Handles `POST /bookings/bulk`: `bookings` (a list of what `POST /bookings` takes), `relate_bookings`,
-- `stop_on_first_error`, `delete_all_on_error`. Those that were created are related even when others failed.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function bulk.create(request)
  local items, flags = read(request.body, { "relate_bookings", "stop_on_first_error", "delete_all_on_error" })
  if not items then return flags end
  local done, failures, any_failed = each(request, items, flags.stop_on_first_error, flags.delete_all_on_error,
    function(item) return create.booking(request, item) end)
  local undone = any_failed and flags.delete_all_on_error
  if flags.relate_bookings and not undone then
    local related = {}
    for index = 1, #items do related[#related + 1] = done[index] end
    store.relate(related)
  end
  return answer(request, done, failures, undone, any_failed and 200 or 201)
end

--- Handles `PUT /bookings/bulk`: `bookings`, a list of `id`, `action`, the inputs under the action's name, and
-- `apply_to_bulked_bookings`, as `PUT /bookings/{id}/{action}` takes them; `stop_on_first_error`; `reset_all_on_error`,
-- which puts all back into their previous state when one fails. When an action is replicated to a related booking, a
-- later item with the same action for that booking fails.
-- @tparam table request
-- @treturn table reply
function bulk.act(request)
  local items, flags = read(request.body, { "stop_on_first_error", "reset_all_on_error" })
  if not items then return flags end
  local done, failures, any_failed = each(request, items, flags.stop_on_first_error, flags.reset_all_on_error,
    function(item)
      local booking = request.store:find(item.id)
      if not booking then return nil, replies.not_found("Booking") end
      return bookings.perform(request, booking, item.action, item)
    end)
  return answer(request, done, failures, any_failed and flags.reset_all_on_error, 200)
end

return bulk
