--- The `search` parameter of `GET /bookings`: `attr:value;attr2:value2`, all of which must hold (spec/api.md 4).
-- @module timekit.sandbox.routes.search
local ascii = require "timekit.text.ascii"
local messages = require "timekit.text.messages"

local search = {}

local function customer_text(field)
  return function(booking)
    local value = booking.customer and booking.customer[field]
    return type(value) == "string" and ascii.lower(value) or nil
  end
end

local function field_text(field)
  return function(booking) return booking[field] end
end

-- attribute → function(booking) → text to compare with.
local ATTRIBUTES = {
  graph = field_text("graph"), state = field_text("state"),
  completed = function(booking) return tostring(booking.completed) end,
  ["resource.id"] = field_text("resource_id"), ["project.id"] = field_text("project_id"),
  ["calendar.id"] = function(booking) return booking.event.calendar_id end,
  ["customer.email"] = customer_text("email"), ["customer.name"] = customer_text("name"),
}

local IGNORES_CASE = { ["customer.email"] = true, ["customer.name"] = true }

-- Compares without Lua patterns, since a pattern with many stars can take exponential time.
local function matches(text, pieces)
  local first, last = pieces[1], pieces[#pieces]
  if #pieces == 1 then return text == first end
  if text:sub(1, #first) ~= first then return false end
  local position = #first + 1
  for index = 2, #pieces - 1 do
    local _, stop = text:find(pieces[index], position, true)
    if not stop then return false end
    position = stop + 1
  end
  return #text - position + 1 >= #last and text:sub(#text - #last + 1) == last
end

local function read_attribute(name)
  local key = name:match("^meta%.(.+)$")
  if key then
    return function(booking)
      local value = booking.meta[key]
      if type(value) == "table" then return nil end
      return value ~= nil and tostring(value) or nil
    end
  end
  return ATTRIBUTES[name]
end

local function read_term(term)
  local name, value = term:match("^%s*([^:]-)%s*:%s*(.-)%s*$")
  if not name then return nil, ("'%s' is not of the form attribute:value"):format(term) end
  local read = read_attribute(name)
  if not read then return nil, ("unknown attribute '%s'%s"):format(name, messages.hint(name, ATTRIBUTES)) end
  if IGNORES_CASE[name] then value = ascii.lower(value) end
  local pieces = { value }
  if name == "customer.name" then
    pieces = {}
    for piece in (value .. "*"):gmatch("([^*]*)%*") do pieces[#pieces + 1] = piece end
  end
  return function(booking)
    local text = read(booking)
    return text ~= nil and matches(text, pieces)
  end
end

--- Reads a search.
-- Values are compared as texts, those of customers ignoring case. In `customer.name`, `*` stands for anything.
-- @tparam ?string text such as `graph:instant;customer.name:Mar*`
-- @treturn function|nil function(booking) → boolean
-- @treturn ?string what is wrong with it
function search.read(text)
  local terms = {}
  for term in (text or ""):gmatch("[^;]+") do
    if ascii.says_something(term) then
      local holds, problem = read_term(term)
      if not holds then return nil, problem end
      terms[#terms + 1] = holds
    end
  end
  return function(booking)
    for _, holds in ipairs(terms) do
      if not holds(booking) then return false end
    end
    return true
  end
end

return search
