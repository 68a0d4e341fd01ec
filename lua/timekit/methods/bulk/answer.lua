--- Reads what a bulk request was answered.
-- How Timekit answers one is not known (API.md 4). A list of bookings is looked for wherever it may stand, and in it,
-- item by item, a booking or a refusal; whatever cannot be made out is not told, and its outcome is for others to find
-- out. Pure.
-- @module timekit.methods.bulk.answer

local core = require "timekit.core"

local bulk_answer = {}

local function is_object(value)
  return type(value) == "table" and not core.is_array(value)
end

-- Where a list may stand, on its own or one in the other: `{"data": {"bookings": […]}}`.
local WRAPPERS = { "data", "bookings", "results" }

local function list_in(value, depth)
  if core.is_array(value) then return value end
  if not is_object(value) or depth == 0 then return nil end
  for _, name in ipairs(WRAPPERS) do
    local list = list_in(value[name], depth - 1)
    if list then return list end
  end
  return nil
end

--- The list that an answer holds.
-- @param value a decoded answer
-- @treturn table|nil
function bulk_answer.list(value)
  return list_in(value, 2)
end

local function says_something(value)
  return value ~= nil and value ~= core.null and value ~= false and value ~= ""
    and not (type(value) == "table" and next(value) == nil)
end

local function refused_status(entry)
  for _, name in ipairs { "status", "code" } do
    local status = entry[name]
    if type(status) == "number" and status % 1 == 0 and status >= 400 and status <= 599 then return status end
  end
  return nil
end

local function booking_in(entry)
  for _, value in ipairs { entry, entry.data or false, entry.booking or false } do
    if is_object(value) and type(value.state) == "string" then return value end
  end
  return nil
end

-- What one entry of the list tells: `booking`, or `refused`, the entry itself, with its `status` if it has one; and
-- the `id` that it is about. Neither where it tells nothing.
local function read_entry(entry)
  if not is_object(entry) then return {} end
  local booking = booking_in(entry)
  local told = { id = booking and booking.id or entry.id or entry.booking_id }
  if type(told.id) ~= "string" then told.id = nil end
  local status = refused_status(entry)
  if status or entry.success == false or says_something(entry.error) or says_something(entry.errors) then
    told.refused, told.status = entry, status
  else
    told.booking = booking
  end
  return told
end

local function in_order(told, ids, count)
  if #told ~= count then return false end
  for index = 1, count do
    local id = told[index].id
    if ids and id and id ~= ids[index] then return false end
  end
  return true
end

local function grouped(list, id_of)
  local groups = {}
  for index, item in ipairs(list) do
    local id = id_of(item)
    if id then
      groups[id] = groups[id] or {}
      table.insert(groups[id], index)
    end
  end
  return groups
end

-- By their ids. Of a booking that occurs more than once it is not told which is which.
local function by_id(told, ids)
  local matched = {}
  local asked = grouped(ids, function(id) return id end)
  for id, entries in pairs(grouped(told, function(one) return one.id end)) do
    local items = asked[id] or {}
    if #items == 1 and #entries == 1 then matched[items[1]] = told[entries[1]] end
  end
  return matched
end

--- What an answer tells about each item of a bulk request.
-- @param value a decoded answer
-- @tparam integer count how many items were sent
-- @tparam ?{string,...} ids the bookings that they are about: an answer that names them may have another order, or
--   leave some out. Without ids only the order counts
-- @treturn table index → `{ booking = table }` or `{ refused = table, status = integer|nil }`; nothing for an item
--   about which nothing can be made out
-- @usage
-- bulk_answer.read({ data = { { id = "b1", state = "confirmed" } } }, 1, { "b1" })[1].booking.state   --> "confirmed"
function bulk_answer.read(value, count, ids)
  local told = {}
  for index, entry in ipairs(bulk_answer.list(value) or {}) do told[index] = read_entry(entry) end
  if in_order(told, ids, count) then return told end
  if not ids then return {} end
  -- Refusals may stand in a list of their own.
  if is_object(value) and core.is_array(value.errors) then
    for _, entry in ipairs(value.errors) do
      local one = read_entry(entry)
      one.booking, one.refused = nil, is_object(entry) and entry or nil
      told[#told + 1] = one
    end
  end
  return by_id(told, ids)
end

return bulk_answer
