--- Redis's protocol, RESP 2: commands become bytes, bytes become answers. Pure.
--
-- In an answer a status and a string are strings, an integer is a number, nil is `false`, an array is a list, and an
-- error is a table with `err`, its text.
-- @module timekit.redis.resp

local ascii = require "timekit.text.ascii"

local resp = {}

-- Answers that are nested deeper, and lines that are longer, are none of ours. The deepest are those of the queue's
-- script, with 3 levels.
local DEEPEST, LONGEST_LINE = 16, 65536

-- Redis's own limit of a string, in bytes.
local LONGEST_STRING = 512 * 1024 * 1024

--- The bytes of a command.
-- @tparam table args strings and numbers; numbers with a fraction lose none of their digits
-- @treturn string
-- @usage resp.encode { "GET", "key" }   --> "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"
function resp.encode(args)
  local parts = { "*" .. #args }
  for index = 1, #args do
    local arg = args[index]
    if type(arg) == "number" then arg = ascii.number(arg, 17) end
    parts[2 * index], parts[2 * index + 1] = "$" .. #arg, arg
  end
  parts[#parts + 1] = ""
  return table.concat(parts, "\r\n")
end

--- Reads answers from bytes that come in pieces.
-- @type Decoder
local Decoder = {}
Decoder.__index = Decoder

--- Makes a decoder.
-- @treturn Decoder
function resp.decoder()
  return setmetatable({
    buffer = "", at = 1,          -- what is being read, and from where
    pieces = {}, waiting = 0,     -- bytes that came later, and how many
    need = 1,                     -- bytes from `at` on without which there is no use in reading
    stack = {}, depth = 0,        -- the arrays that the next value is part of: `list`, `count`, `size`
  }, Decoder)
end

--- Takes bytes that came.
-- @tparam string bytes
function Decoder:feed(bytes)
  self.pieces[#self.pieces + 1] = bytes
  self.waiting = self.waiting + #bytes
end

-- Joins the pieces once there are enough: a long string in many pieces is joined once, not once for each piece.
local function gather(self)
  local have = #self.buffer - self.at + 1
  if self.waiting == 0 or have + self.waiting < self.need then return have >= self.need end
  self.buffer = self.buffer:sub(self.at) .. table.concat(self.pieces)
  self.pieces, self.waiting, self.at = {}, 0, 1
  return true
end

-- Puts a value into the array that it is part of. Returns true and the answer once that is complete.
local function close(self, value)
  while self.depth > 0 do
    local array = self.stack[self.depth]
    array.count = array.count + 1
    array.list[array.count] = value
    if array.count < array.size then return false end
    value, self.stack[self.depth] = array.list, nil
    self.depth = self.depth - 1
  end
  return true, value
end

local function number_of(text)
  local number = text:find("^%-?%d+$") and #text <= 20 and tonumber(text)
  return number or error("not an answer of Redis: a number was expected", 0)
end

local READERS = {}

READERS["+"] = close

READERS["-"] = function(self, text) return close(self, { err = text }) end

READERS[":"] = function(self, text) return close(self, number_of(text)) end

READERS["$"] = function(self, text, line)
  local size = number_of(text)
  if size == -1 then return close(self, false) end
  if size < 0 or size > LONGEST_STRING then error("not an answer of Redis: a string of impossible size", 0) end
  local buffer, first = self.buffer, self.at
  if #buffer < first + size + 1 then
    self.at, self.need = line, first + size + 2 - line
    return nil
  end
  local stop = buffer:sub(first + size, first + size + 1)
  if stop ~= "\r\n" then error("not an answer of Redis: a string without end", 0) end
  self.at = first + size + 2
  return close(self, buffer:sub(first, first + size - 1))
end

READERS["*"] = function(self, text)
  local size = number_of(text)
  if size == -1 then return close(self, false) end
  if size < 0 then error("not an answer of Redis: an array of impossible size", 0) end
  if size == 0 then return close(self, {}) end
  if self.depth == DEEPEST then error("not an answer of Redis: nested too deeply", 0) end
  self.depth = self.depth + 1
  self.stack[self.depth] = { list = {}, count = 0, size = size }
  return false
end

-- Reads the next element. nil: more bytes are needed; false: the answer has further ones; true and the answer.
local function element(self)
  local buffer, line = self.buffer, self.at
  local stop = buffer:find("\r\n", line, true)
  if not stop or stop - line > LONGEST_LINE then
    if #buffer - line > LONGEST_LINE then error("not an answer of Redis: a line without end", 0) end
    self.need = #buffer - line + 2
    return nil
  end
  local reader = READERS[buffer:sub(line, line)] or error("not an answer of Redis: it begins with another sign", 0)
  self.at = stop + 2
  return reader(self, buffer:sub(line + 1, stop - 1), line)
end

--- The next answer.
-- Raises a text if the bytes are not RESP 2. The decoder cannot be used after that.
-- @treturn boolean false: it has not come, or not all of it
-- @return the answer
function Decoder:next()
  while gather(self) do
    self.need = 1
    local whole, value = element(self)
    if whole then return true, value end
  end
  return false
end

return resp
