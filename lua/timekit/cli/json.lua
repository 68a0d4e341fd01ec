--- Writes JSON with its keys in a fixed order: `id` first, then by the alphabet. The decoder keeps no order.
-- Pure: no I/O.
-- @module timekit.cli.json

local timekit = require "timekit"
local core = require "timekit.core"

local json = {}

local function before(a, b)
  if a == "id" or b == "id" then return a == "id" and b ~= "id" end
  return a < b
end

--- The keys of an object in the order in which they are written.
-- @tparam table object
-- @treturn {string,...}
function json.keys(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end

local write

-- A text that the user wrote, in a message say, need not be UTF-8. JSON has nothing else, so such bytes become `?`.
local function scalar(value)
  return core.encode(value) or core.encode((value:gsub("[\128-\255]", "?")))
end

-- Writes the members of a table between brackets, each on a line of its own if `indent` is given.
local function write_members(parts, open, close, count, indent, member)
  parts[#parts + 1] = open
  local inner = indent and indent .. "  "
  for index = 1, count do
    if index > 1 then parts[#parts + 1] = "," end
    if inner then parts[#parts + 1] = "\n" .. inner end
    member(index, inner)
  end
  if inner and count > 0 then parts[#parts + 1] = "\n" .. indent end
  parts[#parts + 1] = close
end

function write(parts, value, indent)
  if type(value) ~= "table" then
    parts[#parts + 1] = scalar(value)
  elseif timekit.is_array(value) or #value > 0 then
    write_members(parts, "[", "]", #value, indent, function(index, inner) write(parts, value[index], inner) end)
  else
    local keys = json.keys(value)
    write_members(parts, "{", "}", #keys, indent, function(index, inner)
      parts[#parts + 1] = scalar(keys[index]) .. (inner and ": " or ":")
      write(parts, value[keys[index]], inner)
    end)
  end
end

--- Writes a value.
-- @param value what `timekit` decodes: tables, strings, numbers, booleans, `timekit.null`
-- @tparam ?boolean pretty one member a line
-- @treturn string without a line's end, unless it is pretty one line
-- @usage json.encode { state = "confirmed", id = "b1" }   --> {"id":"b1","state":"confirmed"}
function json.encode(value, pretty)
  local parts = {}
  write(parts, value, pretty and "" or nil)
  return table.concat(parts)
end

--- A field of an error as JSON has it. That no action is possible is an empty list, and no object.
-- @tparam string name
-- @param value
-- @return the value
function json.error_field(name, value)
  return name == "allowed" and type(value) == "table" and next(value) == nil and timekit.array() or value
end

return json
