--- The rules of a booking graph: which action is possible in which state, what it takes, where it leads,
-- and what plays by itself.
-- Pure: no I/O, no clock, no randomness. The client and the sandbox follow the same graphs.
-- @module timekit.graph
-- @see timekit.graphs
local field_checks = require "timekit.text.fields"
local messages = require "timekit.text.messages"

local graph = {}

--- A graph. Its data are plain fields that can be read and iterated, those of a `Definition`. A change to them takes
-- effect when the graph is given to `timekit.graphs.define` again. A state or an action that is not a string counts as
-- unknown.
-- @type Graph
local Graph = {}
Graph.__index = Graph
Graph.__name = "timekit.graph"

function Graph:__tostring()
  return "timekit.graph " .. messages.quote(self.name)
end

-- What the methods look up, kept outside the graph so that its fields hold nothing but data. Per graph:
--   data: the definition, states: that of the definition,
--   order[state]: list of the actions that leave it, offers[state][action name]: one of them,
--   entries[action name]: list of the actions of that name, leads[action name]: set of the states that they lead to,
--   repeatable[action name]: boolean,
--   only[state]: the name of the one action that leads there, false if bookings get there in other ways, too.
-- They are made when they are first looked up: most programs ask one of the graphs that are known. Until then the
-- definition waits in `not_compiled`.
local compile
local not_compiled = setmetatable({}, { __mode = "k" })
local rules_of = setmetatable({}, {
  __mode = "k",
  __index = function(all, self)
    local data = not_compiled[self]
    if not data then error("not a graph: call its methods with a colon, as in g:can(state, action)", 3) end
    local rules = compile(data)
    not_compiled[self], all[self] = nil, rules
    return rules
  end,
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

-- Whether a booking can get from one state to another: by actions, or put there by the server, which can do so in any
-- state that is not final.
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

local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return new
end

-- A copy of a definition, with every `from` as a list and an empty table for what was left out. It shares nothing with
-- the original but the check functions.
local function normalized(spec)
  local data = copy(spec)
  data.requires = data.requires or {}
  data.settings = data.settings or {}
  for _, action in ipairs(data.actions) do
    action.inputs = action.inputs or {}
    if type(action.from) == "string" then action.from = { action.from } end
  end
  return data
end

function compile(data)
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

--- Does the graph have such an action, in whichever state?
-- @tparam string action
-- @treturn boolean
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:has("decline")   --> true
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
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:next_state("tentative", "decline")   --> "declined"
function Graph:next_state(state, action)
  local offered = rules_of[self].offers[state]
  local entry = offered and offered[action]
  return entry and entry.to
end

--- The actions that are possible in a state.
-- @tparam string state
-- @treturn {string,...} a fresh list of names, in the order of the definition; empty for a final or unknown state
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:actions_in("tentative")   --> { "confirm", "decline" }
function Graph:actions_in(state)
  local names = {}
  for index, action in ipairs(rules_of[self].order[state] or {}) do names[index] = action.name end
  return names
end

--- Is a state final? This is what the graph expects. The server's `completed` is the authority (spec/api.md 3).
-- @tparam string state
-- @treturn boolean|nil nil when the graph has no such state
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:is_final("declined")   --> true
function Graph:is_final(state)
  local known = rules_of[self].states[state]
  if known then return known.final == true end
  return nil
end

--- Can a booking still get from one state to another? A booking can also stay where it is, and the server can put it
-- into a state of its own (`by_server`, such as `error`) from any state that is not final.
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
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:leads_to("decline", "declined")   --> true
function Graph:leads_to(action, state)
  local leads = rules_of[self].leads[action]
  return leads ~= nil and leads[state] == true
end

--- Does the state of a booking prove that an action was applied to it? It does when no other action leads there and the
-- action is not offered there again.
-- @tparam string action
-- @tparam string state
-- @treturn boolean false also for what the graph does not know
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:proves("confirm", "confirmed")   --> true
function Graph:proves(action, state)
  return rules_of[self].only[state] == action and not rules_of[self].offers[state][action]
end

--- Can an action be sent again without harm? It can when it is not offered in the state that it leads to, nor in any
-- state that can be reached from there: others may act on the booking while the first request is still under way. The
-- server then refuses whichever of the two requests comes second.
-- @tparam string action
-- @treturn boolean false for an unknown action
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:is_repeatable("confirm")   --> true
function Graph:is_repeatable(action)
  return rules_of[self].repeatable[action] == true
end

--- Checks the inputs of an action: types, required ones, check functions.
-- An input that the graph does not know passes, since the API may know more than the graph does. It is refused when its
-- name is close to a known one, since then it is probably mistyped. An error raised by a check function is not caught.
-- @tparam string action
-- @tparam ?table inputs name → value; nil is the same as an empty table
-- @tparam ?string state tells which action is meant where several have the same name. Without it, or when the action is
--   not possible there, inputs are refused only when all of these actions refuse them.
-- @treturn boolean
-- @treturn ?string everything that is wrong, such as `inputs.message: expected a string, got a number`
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:check_inputs("decline", { mesage = "Fully booked" })
--   --> false, "inputs.mesage: unknown, did you mean 'message'?"
function Graph:check_inputs(action, inputs, state)
  local rules = rules_of[self]
  local offered, first = rules.offers[state], nil
  local meant = offered and offered[action]
  if inputs == nil then inputs = {} end
  if meant then
    first = field_checks.problems(meant.inputs, inputs, "inputs", false)
    if not first then return true end
  else
    local entries = rules.entries[action]
    if not entries then return false, no_such_action(self, rules, action) end
    for index = 1, #entries do
      local problems = field_checks.problems(entries[index].inputs, inputs, "inputs", false)
      if not problems then return true end
      first = first or problems
    end
  end
  return false, table.concat(field_checks.texts(first), "; ")
end

--- Checks the fields of a new booking: whether one of this graph can be created at all, whether its `action` leaves the
-- initial state, the fields that the graph requires, and its settings, which may stand under `settings` or beside it.
-- Only what the server is certain to refuse counts. JSON's null counts as a field that was left out.
-- @tparam table fields as for `POST /bookings`
-- @treturn {WrongField,...} `{ field =, problem = }` for all that is wrong, in alphabetical order; empty when nothing
--   is
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.group_customer:check_create { action = "create" }
--   --> { { field = "related.owner_booking_id", problem = "required by the graph 'group_customer'" } }
function Graph:check_create(fields)
  return require("timekit.rules.creation").check(self, rules_of[self].data, fields)
end

--- What plays by itself in a state.
-- @tparam string state
-- @treturn {Autoplay,...} a fresh list of `{ action =, to =, after = seconds, from = "created"|"end", setting =
--   string|nil }`, in the order of the definition
-- @usage
-- local graphs = require "timekit.graphs"
-- graphs.confirm_decline:autoplays("confirmed")
--   --> { { action = "complete", to = "completed", after = 3600, from = "end" } }
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
-- @tparam Times times `{ created = unix seconds, ["end"] = unix seconds, settings = table }`; an autoplay that counts
--   from a time that is not given is left out
-- @treturn NextAutoplay|nil `{ action =, to =, at = unix seconds }`, the earliest (of several at the same time the
--   first in the definition); nil when nothing will
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

--- Draws the graph: as text (a tree for a terminal), for graphviz (`dot`), for Mermaid, or as SVG.
-- An SVG follows the reader's light or dark scheme. Its elements have `data-state`, and `data-action` with `data-from`
-- and `data-to`, so that a page can find them; the current state also has `aria-current="true"`.
-- Raises when an option is wrong, such as a state that the graph does not have.
-- @tparam ?PictureOptions options `format` (`"text"`, `"dot"`, `"mermaid"` or `"svg"`; text unless given); `state` and
--   `past`, where a booking is and the list of the states where it was, oldest first: these are marked
-- @treturn string
-- @usage
-- local graphs = require "timekit.graphs"
-- print(graphs.confirm_decline:picture())
-- local svg = graphs.confirm_decline:picture { format = "svg", state = "confirmed", past = { "tentative" } }
function Graph:picture(options)
  -- Loaded when used: most programs draw nothing.
  local drawn = require("timekit.rules.picture").draw(rules_of[self].data, options, 2)
  return drawn
end

--- @section end

--- Makes a graph from its definition.
-- Raises when the definition is wrong, naming everything that is, such as
-- `graph 'x': action 'y' leads to the unknown state 'z'`.
-- Besides wrong types and unknown fields these are refused: a name (of graph, state or action) that is empty, `.` or
-- `..` or holds `/`, `?`, `#`, spaces or control characters; an action from or to an unknown state; an action that
-- leaves a final state; the same action leaving the same state more than once; a `first` that is unknown or does not
-- leave the initial state, or none where there are actions; a state that cannot be reached and is not `by_server`; an
-- autoplay with an unknown setting, or autoplays that come back to the state they began in.
--
-- @tparam Definition|Graph spec the definition, which is copied; a graph can be given as well
-- @tparam[opt=2] integer level the caller to blame for an error, as for Lua's `error`
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
  local problem = require("timekit.rules.definition").check(spec)
  if problem then error(problem, level or 2) end
  return graph.known(spec)
end

--- Makes a graph of a definition that is known to be right, as those are that come with this module: the suite checks
-- them, so that no program does when it starts.
-- @local
-- @tparam Definition spec
-- @treturn Graph
function graph.known(spec)
  local self = setmetatable(normalized(spec), Graph)
  not_compiled[self] = normalized(spec)
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
-- Only graphs that have both the action and the state count: the booking can have no other.
-- @tparam {[any]=Graph} graphs the graphs that it may be, with any keys, such as `timekit.graphs`
-- @tparam string action
-- @tparam string state
-- @treturn Agreement `{ already = boolean|nil, allowed = list|nil }`: whether the action leads to this state, and the
--   names of the actions that are possible in it; nil where the graphs differ, and when none counts
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

--- Reads a duration as Timekit writes them: `{ time = 25, unit = "min" }`, `"2 hours"`.
-- Units are seconds, minutes, hours, days and weeks: singular, plural or short (`min`), upper or lower case.
-- @tparam any value
-- @treturn number|nil seconds; nil for anything else
-- @usage require("timekit.graph").duration("1 day")   --> 86400
function graph.duration(value)
  local seconds = require("timekit.text.duration").read(value)
  return seconds
end

return graph
