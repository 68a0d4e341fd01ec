--- Judges what became of the items of a bulk request. Pure.
--
-- The answer is `{"data": […]}` with one entry for each item, in the order in which the items were sent. An entry is a
-- booking or a refusal: `{"error": …}` or `{"errors": …}`, with the `status` beside it that a request of its own would
-- have got. Any other entry leaves its item in doubt.
-- @module timekit.methods.bulk.judge

local core = require "timekit.core"
local fields = require "timekit.text.fields"
local refusal = require "timekit.rules.refusal"
local response = require "timekit.http.response"

local judge = {}

-- These statuses refuse the request as such. Any other refusal may be about one item, and no source says that the
-- items before it had no effect; a 403, for example, may be about one booking that belongs to somebody else.
local ABOUT_REQUEST = {
  [401] = true, [405] = true, [406] = true, [411] = true, [413] = true, [414] = true, [415] = true, [429] = true,
}

-- So does a refusal that names nothing but these fields, and the list itself.
local FIELDS = {
  include = true, relate_bookings = true, stop_on_first_error = true, delete_all_on_error = true,
  reset_all_on_error = true,
}

-- A refusal that gives no status of its own.
local UNPROCESSABLE = 422

local function is_absent(value)
  return fields.given(value) == nil
end

local function is_error_status(status)
  return type(status) == "number" and status % 1 == 0 and status >= 400 and status <= 599
end

-- An answer may also show a booking that nothing was done to. It tells nothing of the action if that cannot lead to the
-- booking's state, or if the booking's graph has no such action.
local function shows_effect(operation, booking)
  if not operation.action then return type(booking.id) == "string" end
  local rules = refusal.rules(type(booking.graph) == "string" and booking.graph or operation.graph)
  if not rules then return true end
  return rules:has(operation.action) and rules:may_follow(operation.action, booking.state) ~= false
end

local function is_booking(entry)
  return type(entry.state) == "string" and is_absent(entry.error) and is_absent(entry.errors)
    and not is_error_status(entry.status)
end

local function is_refusal(entry)
  local has_reason = type(entry.error) == "string" and entry.error ~= ""
    or type(entry.errors) == "table" and next(entry.errors) ~= nil
  return has_reason and is_absent(entry.state) and (is_absent(entry.status) or is_error_status(entry.status))
end

-- What an item was refused with, read as the answer to a request of its own.
local function read_refusal(operation, entry, whole)
  local status = not is_absent(entry.status) and entry.status or nil
  local _, failure, doubt = response.read({
    status = status or UNPROCESSABLE, headers = {}, body = core.encode(entry), sent = "yes",
  }, operation, os.time)
  failure.status, failure.request_id = status or whole.status, whole.request_id
  return failure, doubt
end

--- The failure that leaves an item in doubt.
-- @tparam table whole `info` of the whole request, or its error
-- @tparam ?string message why it does
-- @treturn table the fields of an error
function judge.untold(whole, message)
  return {
    kind = "response", message = message or "the answer does not tell what became of this booking",
    sent = "yes", status = whole.status, request_id = whole.request_id,
  }
end

-- The verdict on an item; nil when the entry names another booking or action, so it is not this item's.
local function judge_entry(operation, entry, whole)
  if type(entry) ~= "table" then return { doubt = judge.untold(whole) } end
  if operation.id and entry.id ~= nil and entry.id ~= operation.id then return nil end
  if is_booking(entry) and shows_effect(operation, entry) then return { booking = entry } end
  if not is_refusal(entry) then return { doubt = judge.untold(whole) } end
  local failure, doubt = read_refusal(operation, entry, whole)
  if doubt then return { doubt = failure } end
  if operation.action and failure.action ~= operation.action then return nil end
  return { failure = failure }
end

--- Judges the items of a request by its answer.
-- @tparam table data the entries, as decoded
-- @tparam {table,...} all the items; `operation`: what an item would be by itself, as for `timekit.call.retry`
-- @tparam table whole `info` of the whole request
-- @treturn {table,...} for each item one of: `booking`, when it was done; `failure`, the fields of the error, when it
--   was refused; `doubt`, the fields of the failure that leaves it in doubt
-- @usage
-- local all = { { operation = { id = "b1", action = "confirm" } } }
-- judge.answer({ { id = "b1", state = "confirmed" } }, all, info)[1].booking.state   --> "confirmed"
function judge.answer(data, all, whole)
  local verdicts, in_order = {}, #data == #all
  for index, item in ipairs(all) do
    local verdict = judge_entry(item.operation, data[index], whole)
    in_order = in_order and verdict ~= nil
    verdicts[index] = verdict
  end
  if in_order then return verdicts end
  -- Without one entry for each item, in their order, nobody can tell which entry belongs to which item.
  for index = 1, #all do verdicts[index] = { doubt = judge.untold(whole) } end
  return verdicts
end

local function is_about_request(err)
  if ABOUT_REQUEST[err.status] then return true end
  for name in pairs(err.fields or {}) do
    if not FIELDS[name] and not name:find("^bookings") then return false end
  end
  return err.fields ~= nil and next(err.fields) ~= nil
end

--- Judges all items of a request that failed as a whole.
-- @tparam table err the error of the request
-- @tparam integer count how many items there are
-- @param undoes true, or a text: one failure takes all items back
-- @treturn table|nil the failure that leaves each item in doubt; nil: none of them took effect
function judge.whole(err, count, undoes)
  if err.kind == "uncertain" then
    local cause = {}
    for name, value in pairs(err.cause) do cause[name] = value end
    return cause
  end
  local is_refused = err.sent == "yes" and err.status and err.status >= 400 and err.status < 500
  if not is_refused or count == 1 or undoes or is_about_request(err) then return nil end
  return {
    kind = err.kind == "auth" and "auth" or "validation", sent = "yes",
    message = "the request was refused as a whole: " .. err.message,
    status = err.status, request_id = err.request_id, body = err.body,
  }
end

return judge
