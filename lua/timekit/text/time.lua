--- Timestamps as text and as unix seconds.
-- Pure: the machine's time zone, locale and clock do not matter.
-- @module timekit.text.time

local time = {}

local floor = math.floor

local DAY = 86400
local EXAMPLE = "2016-02-11T11:58:45+0100"
local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

local function days_in(year, month)
  return month == 2 and is_leap(year) and 29 or MONTH_DAYS[month]
end

-- Both conversions count years from March. The leap day is then the last of its year, and one linear formula gives the
-- day on which each month starts.

-- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days_from_date(year, month, day)
  if month <= 2 then year = year - 1 end
  local day_of_year = floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400) + day_of_year - 719468
end

-- The date that lies `days` after 1970-01-01.
local function date_from_days(days)
  days = days + 719468
  local era = floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = floor(
    (day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524) - floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
  local shifted_month = floor((5 * day_of_year + 2) / 153)
  local month = (shifted_month + 2) % 12 + 1
  local year = era * 400 + year_of_era + (month <= 2 and 1 or 0)
  return year, month, day_of_year - floor((153 * shifted_month + 2) / 5) + 1
end

-- The first field that lies outside its range, as a message.
local function out_of_range(year, month, day, hour, minute, second)
  if month < 1 or month > 12 then return "no such month: " .. month end
  if day < 1 or day > days_in(year, month) then
    return ("no such day: %d of month %d in %d"):format(day, month, year)
  end
  if hour > 23 then return "no such hour: " .. hour end
  if minute > 59 then return "no such minute: " .. minute end
  if second > 60 then return "no such second: " .. second end
end

-- Seconds east of UTC from the zone part of a timestamp, or nil and what is wrong with it.
local function parse_zone(zone)
  if zone == "Z" or zone == "z" then return 0 end
  if zone == "" then return nil, "the time zone is missing: end with Z or an offset such as +0100" end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then return nil, "not a time zone: expected Z or an offset such as +0100 at the end" end
  hours, minutes = tonumber(hours), tonumber(minutes)
  if hours > 23 or minutes > 59 then return nil, "no such time zone offset: " .. zone end
  local offset = hours * 3600 + minutes * 60
  return sign == "-" and -offset or offset
end

--- Reads a timestamp of RFC 3339.
-- The zone is required: `Z`, `+01:00`, or `+0100` as Timekit usually writes it (spec/api.md 1). Fractions of a second
-- are kept, to the nanosecond. A leap second is accepted where one can be, at the end of a month in UTC. It counts as
-- the second after it, since unix time has no number for it.
-- @tparam string text
-- @treturn number|nil unix seconds; an integer, on Lua 5.3 and newer, when the text has no fraction
-- @treturn ?string what is wrong with the text
-- @usage
-- local time = require "timekit.text.time"
-- time.parse("2016-02-11T11:58:45+0100")   --> 1455188325
-- time.parse("2016-02-11T11:58:45")        --> nil, "the time zone is missing: …"
function time.parse(text)
  if type(text) ~= "string" then return nil, "expected a timestamp such as " .. EXAMPLE .. ", got a " .. type(text) end
  local year, month, day, hour, minute, second, rest =
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return nil, "not a timestamp: expected one such as " .. EXAMPLE end
  local digits, zone = rest:match("^%.(%d+)(.*)$")
  local offset, problem = parse_zone(zone or rest)
  if not offset then return nil, problem end

  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  problem = out_of_range(year, month, day, hour, minute, second)
  if problem then return nil, problem end

  local unix = days_from_date(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset
  if second == 60 then
    local _, _, day_after = date_from_days(floor(unix / DAY))
    if unix % DAY ~= 0 or day_after ~= 1 then return nil, "no such second: 60, except at the end of a month in UTC" end
  end
  if digits then
    -- Not tonumber("0." .. digits): on Lua 5.1 that expects the locale's decimal point.
    digits = digits:sub(1, 9)
    unix = unix + tonumber(digits) / 10 ^ #digits
  end
  return unix
end

local FIRST, LAST = days_from_date(0, 1, 1) * DAY, days_from_date(10000, 1, 1) * DAY

--- Can `format` write these unix seconds?
-- @tparam any unix
-- @treturn boolean false also for what is not a number
-- @usage require("timekit.text.time").is_writable(1455188325)   --> true
function time.is_writable(unix)
  return type(unix) == "number" and unix >= FIRST and unix < LAST
end

--- Writes unix seconds in the format that Timekit usually answers with (spec/api.md 1), in UTC.
-- Fractions of a second are rounded down.
-- Raises when `unix` is not a number, or not within the years 0 to 9999.
-- @tparam number unix seconds
-- @treturn string
-- @usage require("timekit.text.time").format(1455188325)   --> "2016-02-11T10:58:45+0000"
function time.format(unix)
  if type(unix) ~= "number" then error("unix: expected a number of seconds, got a " .. type(unix), 2) end
  if not time.is_writable(unix) then error("unix: expected a time within the years 0 to 9999", 2) end
  local days = floor(unix / DAY)
  local second = floor(unix) - days * DAY
  local year, month, day = date_from_days(days)
  return ("%04d-%02d-%02dT%02d:%02d:%02d+0000"):format(
    year, month, day, floor(second / 3600), floor(second / 60) % 60, second % 60)
end

return time
