--- The rows of an input: JSONL or CSV, one after the other, each checked by the known graphs.
-- Pure: no I/O of its own.
-- @module timekit.cli.bulk.rows

local timekit = require "timekit"
local core = require "timekit.core"
local csv = require "timekit.cli.bulk.csv"
local lines = require "timekit.cli.bulk.lines"
local messages = require "timekit.text.messages"
local refusals = require "timekit.cli.bulk.refusals"

local rows = {}

--- A row.
-- @field number from 1, empty lines and a header not counted
-- @field line where it begins in the file
-- @field id the booking's
-- @field action
-- @field inputs name → value, or nil
-- @field booking its handle
-- @field key what the user calls it: it is passed on to journal and results, and means nothing here
-- @field problem what is wrong with it; then the other fields may be missing
-- @table Row

-- The whole numbers up to this one are doubles; above it two of them would become one.
local LARGEST_NUMBER = 2 ^ 53 - 1

local FIELDS = { id = true, action = true, inputs = true, key = true }

-- ---- JSONL ----

local function is_null(value)
  return value == nil or value == timekit.null
end

local function describe(value)
  return timekit.is_array(value) and "an array" or messages.describe(value)
end

-- The first problem of a decoded row's own fields.
local function field_problem(object)
  for name in pairs(object) do
    if not FIELDS[name] then
      return ("unknown field %s%s"):format(messages.quote(name), messages.hint(name, FIELDS))
    end
  end
  local inputs, key = object.inputs, object.key
  if not is_null(inputs) and (type(inputs) ~= "table" or timekit.is_array(inputs)) then
    return "inputs: expected an object, got " .. describe(inputs)
  end
  if not is_null(key) and type(key) ~= "string" and type(key) ~= "number" then
    return "key: expected a string or a number, got " .. messages.describe(key)
  end
  if type(key) == "number" and math.abs(key) > LARGEST_NUMBER then
    return "key: a number this large would not be repeated as it is: put it in quotes"
  end
end

local utf8_problem = csv.utf8_problem

local function json_row(text)
  local invalid = utf8_problem(text)
  if invalid then return { problem = invalid } end
  local object, problem = core.decode(text)
  if problem then return { problem = "not JSON: " .. problem } end
  if type(object) ~= "table" or timekit.is_array(object) then
    return { problem = "expected an object, got " .. describe(object) }
  end
  object.problem = field_problem(object)
  for name in pairs(object) do
    if object[name] == timekit.null then object[name] = nil end
  end
  return object
end

local function jsonl(of_lines)
  return function()
    while true do
      local text, is_too_long = of_lines:next()
      if not text then return nil end
      local row
      if is_too_long then
        row = { problem = ("longer than %d bytes"):format(lines.LONGEST) }
      elseif text:find "[^ \t\r]" then
        row = json_row(text)
      end
      if row then
        row.line = of_lines.number
        return row
      end
    end
  end
end

-- ---- CSV ----

local function header_problem(names)
  local seen = {}
  for index, name in ipairs(names) do
    if name == "" then return ("column %d has no name"):format(index) end
    if seen[name] then return ("two columns have the name %s"):format(messages.quote(name)) end
    seen[name] = true
  end
  if seen.id then return nil end
  if #names == 1 and names[1]:find "[;\t]" then return "no column 'id': are commas what separates the columns?" end
  for _, name in ipairs(names) do
    if name:lower():find "^%s*id%s*$" then return "no column 'id', but one " .. messages.quote(name) end
  end
  return "no column 'id'"
end

-- The value of a cell: text, unless the graphs say that the input is something else and the cell can be read as such.
local function value_of(cell, action, name)
  local kind = refusals.input_type(action, name)
  if kind == "boolean" and (cell == "true" or cell == "false") then return cell == "true" end
  if (kind == "number" or kind == "integer") and cell:find "^%-?%d+%.?%d*$" then return tonumber(cell) end
  if kind == "table" then
    local value = core.decode(cell)
    if type(value) == "table" then return value end
  end
  return cell
end

local function csv_row(names, cells, default_action)
  if #cells ~= #names then
    return { problem = ("%d cells, but the header has %d"):format(#cells, #names) }
  end
  local row, inputs = {}, {}
  for index, name in ipairs(names) do
    local cell = cells[index]
    if cell ~= "" then
      if FIELDS[name] and name ~= "inputs" then row[name] = cell else inputs[name] = cell end
    end
  end
  local action = row.action or default_action
  for name, cell in pairs(inputs) do inputs[name] = value_of(cell, action, name) end
  if next(inputs) then row.inputs = inputs end
  return row
end

local function csv_rows(of_lines, default_action)
  local reader, names = csv.reader(of_lines), nil
  local function next_row()
    local record = reader:next()
    if not record then return nil end
    if record.problem then return { line = record.line, problem = record.problem, ends = not names } end
    if not names then
      local problem = header_problem(record.cells)
      if problem then return { line = record.line, problem = problem, ends = true } end
      names = record.cells
      return next_row()
    end
    local row = csv_row(names, record.cells, default_action)
    row.line = record.line
    return row
  end
  return next_row
end

-- ---- both ----

local EXTENSIONS = { csv = "csv", jsonl = "jsonl", ndjson = "jsonl" }

local BYTE_ORDER_MARK = "\239\187\191"

-- Which format it is: the file's name tells, or else the first character.
local function format_of(path, start)
  local extension = path:match "%.([^./]+)$"
  return extension and EXTENSIONS[extension:lower()] or start == "{" and "jsonl" or "csv"
end

-- Completes a row, and checks what both formats have in common.
local function complete(row, number, options)
  row.number = number
  row.action = row.action or options.action
  if not row.problem then row.problem, row.booking = refusals.problem(row, options.handle) end
  return row
end

--- Reads rows.
-- @tparam function chunks returns the next bytes at each call, nil at the end
-- @tparam table options `path`: the file's name, which tells its format; `action`: that of rows without one;
--   `handle`: function(id) that returns a handle, and raises on an id that no booking can have
-- @treturn function returns the next `Row` at each call, nil at the end. With a wrong header nothing follows it
function rows.read(chunks, options)
  local of_lines = lines.new(chunks)
  if of_lines:peek(3) == BYTE_ORDER_MARK then of_lines:skip(3) end
  local start = of_lines:peek(1)
  local next_row
  if of_lines:peek(2) == "\255\254" or of_lines:peek(2) == "\254\255" then
    next_row = function() return { line = 1, problem = "the file is UTF-16: expected UTF-8", ends = true } end
  elseif start == "[" then
    next_row = function()
      return { line = 1, problem = "the file is a JSON array: expected an object in each line", ends = true }
    end
  elseif format_of(options.path, start) == "csv" then
    next_row = csv_rows(of_lines, options.action)
  else
    next_row = jsonl(of_lines)
  end
  local number, ended = 0, false
  return function()
    local row = not ended and next_row()
    if not row then return nil end
    ended = row.ends or false
    number = number + 1
    return complete(row, number, options)
  end
end

return rows
