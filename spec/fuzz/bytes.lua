--- Reads a fuzzer's bytes as decisions. Beyond the last byte it reads zeros, so any input is long enough.
local bytes = {}
bytes.__index = bytes

--- Starts reading.
-- @tparam string text
-- @treturn table
function bytes.reader(text)
  return setmetatable({ text = text, at = 1 }, bytes)
end

--- The next byte as a number.
function bytes:byte()
  local value = self.text:byte(self.at) or 0
  self.at = self.at + 1
  return value
end

--- An item of a list.
function bytes:pick(list)
  return list[self:byte() % #list + 1]
end

--- Whether there is anything left.
function bytes:more()
  return self.at <= #self.text
end

--- Up to `size` bytes as they are.
function bytes:take(size)
  local text = self.text:sub(self.at, self.at + size - 1)
  self.at = self.at + #text
  return text
end

--- A text of up to 31 bytes.
function bytes:string()
  return self:take(self:byte() % 32)
end

--- All that is left.
function bytes:rest()
  return self:take(#self.text)
end

return bytes
