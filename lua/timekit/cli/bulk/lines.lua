--- Lines of a text that comes in parts. Pure: no I/O of its own.
-- @module timekit.cli.bulk.lines

local lines = {
  --- The longest row, in bytes. A longer one is a mistake, a quote that is not closed say, and would fill the memory.
  LONGEST = 1024 * 1024,
}

local find, sub = string.find, string.sub

local Lines = {}
Lines.__index = Lines

--- Makes a reader of lines.
-- @tparam function chunks returns the next bytes at each call, nil at the end
-- @treturn Lines
function lines.new(chunks)
  return setmetatable({
    chunks = chunks, buffer = "", at = 1,
    number = 0, -- of the line that was read last
  }, Lines)
end

--- Looks at the next bytes without reading them.
-- @tparam integer count
-- @treturn string fewer only at the end of the text
function Lines:peek(count)
  while #self.buffer - self.at + 1 < count do
    local chunk = self.chunks()
    if not chunk then break end
    self.buffer, self.at = sub(self.buffer, self.at) .. chunk, 1
  end
  return sub(self.buffer, self.at, self.at + count - 1)
end

--- Passes over bytes that `peek` showed.
-- @tparam integer count
function Lines:skip(count)
  self.at = self.at + count
end

-- The rest of a line that goes beyond the buffer.
local function long_line(self)
  local parts, size = {}, 0
  while true do
    local stop = find(self.buffer, "\n", self.at, true)
    local part = sub(self.buffer, self.at, stop and stop - 1 or -1)
    size = size + #part
    parts[#parts + 1] = part
    -- What is too long is passed over, not kept.
    if size > lines.LONGEST then parts = { "" } end
    if stop then
      self.at = stop + 1
      break
    end
    self.buffer, self.at = self.chunks(), 1
    if not self.buffer then
      self.buffer, self.ended = "", true
      break
    end
  end
  return table.concat(parts), size > lines.LONGEST
end

--- The next line.
-- @treturn string|nil without its end, which is LF; nil at the end of the text
-- @treturn ?boolean true: it is longer than `lines.LONGEST`, and the string is not all of it
function Lines:next()
  local stop = find(self.buffer, "\n", self.at, true)
  if stop then
    local line = sub(self.buffer, self.at, stop - 1)
    self.at, self.number = stop + 1, self.number + 1
    return line, #line > lines.LONGEST
  end
  if self.ended then return nil end
  local line, is_too_long = long_line(self)
  if self.ended and line == "" and not is_too_long then return nil end
  self.number = self.number + 1
  return line, is_too_long
end

return lines
