--- Checks the times of an event before they are sent: `start` and `end`.
-- Pure: no I/O, no clock.
-- @module timekit.rules.period

local field_checks = require "timekit.text.fields"
local time = require "timekit.text.time"

local period = {}

local function instant(fields, name, path, problems)
  local text = field_checks.given(rawget(fields, name))
  if text == nil then return nil end
  local unix, problem = time.parse(text)
  if problem then problems[#problems + 1] = { field = path .. name, problem = problem } end
  return unix
end

--- Checks that `start` and `end`, where they are given, are timestamps of RFC 3339 with a zone (spec/api.md 1), and
-- that the end is after the start. JSON's null counts as a time that was left out. Fields are read without metamethods,
-- as they are sent.
-- @tparam table fields
-- @tparam ?string path of the table that holds them, such as `event.`; empty unless given
-- @treturn {table,...} `{ field =, problem = }` for all that is wrong; empty when nothing is
-- @usage
-- require("timekit.rules.period").check { start = "2030-03-01T08:00:00" }
--   --> { { field = "start", problem = "the time zone is missing: …" } }
function period.check(fields, path)
  local problems = {}
  path = path or ""
  local starts, ends = instant(fields, "start", path, problems), instant(fields, "end", path, problems)
  if starts and ends and ends <= starts then
    problems[1] = { field = path .. "end", problem = "expected a time after " .. path .. "start" }
  end
  return problems
end

return period
