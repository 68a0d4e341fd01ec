--- Prints results on standard output, in the format of `-o`: `table`, `json`, `jsonl` or `id`.
-- Unless `-o` is given it is a table on a terminal, else JSON, and JSONL for lists.
-- @module timekit.cli.output

local columns = require "timekit.cli.columns"
local failure = require "timekit.cli.failure"
local json = require "timekit.cli.json"

local output = {}

local FORMATS = { "table", "json", "jsonl", "id" }

--- How results are printed.
-- @field format `table`, `json`, `jsonl` or `id`; nil: as fits where it goes to
-- @type Output
local Output = {}
Output.__index = Output

function Output:line(text)
  self.context:out(text .. "\n")
end

local function id_of(item)
  return type(item) == "table" and item.id or item
end

--- Prints one result: a booking, or whatever else the API answers.
-- @param value what `timekit` decodes
function Output:one(value)
  local format = self.format or self.context.terminal.has_output and "table" or "json"
  if format == "id" then
    self:line(columns.text(id_of(value)))
  elseif format == "table" and type(value) == "table" then
    for _, pair in ipairs(columns.pairs(value)) do
      self:line((self.context.terminal:paint("bright", pair[1]) .. "  " .. pair[2]):match("^(.-) *$"))
    end
  elseif format == "table" then
    self:line(columns.text(value))
  else
    self:line(json.encode(value, format == "json" and self.context.terminal.has_output))
  end
end

--- Prints a text that is all of the result, such as a link; in JSON it has a name.
-- @tparam string name
-- @tparam string text
function Output:text(name, text)
  local is_json = self.format == "json" or self.format == "jsonl"
  self:line(is_json and json.encode { [name] = text } or text)
end

--- A list that is printed while it comes.
-- @type List
local List = {}
List.__index = List

-- A table's columns are as wide as these many first items need.
local MEASURED = 100

local function print_table(self)
  if #self.waiting == 0 then return end
  local shown, context = self.output, self.output.context
  local is_first = not self.layout
  local lines
  lines, self.layout = columns.table(
    self.waiting, context.terminal.has_output and context.terminal:width() or nil, self.layout)
  for index, line in ipairs(lines) do
    shown:line(is_first and index == 1 and context.terminal:paint("bright", line) or line)
  end
  self.waiting = {}
end

--- Prints an item.
-- @param item
function List:add(item)
  self.count = self.count + 1
  if self.format == "table" and type(item) == "table" then
    self.waiting[#self.waiting + 1] = item
    if self.layout or #self.waiting == MEASURED then print_table(self) end
  elseif self.format == "table" or self.format == "id" then
    self.output:line(columns.text(id_of(item)))
  elseif self.format == "json" then
    self.output.context:out((self.count == 1 and "[" or ",\n") .. json.encode(item))
  else
    self.output:line(json.encode(item))
  end
end

--- Ends the list. The JSON of one that failed stays open instead, so that nobody takes it for all there is.
function List:finish()
  if self.format == "table" then print_table(self) end
  if self.format == "json" then self.output:line(self.count == 0 and "[]" or "]") end
end

--- Prints what came of a list that failed: it is not ended.
function List:abandon()
  if self.format == "table" then print_table(self) end
end

--- Begins a list.
-- @treturn List
function Output:list()
  local format = self.format or self.context.terminal.has_output and "table" or "jsonl"
  return setmetatable({ output = self, format = format, count = 0, waiting = {}, layout = nil }, List)
end

--- Makes what prints a command's results.
-- Raises a failure for an unknown format.
-- @tparam Context context
-- @tparam ?string format what `-o` says
-- @tparam ?{string,...} formats what the command's `-o` takes
-- @treturn Output
function output.new(context, format, formats)
  local is_known = format == nil
  for _, name in ipairs(formats or FORMATS) do is_known = is_known or name == format end
  if not is_known then
    failure.raise("usage", "-o: expected %s, got '%s'", table.concat(formats or FORMATS, ", "), format)
  end
  return setmetatable({ context = context, format = format }, Output)
end

return output
