--- The rules of a booking graph: which action is possible in which state, what it takes, where it leads,
-- and what plays by itself.
-- Pure: no I/O, no clock, no randomness. The client and the sandbox follow the same graphs.
-- @module timekit.graph
-- @see timekit.graphs
local definition = require "timekit.rules.definition"
local field_checks = require "timekit.text.fields"
local messages = require "timekit.text.messages"

local graph = {}

--- A graph. Its data are plain fields that can be read and iterated: `name`, `initial`, `first`, `create`,
-- `requires`, `settings`, `seats`, `states` and `actions`, as described at `graph.define`. A change to them changes no
-- rule: it takes effect when the graph is given to `timekit.graphs.define` again.
-- A state or an action that is no string is treated as one that the graph does not have.
-- @type Graph
local Graph = {}
Graph.__index = Graph
Graph.__name = "timekit.graph"

function Graph:__tostring()
  return "timekit.graph " .. messages.quote(self.name)
end

-- What the methods look up, kept outside the graph so that its fields hold nothing but data. Per graph:
--   order[state] = list of the actions that leave it, offers[state][action name] = that action,
--   entries[action name] = list of actions, leads[action name] = set of states, repeatable[action name] = boolean,
--   only[state] = the name of the one action that leads there, false if bookings come there in other ways, too,
--   data = the definition.
local rules_of = setmetatable({}, {
  __mode = "k",
  __index = function() error("not a graph: call its methods with a colon, as in g:can(state, action)", 3) end,
})

-- Whether an action is offered in a state or in any that can be reached from there.
local function offered_from(rules, state, name, visited)
  if visited[state] then return false end
  visited[state] = true
  if rules.offers[state][name] then return true end
  for _, action in ipairs(rules.order[state]) do
    if offered_from(rules, action.to, name, visited) then return true end
  end
  return false
end

-- Whether actions lead from one state to another. Those set by the server alone come from any that is not final.
local function reaches(rules, from, to, visited)
  if from == to then return true end
  if visited[from] or rules.states[from].final then return false end
  if rules.states[to].by_server then return true end
  visited[from] = true
  for _, action in ipairs(rules.order[from]) do
    if reaches(rules, action.to, to, visited) then return true end
  end
  return false
end

local function compile(data)
  local rules = {
    order = {}, offers = {}, entries = {}, leads = {}, repeatable = {}, only = {}, states = data.states, data = data,
  }
  for state in pairs(data.states) do
    rules.order[state], rules.offers[state] = {}, {}
  end
  rules.only[data.initial] = false
  for _, action in ipairs(data.actions) do
    local name = action.name
    if rules.only[action.to] == nil then rules.only[action.to] = name end
    if rules.only[action.to] ~= name then rules.only[action.to] = false end
    rules.entries[name] = rules.entries[name] or {}
    rules.leads[name] = rules.leads[name] or {}
    table.insert(rules.entries[name], action)
    rules.leads[name][action.to] = true
    for _, state in ipairs(action.from) do
      table.insert(rules.order[state], action)
      rules.offers[state][name] = action
    end
  end
  for name, states in pairs(rules.leads) do
    rules.repeatable[name] = true
    for state in pairs(states) do
      if offered_from(rules, state, name, {}) then rules.repeatable[name] = false end
    end
  end
  return rules
end

local function quoted(name)
  return type(name) == "string" and messages.quote(name) or "(" .. messages.describe(name) .. ")"
end

local function no_such_action(self, rules, action)
  return ("graph %s has no action %s%s"):format(
    messages.quote(self.name), quoted(action), messages.hint(action, rules.entries))
end

--- Is there such an action, in whichever state?
-- @tparam string action
-- @treturn boolean
function Graph:has(action)
  return rules_of[self].entries[action] ~= nil
end

