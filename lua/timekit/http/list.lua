--- Lists as JSON has them, and as PHP writes one from which something was taken out: `{"0": …, "2": …}`.
-- Pure: no I/O.
-- @module timekit.http.list

local core = require "timekit.core"

local list = {}

-- Longer numbers are not positions, and several of them would become the same float.
local MOST_DIGITS = 15

local function is_position(name)
  return type(name) == "string" and #name <= MOST_DIGITS and (name == "0" or name:find("^[1-9]%d*$") ~= nil)
end

--- The list that a value is.
-- @tparam any value
-- @treturn table|nil the array itself, or a new array of the members of an object whose names are whole numbers, in
--   their order; nil for anything else, and for an empty object
function list.of(value)
  if core.is_array(value) then return value end
  if type(value) ~= "table" or next(value) == nil then return nil end
  local indices, names = {}, {}
  for name in pairs(value) do
    if not is_position(name) then return nil end
    indices[#indices + 1] = tonumber(name)
    names[tonumber(name)] = name
  end
  table.sort(indices)
  local items = {}
  for position, index in ipairs(indices) do items[position] = value[names[index]] end
  return core.array(items)
end

return list
