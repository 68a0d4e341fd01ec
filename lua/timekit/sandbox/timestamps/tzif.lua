--- Reads a compiled time zone (TZif, RFC 8536), as `/usr/share/zoneinfo` has them.
-- @module timekit.sandbox.timestamps.tzif
local time = require "timekit.text.time"

local tzif = {}

local DAY = 86400
local HEADER = 44

-- A signed big-endian number. Doubles are exact up to 2^53 seconds, which is beyond any year that can be written.
local function integer(bytes, position, size)
  local value = bytes:byte(position)
  if value >= 128 then value = value - 256 end
  for index = position + 1, position + size - 1 do value = value * 256 + bytes:byte(index) end
  return value
end

-- The counts of a block, and where its parts begin; nil when the bytes are not a block. A moment takes `size` bytes.
local function read_header(bytes, start, size)
  if bytes:sub(start, start + 3) ~= "TZif" or #bytes < start + HEADER - 1 then return nil end
  local function count(index) return integer(bytes, start + 20 + index * 4, 4) end
  local utc, standard, leaps, moments, types, letters = count(0), count(1), count(2), count(3), count(4), count(5)
  local block = { moments = moments, types = types, moments_at = start + HEADER }
  block.indices_at = block.moments_at + moments * size
  block.types_at = block.indices_at + moments
  block.letters_at = block.types_at + types * 6
  block.ends = block.letters_at + letters + leaps * (size + 4) + standard + utc
  if types < 1 or block.ends > #bytes + 1 then return nil end
  return block
end

local function read_types(bytes, block)
  local types = {}
  for index = 0, block.types - 1 do
    local at = block.types_at + index * 6
    local letters = block.letters_at + bytes:byte(at + 5)
    types[index] = {
      offset = integer(bytes, at, 4), is_dst = bytes:byte(at + 4) == 1,
      abbreviation = bytes:match("^[A-Za-z0-9+-]*", letters),
    }
  end
  return types
end

-- ---- the rule for times after the last transition: a TZ variable of POSIX, such as CET-1CEST,M3.5.0,M10.5.0/3 ----

local function read_seconds(sign, hours, minutes, seconds)
  local value = tonumber(hours) * 3600 + (tonumber(minutes) or 0) * 60 + (tonumber(seconds) or 0)
  return sign == "-" and -value or value
end

-- A name, the offset behind it (nil when there is none), and where they end. POSIX counts offsets westwards.
local function read_name(text, position)
  local name, after = text:match("^<([A-Za-z0-9+-]+)>()", position)
  if not name then name, after = text:match("^([A-Za-z]+)()", position) end
  if not name then return nil end
  local sign, hours, minutes, seconds, rest = text:match("^([+-]?)(%d+):?(%d*):?(%d*)()", after)
  if not sign then return name, nil, after end
  return name, -read_seconds(sign, hours, minutes, seconds), rest
end

-- When the time changes in a year: `M3.5.0` is the last Sunday of March, at 2:00 unless `/…` follows.
local function read_change(text)
  local month, week, weekday, rest = text:match("^M(%d+)%.(%d)%.(%d)(.*)$")
  if not month then return nil end
  local at = 2 * 3600
  if rest ~= "" then
    local sign, hours, minutes, seconds = rest:match("^/([+-]?)(%d+):?(%d*):?(%d*)$")
    if not sign then return nil end
    at = read_seconds(sign, hours, minutes, seconds)
  end
  return { month = tonumber(month), week = tonumber(week), weekday = tonumber(weekday), at = at }
end

-- The moment of a change in a year, as seconds since 1970-01-01 00:00 on the clocks that it changes.
local function moment_of(change, year)
  local first = time.parse(("%04d-%02d-01T00:00:00Z"):format(year, change.month)) / DAY
  local next_month = change.month == 12 and first + 31
    or time.parse(("%04d-%02d-01T00:00:00Z"):format(year, change.month + 1)) / DAY
  local day = first + (change.weekday - (first + 4)) % 7 + (change.week - 1) * 7
  while day >= next_month do day = day - 7 end
  return day * DAY + change.at
end

-- Returns function(unix) → type; nil when the text is another kind of rule.
local function read_rule(text)
  local name, offset, position = read_name(text, 1)
  if not offset then return nil end
  local standard = { offset = offset, is_dst = false, abbreviation = name }
  if position > #text then return function() return standard end end
  local dst_name, dst_offset, after = read_name(text, position)
  local starts, ends = text:match("^,([^,]*),([^,]*)$", after)
  local start_change, end_change = read_change(starts or ""), read_change(ends or "")
  if not (start_change and end_change) then return nil end
  local summer = { offset = dst_offset or offset + 3600, is_dst = true, abbreviation = dst_name }
  return function(unix)
    if not time.is_writable(unix + standard.offset) then return standard end
    local year = tonumber(time.format(unix + standard.offset):sub(1, 4))
    local from, to = moment_of(start_change, year) - standard.offset, moment_of(end_change, year) - summer.offset
    -- South of the equator, and in Dublin, where winter time is the exception, the exception lasts over the new year.
    local is_summer = from < to and unix >= from and unix < to or from > to and (unix >= from or unix < to)
    return is_summer and summer or standard
  end
end

-- The type at a moment: that of the last transition before it.
local function find_type(zone, unix)
  local moments = zone.moments
  if #moments == 0 or unix < moments[1] then return zone.types[0] end
  local low, high = 1, #moments
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if moments[middle] <= unix then low = middle else high = middle - 1 end
  end
  return zone.types[zone.indices[low]]
end

--- Reads the bytes of a file.
-- @tparam string bytes
-- @treturn function|nil function(unix seconds) → `{ offset = seconds east of UTC, is_dst =, abbreviation = }`; nil when
--   the bytes are not a time zone
function tzif.read(bytes)
  local size, block = 4, read_header(bytes, 1, 4)
  if not block then return nil end
  local footer
  -- From version 2 on, a second block with moments of 64 bits follows, and a rule for what comes after them.
  if bytes:byte(5) >= ("2"):byte() then
    size, block = 8, read_header(bytes, block.ends, 8)
    if not block then return nil end
    footer = bytes:match("^\n([^\n]*)\n", block.ends)
  end
  local zone = { moments = {}, indices = {}, types = read_types(bytes, block) }
  for index = 1, block.moments do
    zone.moments[index] = integer(bytes, block.moments_at + (index - 1) * size, size)
    zone.indices[index] = bytes:byte(block.indices_at + index - 1)
    if not zone.types[zone.indices[index]] then return nil end
  end
  local rule = footer and footer ~= "" and read_rule(footer)
  local last = zone.moments[#zone.moments]
  return function(unix)
    if rule and (not last or unix >= last) then return rule(unix) end
    return find_type(zone, unix)
  end
end

return tzif