--- Is an action possible in a state?
-- @tparam string state
-- @tparam string action
-- @treturn boolean
-- @treturn ?string why not, and what is possible instead; a text for people, not for comparisons
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:can("tentative", "decline")   --> true
-- graphs.confirm_decline:can("declined", "confirm")
--   --> false, "action 'confirm' is not possible in the state 'declined', which is final"
function Graph:can(state, action)
  local rules = rules_of[self]
  local offered = rules.offers[state]
  if offered and offered[action] then return true end
  if not rules.entries[action] then return false, no_such_action(self, rules, action) end
  if not offered then
    return false, ("graph %s has no state %s%s"):format(
      messages.quote(self.name), quoted(state), messages.hint(state, rules.states))
  end
  local reason = ("action %s is not possible in the state %s"):format(quoted(action), quoted(state))
  if rules.states[state].final then return false, reason .. ", which is final" end
  local names = self:actions_in(state)
  if #names == 0 then return false, reason .. ", nor is any other" end
  return false, reason .. ", but only " .. table.concat(names, ", ")
end

--- Where does an action lead?
-- @tparam string state
-- @tparam string action
-- @treturn string|nil the state after it; nil when it is not possible in `state`
function Graph:next_state(state, action)
  local offered = rules_of[self].offers[state]
  local entry = offered and offered[action]
  return entry and entry.to
end

--- The actions that are possible in a state.
-- @tparam string state
-- @treturn table a fresh list of names, in the order of the definition; empty for a final or unknown state
function Graph:actions_in(state)
  local names = {}
  for index, action in ipairs(rules_of[self].order[state] or {}) do names[index] = action.name end
  return names
end

--- Is a state final? The server's `completed` is the authority, this is only what is expected (API.md 3).
-- @tparam string state
-- @treturn boolean|nil nil when the graph has no such state
function Graph:is_final(state)
  local known = rules_of[self].states[state]
  if known then return known.final == true end
  return nil
end

--- Can a booking still come from one state to another, in whatever way? It can stay where it is, and the server can
-- bring it to a state of its own (`by_server`, such as `error`) from any that is not final.
-- @tparam string from
-- @tparam string to
-- @treturn boolean|nil nil when the graph lacks one of them
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:reaches("tentative", "completed")   --> true
-- graphs.confirm_decline:reaches("declined", "confirmed")    --> false
function Graph:reaches(from, to)
  local rules = rules_of[self]
  if not rules.states[from] or not rules.states[to] then return nil end
  return reaches(rules, from, to, {})
end

--- Can a booking be in a state after an action was applied to it, whatever happened since?
-- @tparam string action
-- @tparam string state
-- @treturn boolean|nil nil when the graph lacks one of them
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:may_follow("confirm", "completed")   --> true
-- graphs.confirm_decline:may_follow("confirm", "tentative")   --> false
function Graph:may_follow(action, state)
  local rules = rules_of[self]
  local leads = rules.leads[action]
  if not leads or not rules.states[state] then return nil end
  for to in pairs(leads) do
    if reaches(rules, to, state, {}) then return true end
  end
  return false
end

--- Is `state` one that `action` leads to?
-- @tparam string action
-- @tparam string state
-- @treturn boolean false also for what the graph does not know
function Graph:leads_to(action, state)
  local leads = rules_of[self].leads[action]
  return leads ~= nil and leads[state] == true
end

--- Does the state of a booking prove that an action was applied to it? It does when no other action leads there, and
-- when the action is not offered there again.
-- @tparam string action
-- @tparam string state
-- @treturn boolean false also for what the graph does not know
function Graph:proves(action, state)
  return rules_of[self].only[state] == action and not rules_of[self].offers[state][action]
end

--- Can an action be repeated without harm? It can when it is not offered again from where it leads: the server then
-- refuses the second one (design.md 3). Not in the state itself, nor in any that others may bring the booking to
-- meanwhile, while the first request may still be under way.
-- @tparam string action
-- @treturn boolean false for an unknown action
function Graph:is_repeatable(action)
  return rules_of[self].repeatable[action] == true
end

