--- Judges what became of the items of a bulk request. Pure.
--
-- The answer is `{"data": […]}` with one entry for each item, in the order in which the items were sent. An entry is a
-- booking or a refusal: `{"error": …}` or `{"errors": …}`, with the `status` beside it that a request of its own would
-- have got. Any other entry leaves its item in doubt.
-- @module timekit.methods.bulk.judge

local core = require "timekit.core"
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
  return value == nil or value == core.null
end

local function is_error_status(status)
  return type(status) == "number" and status % 1 == 0 and status >= 400 and status <= 599
end

-- An answer may show bookings as they are, also one that nothing was done to. A state that the action cannot lead to
-- does not tell that the action was applied.
local function shows_effect(operation, booking)
  if not operation.action then return type(booking.id) == "string" end
  local rules = refusal.rules(type(booking.graph) == "string" and booking.graph or operation.graph)
  return not rules or rules:may_follow(operation.action, booking.state) ~= false
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

--- Does the answer have one entry for each item, in the order of the items? Else nobody can tell which entry belongs to
-- which item. An entry that names another booking than the item in its place shows another order.
-- @tparam table data the entries, as decoded
-- @tparam {table,...} all the items; `operation.id` is the booking's, where it has one already
-- @treturn boolean
function judge.is_in_order(data, all)
  if #data ~= #all then return false end
  for index, item in ipairs(all) do
    local asked, entry = item.operation.id, data[index]
    if asked and type(entry) == "table" and entry.id ~= nil and entry.id ~= asked then return false end
  end
  return true
end

--- Judges an item by its entry in the answer.
-- @tparam table operation what the item would be by itself, as for `timekit.call.retry`
-- @param entry as decoded; nil when the answer has none for this item
-- @tparam table whole `info` of the whole request
-- @treturn table|nil the booking: the item was done
-- @treturn ?table else the fields of an error: the item was refused
-- @treturn ?table else the failure that leaves the item in doubt
-- @usage
-- judge.entry({ action = "confirm" }, { id = "b1", state = "confirmed" }, info).state   --> "confirmed"
function judge.entry(operation, entry, whole)
  if type(entry) == "table" and is_booking(entry) and shows_effect(operation, entry) then return entry end
  if type(entry) == "table" and is_refusal(entry) then
    local failure, doubt = read_refusal(operation, entry, whole)
    if doubt then return nil, nil, failure end
    -- One that names another action is not about this item.
    if not operation.action or failure.action == operation.action then return nil, failure end
  end
  return nil, nil, judge.untold(whole)
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
-- @tparam boolean undoes one failure takes all items back
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
