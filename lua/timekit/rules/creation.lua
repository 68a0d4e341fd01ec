--- Checks the fields of a new booking by the rules of its graph. See `Graph:check_create`.
-- Pure: no I/O. Fields are read without metamethods, as they are sent.
-- @module timekit.rules.creation
local field_checks = require "timekit.text.fields"
local messages = require "timekit.text.messages"

local creation = {}

-- The value at a path such as `related.owner_booking_id`.
local function value_at(fields, path)
  local value = fields
  for name in path:gmatch("[^.]+") do
    if type(value) ~= "table" then return nil end
    value = rawget(value, name)
  end
  return field_checks.given(value)
end

-- Why `action` cannot be the one that a booking begins with, nil when it can.
local function action_problem(graph, data, action)
  if action == nil then return nil end
  if type(action) ~= "string" then return "expected a string, got " .. messages.describe(action) end
  local _, problem = graph:can(data.initial, action)
  return problem
end

-- What is wrong with a setting that says when something plays. The server decides which units there are.
local function delay_problem(value)
  if type(value) ~= "table" then return nil end
  local amount, unit = rawget(value, "time"), rawget(value, "unit")
  if type(amount) == "string" then amount = tonumber(amount) end
  if type(amount) == "number" and amount >= 0 and amount < math.huge and type(unit) == "string" and unit ~= "" then
    return nil
  end
  return "expected a duration such as { time = 25, unit = \"min\" }"
end

local function check_settings(data, values, path, add)
  for _, found in ipairs(field_checks.problems(data.settings, values, path, false) or {}) do
    add(found.field, found.problem)
  end
  if type(values) ~= "table" then return end
  local delays = {}
  for _, action in ipairs(data.actions) do
    local name = action.autoplay and action.autoplay.setting
    if name then delays[name] = delay_problem(values[name]) end
  end
  for name, problem in pairs(delays) do add(field_checks.join(path, name), problem) end
end

-- The settings that stand under `settings`, without those that are null.
local function settings_under(fields)
  local settings = value_at(fields, "settings")
  if type(settings) ~= "table" then return settings end
  local given = {}
  for name, value in next, settings do given[name] = field_checks.given(value) end
  return given
end

-- The settings that stand among the other fields.
local function settings_beside(data, fields)
  local given = {}
  for name in pairs(data.settings) do given[name] = value_at(fields, name) end
  return given
end

--- Checks the fields of a new booking.
-- @tparam Graph graph
-- @tparam table data the graph's definition
-- @tparam table fields as for `POST /bookings`
-- @treturn {table,...} `{ field =, problem = }` for all that is wrong, in the order of the fields
-- @usage
-- creation.check(graphs.reservation, definition, {})
--   --> { { field = "graph", problem = "a booking of the graph 'reservation' is not made by POST /bookings" } }
function creation.check(graph, data, fields)
  local problems, name = {}, messages.quote(data.name)
  local function add(field, problem)
    problems[#problems + 1] = { field = field, problem = problem }
  end
  if data.create == false then
    add("graph", ("a booking of the graph %s is not made by POST /bookings"):format(name))
    return problems
  end
  local problem = action_problem(graph, data, value_at(fields, "action"))
  if problem then add("action", problem) end
  for _, path in ipairs(data.requires) do
    local value = value_at(fields, path)
    if value == nil or value == "" then add(path, "required by the graph " .. name) end
  end
  -- Timekit's documents show settings in both places (spec/api.md 3).
  local under = settings_under(fields)
  if under ~= nil then check_settings(data, under, "settings", add) end
  check_settings(data, settings_beside(data, fields), "", add)
  table.sort(problems, function(a, b) return a.field < b.field end)
  return problems
end

return creation