--- Checks the inputs of an action: types, required ones, check functions.
-- An input that the graph does not know passes, since the API may know more than the graph does, unless its name is
-- close to a known one: then it is taken for a slip. An error raised by a check function is not caught.
-- @tparam string action
-- @tparam ?table inputs name → value; nil is the same as an empty table
-- @tparam ?string state where an action stands several times in the graph, the state tells which one is meant.
--   Without it (or when the action is not possible there) inputs are refused only when each of them refuses.
-- @treturn boolean
-- @treturn ?string everything that is wrong, such as `inputs.message: expected a string, got a number`
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:check_inputs("decline", { mesage = "Fully booked" })
--   --> false, "inputs.mesage: unknown, did you mean 'message'?"
function Graph:check_inputs(action, inputs, state)
  local rules = rules_of[self]
  local entries = rules.entries[action]
  if not entries then return false, no_such_action(self, rules, action) end
  local meant = rules.offers[state] and rules.offers[state][action]
  if meant then entries = { meant } end
  if inputs == nil then inputs = {} end
  local first
  for index = 1, #entries do
    local problems = field_checks.problems(entries[index].inputs, inputs, "inputs", false)
    if not problems then return true end
    first = first or problems
  end
  return false, table.concat(first, "; ")
end

-- The value at a path such as `related.owner_booking_id`, read without metamethods. JSON's null, a light userdata, says
-- as much as leaving a field out.
local function value_at(fields, path)
  local value = fields
  for name in path:gmatch("[^.]+") do
    if type(value) ~= "table" then return nil end
    value = rawget(value, name)
  end
  if type(value) == "userdata" then return nil end
  return value
end

-- Why `action` cannot be the one that a booking begins with, nil when it can.
local function start_problem(self, rules, action)
  if action == nil then return nil end
  if type(action) ~= "string" then return "expected a string, got " .. messages.describe(action) end
  local _, problem = self:can(rules.data.initial, action)
  return problem
end

-- What is wrong with a setting that says when something plays. Which units there are is for the server to say.
local function delay_problem(value)
  if type(value) ~= "table" then return nil end
  local amount, unit = rawget(value, "time"), rawget(value, "unit")
  if type(amount) == "string" then amount = tonumber(amount) end
  if type(amount) == "number" and amount >= 0 and amount < math.huge and type(unit) == "string" and unit ~= "" then
    return nil
  end
  return "expected a duration such as { time = 25, unit = \"min\" }"
end

-- The settings of a new booking, by `add`. They stand under `settings` or beside it: sources show both (API.md 3).
local function check_settings(rules, fields, add)
  local specs, delays = rules.data.settings, {}
  for _, action in ipairs(rules.data.actions) do
    if action.autoplay and action.autoplay.setting then delays[action.autoplay.setting] = true end
  end
  local function check(values, path)
    for _, text in ipairs(field_checks.check(specs, values, path, false)) do
      local field, problem = text:match("^(.-): (.*)$")
      add(field, problem)
    end
    for name in pairs(delays) do
      local problem = delay_problem(values[name])
      if problem then add(field_checks.join(path, name), problem) end
    end
  end
  local settings = value_at(fields, "settings")
  if settings ~= nil then
    local given = settings
    if type(settings) == "table" then
      given = {}
      for name, value in next, settings do
        if type(value) ~= "userdata" then given[name] = value end
      end
    end
    check(given, "settings")
  end
  local beside = {}
  for name in pairs(specs) do beside[name] = value_at(fields, name) end
  check(beside, "")
end

