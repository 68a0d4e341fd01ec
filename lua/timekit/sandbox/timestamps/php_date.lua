--- Writes and reads timestamps in PHP's date formats, such as `Y-m-d H:i` or `U`.
-- @module timekit.sandbox.timestamps.php_date
local ascii = require "timekit.text.ascii"
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"
local zones = require "timekit.sandbox.timestamps.zones"

local php_date = {}

local floor = math.floor
local DAY = 86400

local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }
local WEEKDAYS = { [0] = "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }

-- ---- writing ----

local function first_of(year)
  return floor(time.parse(("%04d-01-01T00:00:00Z"):format(year)) / DAY)
end

local function exists(year, month, day)
  return time.parse(("%04d-%02d-%02dT00:00:00Z"):format(year, month, day)) ~= nil
end

local function is_leap(year)
  return exists(year, 2, 29)
end

local function days_in_year(year)
  return is_leap(year) and 366 or 365
end

local function days_in_month(parts)
  local day = 31
  while not exists(parts.year, parts.month, day) do day = day - 1 end
  return day
end

-- The parts of a moment as the zone's clocks show it.
local function take_apart(unix, zone)
  local at = zone:at(unix)
  -- In the east, the last hours of 9999 UTC are in the year 10000, which cannot be written. They are written in UTC.
  if not time.is_writable(unix + at.offset) then zone, at = zones.UTC, zones.UTC:at(unix) end
  local shown = unix + at.offset
  local year, month, day, hour, minute, second = time.format(shown):match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  local days = floor(shown / DAY)
  year = tonumber(year)
  return {
    unix = unix, at = at, zone = zone, year = year, month = tonumber(month), day = tonumber(day),
    hour = tonumber(hour), minute = tonumber(minute), second = tonumber(second),
    weekday = (days + 4) % 7, day_of_year = days - first_of(year),
  }
end

-- The week of ISO 8601 and its year. A week belongs to the year of its Thursday.
local function iso_week(parts)
  local thursday = parts.day_of_year + 3 - (parts.weekday + 6) % 7
  local year = parts.year
  if thursday < 0 then
    year = year - 1
    thursday = thursday + days_in_year(year)
  elseif thursday >= days_in_year(year) then
    thursday = thursday - days_in_year(year)
    year = year + 1
  end
  return floor(thursday / 7) + 1, year
end

local function offset_text(offset, separator)
  local minutes = floor(math.abs(offset) / 60)
  return ("%s%02d%s%02d"):format(offset < 0 and "-" or "+", floor(minutes / 60), separator, minutes % 60)
end

local function suffix(day)
  if day >= 11 and day <= 13 then return "th" end
  return ({ "st", "nd", "rd" })[day % 10] or "th"
end

local function microseconds(parts)
  return math.min(999999, floor((parts.unix - floor(parts.unix)) * 1e6 + 0.5))
end

-- Swatch beats: thousandths of a day in Biel, an hour ahead of UTC.
local function beats(parts)
  return floor((parts.unix + 3600) % DAY / 86.4)
end

local function twelve(parts)
  return (parts.hour + 11) % 12 + 1
end

-- A letter that writes a number: by the name of a part, or a function of the parts.
local function number(pattern, part)
  return function(parts) return pattern:format(type(part) == "string" and parts[part] or part(parts)) end
end

-- letter → function(parts) → text
local WRITE = {
  d = number("%02d", "day"), j = number("%d", "day"), z = number("%d", "day_of_year"),
  D = function(parts) return WEEKDAYS[parts.weekday]:sub(1, 3) end,
  l = function(parts) return WEEKDAYS[parts.weekday] end,
  N = number("%d", function(parts) return (parts.weekday + 6) % 7 + 1 end), w = number("%d", "weekday"),
  S = function(parts) return suffix(parts.day) end, W = number("%02d", function(parts) return (iso_week(parts)) end),
  F = function(parts) return MONTHS[parts.month] end, M = function(parts) return MONTHS[parts.month]:sub(1, 3) end,
  m = number("%02d", "month"), n = number("%d", "month"), t = number("%d", days_in_month),
  L = function(parts) return is_leap(parts.year) and "1" or "0" end,
  o = number("%d", function(parts) return (select(2, iso_week(parts))) end),
  Y = number("%04d", "year"), y = number("%02d", function(parts) return parts.year % 100 end),
  a = function(parts) return parts.hour < 12 and "am" or "pm" end,
  A = function(parts) return parts.hour < 12 and "AM" or "PM" end, B = number("%03d", beats),
  g = number("%d", twelve), h = number("%02d", twelve), G = number("%d", "hour"), H = number("%02d", "hour"),
  i = number("%02d", "minute"), s = number("%02d", "second"), u = number("%06d", microseconds),
  v = number("%03d", function(parts) return floor(microseconds(parts) / 1000) end),
  e = function(parts) return parts.zone.name end, I = function(parts) return parts.at.is_dst and "1" or "0" end,
  O = function(parts) return offset_text(parts.at.offset, "") end,
  P = function(parts) return offset_text(parts.at.offset, ":") end,
  p = function(parts) return parts.at.offset == 0 and "Z" or offset_text(parts.at.offset, ":") end,
  T = function(parts) return parts.at.abbreviation end, Z = number("%d", function(parts) return parts.at.offset end),
  U = number("%d", function(parts) return floor(parts.unix) end),
}

local COMPOSED = { c = "Y-m-d\\TH:i:sP", r = "D, d M Y H:i:s O" }

local function write(format, parts)
  return (format:gsub("(\\?)(.)", function(escape, letter)
    if escape ~= "" then return letter end
    if COMPOSED[letter] then return write(COMPOSED[letter], parts) end
    return WRITE[letter] and WRITE[letter](parts) or letter
  end))
end

--- Writes a moment, as PHP's `date`.
-- @tparam string format a character that means nothing in a format stands for itself
-- @tparam number unix seconds
-- @tparam table zone from `timekit.sandbox.timestamps.zones`
-- @treturn string
function php_date.write(format, unix, zone)
  return write(format, take_apart(unix, zone))
end

-- ---- reading ----

local function number_into(name)
  return function(found, text) found[name] = tonumber(text) end
end

local function month_into(found, text)
  text = ascii.lower(text)
  for index, name in ipairs(MONTHS) do
    name = ascii.lower(name)
    if name == text or name:sub(1, 3) == text then found.month = index end
  end
  return found.month ~= nil
end

local function zone_into(found, text)
  found.zone = zones.find(text)
  return found.zone ~= nil
end

local function half_into(found, text)
  found.half = ascii.lower(text)
  return found.half == "am" or found.half == "pm"
end

local function fraction_into(found, text)
  found.fraction = tonumber(text) / 10 ^ #text
end

local function century_into(found, text)
  found.year = tonumber(text)
  found.year = found.year + (found.year < 70 and 2000 or 1900)
end

local function ignore() end

local TWO, NAME, HALF, ZONE = "^%d%d?", "^[A-Za-z]+", "^[A-Za-z][A-Za-z]", "^[A-Za-z0-9+:/_-]+"

-- letter → a pattern, and function(found, text), which returns false for a text that it does not know
local READ = {
  d = { TWO, number_into "day" }, j = { TWO, number_into "day" }, m = { TWO, number_into "month" },
  n = { TWO, number_into "month" }, F = { NAME, month_into }, M = { NAME, month_into },
  Y = { "^%d%d?%d?%d?", number_into "year" }, y = { "^%d%d", century_into },
  H = { TWO, number_into "hour" }, G = { TWO, number_into "hour" },
  h = { TWO, number_into "hour" }, g = { TWO, number_into "hour" }, a = { HALF, half_into },
  A = { HALF, half_into }, i = { TWO, number_into "minute" }, s = { TWO, number_into "second" },
  u = { "^%d%d?%d?%d?%d?%d?", fraction_into }, v = { "^%d%d?%d?", fraction_into },
  D = { NAME, ignore }, l = { NAME, ignore }, S = { HALF, ignore },
  e = { ZONE, zone_into }, T = { ZONE, zone_into }, O = { ZONE, zone_into }, P = { ZONE, zone_into },
  p = { ZONE, zone_into }, U = { "^%-?%d+", number_into "unix" },
}

-- In PHP these set what the format leaves out to 1970-01-01 00:00. Here that is always so.
local RESETS = { ["!"] = true, ["|"] = true }

-- The characters of a format in order: `{ character =, is_escaped = }`.
local function characters_of(format)
  local characters = {}
  for escape, character in format:gmatch("(\\?)(.)") do
    characters[#characters + 1] = { character = character, is_escaped = escape ~= "" }
  end
  return characters
end

--- Checks a format for reading.
-- @tparam string format
-- @treturn string|nil what is wrong with it
function php_date.problem(format)
  local has = {}
  for _, item in ipairs(characters_of(format)) do
    local letter = item.character
    if not item.is_escaped and letter:find("[A-Za-z]") then
      if not READ[letter] then return ("%s cannot be read from a timestamp"):format(messages.quote(letter)) end
      has[letter] = true
    end
  end
  if has.U or (has.Y or has.y) and (has.m or has.n or has.M or has.F) and (has.d or has.j) then return nil end
  return "expected a format with a year, a month and a day, or U"
end

-- The parts that a format finds in a text; nil when the text is not of that format.
local function find_parts(format, text)
  local found, position = {}, 1
  for _, item in ipairs(characters_of(format)) do
    local rule = not item.is_escaped and READ[item.character]
    if rule then
      local piece = text:match(rule[1], position)
      if not piece or rule[2](found, piece) == false then return nil end
      position = position + #piece
    elseif item.is_escaped or not RESETS[item.character] then
      local is_any = item.character == "?" and not item.is_escaped
      if not is_any and text:sub(position, position) ~= item.character then return nil end
      position = position + 1
    end
  end
  return position == #text + 1 and found or nil
end

-- The hour from 0 to 23; nil when it does not go with am or pm.
local function hour_of(found)
  local hour = found.hour or 0
  if not found.half then return hour end
  if hour < 1 or hour > 12 then return nil end
  return hour % 12 + (found.half == "pm" and 12 or 0)
end

--- Reads a moment, as PHP's `DateTime::createFromFormat`. Parts of the day that the format leaves out are zero.
-- @tparam string format one in which `php_date.problem` finds nothing wrong
-- @tparam string text
-- @tparam table zone the zone of a text that names none
-- @treturn number|nil unix seconds
-- @treturn ?string what is wrong with the text
function php_date.read(format, text, zone)
  local found = find_parts(format, text)
  local hour = found and hour_of(found)
  if not hour then return nil, ("not of the format %s"):format(messages.quote(format)) end
  if found.unix then return found.unix end
  local shown, problem = time.parse(("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(
    found.year, found.month, found.day, hour, found.minute or 0, found.second or 0))
  if not shown then return nil, problem end
  return (found.zone or zone):to_unix(shown) + (found.fraction or 0)
end

return php_date
