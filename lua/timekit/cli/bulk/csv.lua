--- Records of a CSV file as in RFC 4180, with a header line. Pure: no I/O of its own.
-- https://www.rfc-editor.org/rfc/rfc4180
-- @module timekit.cli.bulk.csv

local core = require "timekit.core"
local lines = require "timekit.cli.bulk.lines"

local csv = {}

local byte, find, gsub, sub = string.byte, string.find, string.gsub, string.sub

local QUOTE, COMMA = byte '"', byte ","

local OPEN = "a quote is not closed"

-- The cell in quotes that begins at `at`. Returns it and where it ended; nil and what is wrong.
local function quoted_cell(text, at)
  local from = at + 1
  while true do
    local quote = find(text, '"', from, true)
    if not quote then return nil, OPEN end
    if byte(text, quote + 1) ~= QUOTE then
      local after = byte(text, quote + 1)
      if after and after ~= COMMA then
        return nil, ("a quote ends before the cell does: write it twice inside a cell in quotes (character %d)"):format(
          quote + 1)
      end
      return (gsub(sub(text, at + 1, quote - 1), '""', '"')), quote + 1
    end
    from = quote + 2
  end
end

-- The cell without quotes that begins at `at`, likewise.
local function plain_cell(text, at)
  local stop = find(text, ",", at, true) or #text + 1
  local cell = sub(text, at, stop - 1)
  if find(cell, '"', 1, true) then return nil, "a quote inside a cell: quote the whole cell, and write it twice" end
  if find(cell, "\r", 1, true) then return nil, "a carriage return without a line feed" end
  return cell, stop
end

--- Splits a record into its cells.
-- @tparam string text without its line's end
-- @treturn {string,...}|nil nil when it is not a record
-- @treturn ?string then what is wrong
-- @usage csv.split('b1,"Fully ""booked"", sorry"')   --> { "b1", 'Fully "booked", sorry' }
function csv.split(text)
  local cells, at = {}, 1
  while true do
    local read = byte(text, at) == QUOTE and quoted_cell or plain_cell
    local cell, stop = read(text, at)
    if not cell then return nil, stop end
    cells[#cells + 1] = cell
    if stop > #text then return cells end
    at = stop + 1
  end
end

local Reader = {}
Reader.__index = Reader

-- Whether the text ends inside quotes, if it is a record at all.
local function is_open(text)
  local _, count = gsub(text, '"', "")
  return count % 2 == 1 and select(2, csv.split(text)) == OPEN
end

-- The text of the next record, its first line's number, and what is wrong with it.
local function next_text(self)
  local text, is_too_long = self.lines:next()
  local number = self.lines.number
  if not text then return nil end
  if is_too_long then return text, number, ("longer than %d bytes"):format(lines.LONGEST) end
  if not is_open(text) then return text, number end
  -- A cell in quotes may hold line ends.
  local parts, size, quotes = { text }, #text, 1
  while quotes % 2 == 1 do
    local more, too_long = self.lines:next()
    if not more or too_long or size + #more > lines.LONGEST then
      self.lost = true
      return text, number, "a quote that begins in this line is not closed; what follows was not checked"
    end
    parts[#parts + 1] = more
    size = size + 1 + #more
    quotes = quotes + select(2, gsub(more, '"', ""))
  end
  return table.concat(parts, "\n"), number
end

--- Is a text invalid UTF-8?
-- @tparam string text
-- @treturn string|nil what is wrong
function csv.utf8_problem(text)
  if not find(text, "[\128-\255]") then return nil end
  local _, problem = core.encode(text, "text")
  return problem and "invalid UTF-8" .. (problem:match(" %(at byte %d+%)") or "")
end

-- Why a text cannot be sent; nil: it can.
local function text_problem(text)
  if find(text, "%z") then return "a NUL byte" end
  return csv.utf8_problem(text)
end

--- The next record that is not an empty line.
-- @treturn table|nil `line`: the number of its first line; `cells`, or `problem`; nil at the end
function Reader:next()
  while not self.lost do
    local text, number, problem = next_text(self)
    if not text then return nil end
    if problem then return { line = number, problem = problem } end
    if byte(text, -1) == 13 then text = sub(text, 1, -2) end
    if text ~= "" then
      local cells
      problem = text_problem(text)
      if not problem then cells, problem = csv.split(text) end
      return { line = number, cells = cells, problem = problem }
    end
  end
end

--- Makes a reader of records.
-- @tparam Lines of_lines
-- @treturn Reader
function csv.reader(of_lines)
  return setmetatable({
    lines = of_lines,
    lost = false, -- a quote is open, so nothing is known about what follows
  }, Reader)
end

return csv