--- Checks the fields of a new booking: whether one of this graph can be created at all, whether its `action` leaves the
-- initial state, the fields that the graph requires, and its settings, which may stand under `settings` or beside it.
-- Only what is certain to be wrong counts. JSON's null is taken for a field that was left out.
-- @tparam table fields as for `POST /bookings`
-- @treturn {table,...} `{ field =, problem = }` for all that is wrong, in the order of the fields
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.group_customer:check_create { action = "create" }
--   --> { { field = "related.owner_booking_id", problem = "required by the graph 'group_customer'" } }
function Graph:check_create(fields)
  local rules, problems = rules_of[self], {}
  local name = messages.quote(rules.data.name)
  local function add(field, problem)
    problems[#problems + 1] = { field = field, problem = problem }
  end
  if rules.data.create == false then
    add("graph", ("a booking of the graph %s is not made by POST /bookings"):format(name))
    return problems
  end
  local problem = start_problem(self, rules, value_at(fields, "action"))
  if problem then add("action", problem) end
  for _, path in ipairs(rules.data.requires) do
    local value = value_at(fields, path)
    if value == nil or value == "" then add(path, "required by the graph " .. name) end
  end
  check_settings(rules, fields, add)
  table.sort(problems, function(a, b) return a.field < b.field end)
  return problems
end

--- What plays by itself in a state.
-- @tparam string state
-- @treturn table a fresh list of `{ action =, to =, after = seconds, from = "created"|"end", setting = string|nil }`,
--   in the order of the definition
function Graph:autoplays(state)
  local list = {}
  for _, action in ipairs(rules_of[self].order[state] or {}) do
    local autoplay = action.autoplay
    if autoplay then
      list[#list + 1] = {
        action = action.name, to = action.to,
        after = autoplay.after, from = autoplay.from, setting = autoplay.setting,
      }
    end
  end
  return list
end

--- What plays by itself next, and when.
-- A setting that was given on create overrides the delay, if `graph.duration` can read it.
-- @tparam string state
-- @tparam table times `{ created = unix seconds, ["end"] = unix seconds, settings = table }`; what counts from a time
--   that is not given does not play
-- @treturn table|nil `{ action =, to =, at = unix seconds }`, the earliest (of several at the same time the first in
--   the definition); nil when nothing will
-- @usage
-- local graphs = require "timekit.graphs"
-- local settings = { timeout = { time = 25, unit = "min" } }
-- graphs.instant_payment:next_autoplay("tentative", { created = 1000, settings = settings })
--   --> { action = "timeout", to = "unpaid", at = 2500 }
function Graph:next_autoplay(state, times)
  local settings = times.settings or {}
  local earliest
  for _, autoplay in ipairs(self:autoplays(state)) do
    local start = times[autoplay.from]
    local given = autoplay.setting and settings[autoplay.setting]
    local at = start and start + (graph.duration(given) or autoplay.after)
    if at and (not earliest or at < earliest.at) then
      earliest = { action = autoplay.action, to = autoplay.to, at = at }
    end
  end
  return earliest
end

--- @section end

--- Makes a graph from its definition.
-- Raises when the definition is wrong, naming everything that is, such as
-- `graph 'x': action 'y' leads to the unknown state 'z'`.
-- Besides wrong types and unknown fields these are refused: a name (of graph, state or action) that is empty, `.` or
-- `..` or holds `/`, `?`, `#`, spaces or control characters; an action from or to an unknown state; an action that
-- leaves a final state; the same action leaving the same state more than once; a `first` that is unknown or does not
-- leave the initial state, or none where there are actions; a state that cannot be reached and is not `by_server`; an
-- autoplay with an unknown setting, or autoplays that go round in a circle.
--
-- @tparam table spec the definition, which is copied; a graph can be given as well. Its fields:
--
-- - `name`: string;
-- - `initial`: the state in which a booking starts;
-- - `first`: the action that is applied on create when none is given;
-- - `create`: false when no booking of this graph comes from `POST /bookings`;
-- - `requires`: list of the fields that are needed on create, such as `related.owner_booking_id`;
-- - `settings`: the settings known on create, name → `{ type =, required =, check = }` (see inputs);
-- - `seats`: `"owner"` when a booking of this graph offers seats, `"customer"` when it takes one;
-- - `states`: name → `{ final = boolean, holds_slot = boolean, by_server = boolean }`: a final state has no actions,
--   one that holds the slot keeps others from booking it, one set by the server needs no action that leads to it;
-- - `actions`: list of actions, in the order in which they are to be offered. One name may stand several times, leaving
--   different states. Each is a table of
--   - `name`;
--   - `from`: a state or a list of states;
--   - `to`: a state;
--   - `by`: who may do it: `"resource"`, `"customer"`, `"owner"` or `"system"`; left out: not said;
--   - `inputs`: name → `{ type = "string"|"boolean"|"number"|"integer"|"table", required = boolean,
--     check = function(value) }`, all optional; `check` returns true, or false and a reason;
--   - `autoplay`: `{ after = seconds, from = "created"|"end", setting = string }`: plays by itself so long after the
--     booking's creation or its event's end. `setting` names one of `settings` that overrides the delay.
-- @tparam[opt=2] integer level whom an error is blamed on, as in Lua's `error`
-- @treturn Graph
-- @usage
-- local graph = require "timekit.graph"
-- local g = graph.define {
--   name = "walk_in", initial = "initialized", first = "arrive",
--   states = { initialized = {}, present = { holds_slot = true }, gone = { final = true } },
--   actions = {
--     { name = "arrive", from = "initialized", to = "present" },
--     { name = "leave", from = "present", to = "gone", inputs = { note = { type = "string" } } },
--   },
-- }
-- g:actions_in("present")   --> { "leave" }
function graph.define(spec, level)
  local problem = definition.check(spec)
  if problem then error(problem, level or 2) end
  local self = setmetatable(definition.copy(spec), Graph)
  rules_of[self] = compile(definition.copy(spec))
  return self
end

local function same_names(one, other)
  if #one ~= #other then return false end
  local set = {}
  for _, name in ipairs(one) do set[name] = true end
  for _, name in ipairs(other) do
    if not set[name] then return false end
  end
  return true
end

--- What the graphs agree on when it is not known which of them a booking has.
-- Only graphs that have both the action and the state count, since no other can be the booking's.
-- @tparam table graphs the graphs that it may be, with any keys, such as `timekit.graphs`
-- @tparam string action
-- @tparam string state
-- @treturn table `{ already = boolean|nil, allowed = list|nil }`: whether the action leads to this state, and the names
--   of the actions that are possible in it; nil where the graphs differ, and when none counts
-- @usage
-- local graph, graphs = require "timekit.graph", require "timekit.graphs"
-- graph.agreed(graphs, "cancel", "cancelled")   --> { already = true, allowed = {} }
function graph.agreed(graphs, action, state)
  local counting = {}
  for _, g in pairs(graphs) do
    if g:has(action) and g:is_final(state) ~= nil then counting[#counting + 1] = g end
  end
  -- The order in which the actions are listed must not depend on the order of pairs.
  table.sort(counting, function(a, b) return a.name < b.name end)
  local one = counting[1]
  if not one then return {} end
  local already, allowed = one:leads_to(action, state), one:actions_in(state)
  for _, g in ipairs(counting) do
    if g:leads_to(action, state) ~= already then already = nil end
    if allowed and not same_names(g:actions_in(state), allowed) then allowed = nil end
  end
  return { already = already, allowed = allowed }
end

local UNITS = {}
for seconds, names in pairs {
  [1] = "sec secs second seconds",
  [60] = "min mins minute minutes",
  [3600] = "hr hrs hour hours",
  [86400] = "day days",
  [604800] = "week weeks",
} do
  for name in names:gmatch("%a+") do UNITS[name] = seconds end
end

-- Not tonumber: it follows the locale's decimal point on Lua 5.1, and takes hexadecimal.
local function decimal(text)
  local whole, fraction = text:match("^(%d+)%.?(%d*)$")
  if not whole then return nil end
  fraction = fraction:sub(1, 9)
  local value = tonumber(whole)
  return fraction == "" and value or value + tonumber(fraction) / 10 ^ #fraction
end

--- Reads a duration as Timekit writes them: `{ time = 25, unit = "min" }`, `"2 hours"` (API.md 3).
-- Units are seconds, minutes, hours, days and weeks: singular, plural or short (`min`), upper or lower case.
-- @tparam any value
-- @treturn number|nil seconds; nil when it is no duration
-- @usage require("timekit.graph").duration("1 day")   --> 86400
function graph.duration(value)
  local amount, unit
  if type(value) == "string" then
    amount, unit = value:match("^%s*([%d.]+)%s*(%a+)%s*$")
  elseif type(value) == "table" then
    amount, unit = value.time, value.unit
  end
  if type(amount) == "string" then amount = decimal(amount) end
  local factor = type(unit) == "string" and UNITS[unit:lower()]
  if type(amount) ~= "number" or not factor then return nil end
  local seconds = amount * factor
  if seconds >= 0 and seconds < math.huge then return seconds end
  return nil
end

return graph
