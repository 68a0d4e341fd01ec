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
