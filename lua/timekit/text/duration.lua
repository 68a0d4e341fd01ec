--- Durations as Timekit writes them, as seconds.
-- Pure: the machine's locale does not matter.
-- @module timekit.text.duration

local ascii = require "timekit.text.ascii"

local duration = {}

local UNITS = {}
for seconds, names in pairs {
  [1] = "sec secs second seconds",
  [60] = "min mins minute minutes",
  [3600] = "hr hrs hour hours",
  [86400] = "day days",
  [604800] = "week weeks",
} do
  for name in names:gmatch("[a-z]+") do UNITS[name] = seconds end
end

local WRITTEN = {
  { 604800, "week", "weeks" }, { 86400, "day", "days" }, { 3600, "h", "h" }, { 60, "min", "min" },
}

--- Writes a duration briefly, in the largest unit that gives a whole number.
-- @tparam number seconds
-- @treturn string
-- @usage
-- duration.write(3600)     --> "1 h"
-- duration.write(172800)   --> "2 days"
-- duration.write(5400)     --> "90 min"
-- duration.write(0.5)      --> "0.5 s"
function duration.write(seconds)
  for _, unit in ipairs(seconds > 0 and WRITTEN or {}) do
    local amount = seconds / unit[1]
    if amount % 1 == 0 then return ascii.number(amount) .. " " .. (amount == 1 and unit[2] or unit[3]) end
  end
  return ascii.number(seconds) .. " s"
end

--- Reads a duration (spec/api.md 3): `{ time = 25, unit = "min" }`, `"2 hours"`.
-- Units are seconds, minutes, hours, days and weeks: singular, plural or short (`min`), upper or lower case.
-- @tparam any value
-- @treturn number|nil seconds; nil for anything else
-- @usage
-- duration.read("1 day")                       --> 86400
-- duration.read { time = 25, unit = "min" }    --> 1500
-- duration.read("soon")                        --> nil
function duration.read(value)
  local amount, unit
  if type(value) == "string" then
    amount, unit = value:match("^[ \t-\r]*([%d.]+)[ \t-\r]*([A-Za-z]+)[ \t-\r]*$")
  elseif type(value) == "table" then
    amount, unit = value.time, value.unit
  end
  if type(amount) == "string" then amount = ascii.decimal(amount) end
  local factor = type(unit) == "string" and UNITS[ascii.lower(unit)]
  if type(amount) ~= "number" or not factor then return nil end
  local seconds = amount * factor
  if seconds >= 0 and seconds < math.huge then return seconds end
  return nil
end

return duration
