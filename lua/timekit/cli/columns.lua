--- Lays results out for people: tables of bookings, and `name  value` lines.
-- Pure: no I/O.
-- @module timekit.cli.columns

local timekit = require "timekit"
local core = require "timekit.core"
local json = require "timekit.cli.json"

local columns = {}

local function is_list_of_texts(value)
  if type(value) ~= "table" or not timekit.is_array(value) then return false end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then return false end
  end
  return true
end

--- A value as people read it: on one line, without what a terminal would act on.
-- @param value
-- @treturn string
function columns.text(value)
  if value == nil or value == timekit.null then return "" end
  local text
  if type(value) == "string" then
    text = value
  elseif type(value) == "table" then
    text = is_list_of_texts(value) and table.concat(value, ", ") or json.encode(value)
  else
    text = core.encode(value)
  end
  return (text:gsub("[%z\1-\31\127]", " "):gsub("\194[\128-\159]", " "))
end

-- Characters; those that take two places or none on a terminal are not known here.
local function width_of(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
end

local function pad(text, width)
  return text .. (" "):rep(width - width_of(text))
end

local function first_customer(booking)
  local list = booking.customers
  return type(list) == "table" and type(list[1]) == "table" and list[1].name or nil
end

local function start_of(booking)
  local attributes = booking.attributes
  local info = type(attributes) == "table" and attributes.event_info or booking.event
  return type(info) == "table" and info.start or nil
end

-- What a table of bookings shows; the last ones are left out on a narrow terminal.
local BOOKINGS = {
  { "id", function(booking) return booking.id end },
  { "state", function(booking) return booking.state end },
  { "graph", function(booking) return booking.graph end },
  { "start", start_of },
  { "customer", first_customer },
  { "updated_at", function(booking) return booking.updated_at end },
}

-- Of anything else: the names of the first item whose values fit into a cell.
local function columns_of(item)
  if item.state and item.graph then return BOOKINGS end
  local found = {}
  for _, name in ipairs(json.keys(item)) do
    if type(item[name]) ~= "table" or is_list_of_texts(item[name]) then
      found[#found + 1] = { name, function(other) return other[name] end }
    end
  end
  return found
end

--- Lays out a table.
-- @tparam table items of the same kind: objects, or texts
-- @tparam ?integer width of the terminal; nil: nothing is left out
-- @tparam ?table layout of an earlier table that this one continues; nil: this one begins, with a header
-- @treturn {string,...} lines; the first is the header, if there is one
-- @treturn table layout for what follows
function columns.table(items, width, layout)
  local lines, is_first = {}, not layout
  if is_first then
    layout = { width = width }
    for index, column in ipairs(columns_of(items[1])) do
      local size, is_used = #column[1], false
      for _, item in ipairs(items) do
        local text = columns.text(column[2](item))
        size, is_used = math.max(size, width_of(text)), is_used or text ~= ""
      end
      local total = (layout.total or -2) + 2 + size
      if index <= 2 or is_used and (not width or total <= width) then
        layout.total = total
        layout[#layout + 1] = { name = column[1], get = column[2], size = size }
      end
    end
  end
  local function add(cell)
    local cells = {}
    for index, column in ipairs(layout) do cells[index] = pad(cell(column), column.size) end
    lines[#lines + 1] = table.concat(cells, "  "):match("^(.-) *$")
  end
  if is_first then add(function(column) return column.name end) end
  for _, item in ipairs(items) do
    add(function(column) return columns.text(column.get(item)) end)
  end
  return lines, layout
end

-- Adds `name  value` pairs; names of what is nested are joined by dots, positions in arrays begin with 0 as in JSON.
local function flatten(pairs_, value, path)
  if type(value) ~= "table" or next(value) == nil then
    pairs_[#pairs_ + 1] = { path, type(value) == "table" and "" or columns.text(value) }
  elseif timekit.is_array(value) then
    for index, item in ipairs(value) do flatten(pairs_, item, ("%s.%d"):format(path, index - 1)) end
  else
    for _, name in ipairs(json.keys(value)) do
      flatten(pairs_, value[name], path == "" and columns.text(name) or path .. "." .. columns.text(name))
    end
  end
end

--- Lays out one object as lines `name  value`.
-- @tparam table object
-- @treturn {{string,string},...} names, padded, and values
function columns.pairs(object)
  local found, size = {}, 0
  flatten(found, object, "")
  for _, pair in ipairs(found) do size = math.max(size, width_of(pair[1])) end
  for _, pair in ipairs(found) do pair[1] = pad(pair[1], size) end
  return found
end

return columns
