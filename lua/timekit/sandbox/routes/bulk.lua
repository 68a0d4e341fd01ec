--- `POST /bookings/bulk` and `PUT /bookings/bulk`: many bookings by one request (API.md 4).
--
-- The answer is `{"data": […]}` with one item for each that was sent, in their order: the booking; or, where it failed,
-- what a request of its own would have been answered, `{"error": …}` or `{"errors": …}`, with its `status` beside. An
-- item that was not tried, or was undone, since another failed, has an `error` and the status 424. The status of the
-- whole is 201 when all were created, else 200. [What Timekit answers is not known.]
-- @module timekit.sandbox.routes.bulk
local core = require "timekit.core"
local bookings = require "timekit.sandbox.routes.bookings"
local create = require "timekit.sandbox.routes.create"
local render = require "timekit.sandbox.routes.render"
local replies = require "timekit.sandbox.routes.replies"
local store = require "timekit.sandbox.model.store"

local bulk = {}

local UNTRIED, UNDONE = "Not tried, since an earlier one failed", "Undone, since another one failed"

local function is_object(value)
  return type(value) == "table" and not core.is_array(value)
end

-- The items and the flags of a request; nil and a reply where something is wrong with them.
local function read(body, names)
  local errors, flags = {}, {}
  if not core.is_array(body.bookings) or #body.bookings == 0 then
    errors.bookings = { "bookings must be a list, and not empty" }
  end
  for _, name in ipairs(names) do
    local value = body[name]
    if value == core.null then value = nil end
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

-- Does something with each item: `work(item)` returns a booking, or nil and the reply that refuses it. Returns the
-- bookings, those that failed left out, and a list of how each item failed, false where it did not.
local function each(state, items, stop, undo, work)
  local done, failures = {}, {}
  store.attempt(state, function()
    local any = false
    for index, item in ipairs(items) do
      local booking, refusal
      if any and stop then
        failures[index] = not_done(UNTRIED)
      elseif is_object(item) then
        booking, refusal = work(item)
        failures[index] = refusal and failed(refusal) or false
      else
        failures[index] = failed(replies.error(422, "expected an object"))
      end
      if booking then done[index] = booking else any = true end
    end
    return not (any and undo)
  end)
  return done, failures
end

-- What the whole request is answered. Bookings are shown as they are in the end.
local function answer(call, items, done, failures, undone, status)
  local shown = {}
  for index = 1, #items do
    if failures[index] then
      shown[index] = failures[index]
    else
      shown[index] = undone and not_done(UNDONE) or render.booking(done[index], call)
    end
  end
  return replies.data(status, core.array(shown))
end

local function has_failed(failures)
  for _, failure in ipairs(failures) do
    if failure then return true end
  end
  return false
end

--- Handles `POST /bookings/bulk`: `bookings` (a list of what `POST /bookings` takes), `relate_bookings`,
-- `stop_on_first_error`, `delete_all_on_error`. Those that were created are related, also where others failed.
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table reply
function bulk.create(call)
  local items, flags = read(call.body, { "relate_bookings", "stop_on_first_error", "delete_all_on_error" })
  if not items then return flags end
  local done, failures = each(call.state, items, flags.stop_on_first_error, flags.delete_all_on_error, function(item)
    return create.booking(call.state, item, call.now)
  end)
  local any = has_failed(failures)
  local undone = any and flags.delete_all_on_error
  if flags.relate_bookings and not undone then
    local related = {}
    for index = 1, #items do related[#related + 1] = done[index] end
    store.relate(related)
  end
  return answer(call, items, done, failures, undone, any and 200 or 201)
end

--- Handles `PUT /bookings/bulk`: `bookings`, a list of `id`, `action`, the inputs under the action's name, and
-- `apply_to_bulked_bookings`, as `PUT /bookings/{id}/{action}` takes them; `stop_on_first_error`; `reset_all_on_error`,
-- which puts all back into their previous state when one fails. An action that is replicated to a related booking makes
-- the same action on that one fail, when it follows as an item of its own.
-- @tparam table call
-- @treturn table reply
function bulk.act(call)
  local items, flags = read(call.body, { "stop_on_first_error", "reset_all_on_error" })
  if not items then return flags end
  local done, failures = each(call.state, items, flags.stop_on_first_error, flags.reset_all_on_error, function(item)
    return bookings.perform(call.state, item.id, item.action, item, call.now)
  end)
  return answer(call, items, done, failures, has_failed(failures) and flags.reset_all_on_error, 200)
end

return bulk
