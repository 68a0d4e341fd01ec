--- Checks the definition of a graph and names everything that is wrong with it.
-- What a definition holds is described at `timekit.graph.define`.
-- Pure: no I/O.
-- @module timekit.rules.definition
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"

local definition = {}

local quote = messages.quote

-- Names travel as one segment of a path, and stand in messages.
local function is_name(value)
  if type(value) ~= "string" then return false, "expected a string, got " .. messages.describe(value) end
  if value == "" then return false, "expected a name, got an empty string" end
  if value == "." or value == ".." or value:find("[%z\1-\32\127/?#]") then
    return false, quote(value) .. " is not a name: it cannot be '.' or '..'"
      .. ", nor hold '/', '?', '#', spaces or control characters"
  end
  return true
end

local function is_list(value)
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  for index = 1, count do
    if value[index] == nil then return false, "expected a list" end
  end
  return true
end

local function is_list_of_strings(value)
  if not is_list(value) then return false, "expected a list of strings" end
  for index, item in ipairs(value) do
    local got = item == "" and "an empty one" or type(item) ~= "string" and messages.describe(item)
    if got then return false, ("expected a list of strings, got %s at %d"):format(got, index) end
  end
  return true
end

local function is_from(value)
  if type(value) == "string" then return true end
  if type(value) == "table" and next(value) ~= nil then return is_list_of_strings(value) end
  local got = type(value) == "table" and "an empty list" or messages.describe(value)
  return false, "expected a state or a list of states, got " .. got
end

local function is_delay(value)
  return value >= 0 and value < math.huge, "expected a number of seconds, got " .. tostring(value)
end

-- An input of an action, or a setting given on create.
local VALUE = {
  type = { type = "string", one_of = { "string", "boolean", "number", "integer", "table" } },
  required = { type = "boolean" },
  check = { type = "function" },
}

local GRAPH = {
  name = { required = true, check = is_name },
  initial = { type = "string", required = true },
  first = { type = "string" },
  create = { type = "boolean" },
  requires = { type = "table", check = is_list_of_strings },
  settings = { type = "table", each = VALUE },
  seats = { type = "string", one_of = { "owner", "customer" } },
  states = { type = "table", required = true },
  actions = { type = "table", required = true, check = is_list },
}

local STATE = { final = { type = "boolean" }, holds_slot = { type = "boolean" }, by_server = { type = "boolean" } }

local ACTION = {
  name = { required = true, check = is_name },
  from = { required = true, check = is_from },
  to = { type = "string", required = true },
  by = { type = "string", one_of = { "resource", "customer", "owner", "system" } },
  inputs = { type = "table", each = VALUE },
  autoplay = { type = "table", fields = {
    after = { type = "number", required = true, check = is_delay },
    from = { type = "string", required = true, one_of = { "created", "end" } },
    setting = { type = "string" },
  } },
}

local function table_or_empty(value)
  return type(value) == "table" and value or {}
end

-- Adds to a set of states those that the edges lead to from there.
local function reach(edges, states)
  local has_grown
  repeat
    has_grown = false
    for _, edge in ipairs(edges) do
      if states[edge.from] and not states[edge.to] then states[edge.to], has_grown = true, true end
    end
  until not has_grown
  return states
end

-- An unknown name as messages show it, with the known one that was probably meant; false for a known one.
local function unknown(name, known)
  return type(name) == "string" and known[name] == nil and quote(name) .. messages.hint(name, known)
end

-- A rule looks at every part of one kind (see `outline_of`). It has a message, which follows the part's label, and a
-- function that gets the part and the outline and returns what stands in the message; a list for several messages, true
-- for a message that says it all, false or nil when nothing is wrong. These rules are about the fields of each part:
local FIELD_RULES = {
  { "graph", "%s", function(graph) return fields.check(GRAPH, graph.value, "", true) end },
  { "state", ": %s", function(state) return select(2, is_name(state.name)) end },
  { "state", ": %s", function(state) return fields.check(STATE, state.value, "", true) end },
  { "action", ": %s", function(action) return fields.check(ACTION, action.value, "", true) end },
}

-- And these about how the parts fit together:
local FIT_RULES = {
  { "edge", " leads to the unknown state %s", function(edge, of) return unknown(edge.to, of.states) end },
  { "edge", " leaves the unknown state %s", function(edge, of) return unknown(edge.from, of.states) end },
  { "edge", " leaves the final state %s", function(edge, of)
    return table_or_empty(of.states[edge.from]).final and quote(edge.from)
  end },
  { "edge", " leaves the state %s more than once", function(edge) return edge.is_repeated and quote(edge.from) end },
  { "graph", "initial: unknown state %s", function(graph, of) return unknown(graph.value.initial, of.states) end },
  { "graph", "first: required, the action that is applied on create", function(graph)
    return graph.value.first == nil and next(graph.value.actions) ~= nil
  end },
  { "graph", "first: unknown action %s", function(graph, of) return unknown(graph.value.first, of.left) end },
  { "graph", "first: action %s", function(graph, of)
    local first, initial = graph.value.first, graph.value.initial
    local left = type(initial) == "string" and of.left[first]
    return left and not left[initial] and quote(first) .. " does not leave the initial state " .. quote(initial)
  end },
  { "state", " cannot be reached", function(state, of)
    return of.reached and is_name(state.name) and not of.reached[state.name]
  end },
  { "action", ": autoplay.setting: unknown setting %s", function(action, of)
    return unknown(table_or_empty(table_or_empty(action.value).autoplay).setting, of.settings)
  end },
  -- An autoplay comes due at a fixed time after the creation or the end, so a circle of them would never rest.
  { "play", ": autoplay never ends: it comes back to the state %s", function(edge, of)
    return reach(of.play, { [edge.to] = true })[edge.from] and quote(edge.from)
  end },
}

-- The parts of a definition, each kind as a list, and what is known about them. A broken definition gives fewer.
local function outline_of(graph)
  local states, settings = table_or_empty(graph.states), table_or_empty(graph.settings)
  local outline = {
    graph = { { label = "", value = graph } },
    state = {}, action = {}, -- each { label =, name =, value = }
    edge = {}, -- an action from one state to another: { label =, from =, to =, is_repeated = }
    play = {}, -- the edges that play by themselves
    left = {}, -- action name → set of the states that it leaves
    states = states, settings = settings,
  }
  local names, starts = {}, {}
  for name in pairs(states) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for index, name in ipairs(names) do
    outline.state[index] = { label = "state " .. quote(name), name = name, value = states[name] }
    -- The server puts a booking into its own states, whatever the actions are.
    starts[name] = name == graph.initial or table_or_empty(states[name]).by_server
  end
  for index, action in ipairs(table_or_empty(graph.actions)) do
    local name, from, to = table_or_empty(action).name, table_or_empty(action).from, table_or_empty(action).to
    local label = "action " .. (type(name) == "string" and quote(name) or "#" .. index)
    outline.action[index] = { label = label, name = name, value = action }
    if type(from) == "string" then from = { from } end
    for _, state in ipairs(table_or_empty(from)) do
      if type(name) == "string" and type(state) == "string" and type(to) == "string" then
        outline.left[name] = outline.left[name] or {}
        local edge = { label = label, from = state, to = to, is_repeated = outline.left[name][state] }
        outline.left[name][state] = true
        table.insert(outline.edge, edge)
        if action.autoplay ~= nil then table.insert(outline.play, edge) end
      end
    end
  end
  -- Without a known initial state nothing can be said about which states are reached.
  if starts[graph.initial] then outline.reached = reach(outline.edge, starts) end
  return outline
end

local function apply(rules, outline, problems)
  for _, rule in ipairs(rules) do
    local kind, message, find = rule[1], rule[2], rule[3]
    for _, part in ipairs(outline[kind]) do
      local found = find(part, outline) or {}
      for _, text in ipairs(type(found) == "table" and found or { found }) do
        local problem = part.label .. message:format(text)
        -- An action has an edge for each state that it leaves: what is wrong with all of them is said once.
        if not problems[problem] then problems[#problems + 1], problems[problem] = problem, true end
      end
    end
  end
end

--- Checks a definition.
-- @tparam any graph the definition
-- @treturn string|nil one line with everything that is wrong with it; nil when nothing is
-- @usage
-- definition.check { name = "x", initial = "b", states = { a = {} }, actions = {} }
--   --> "graph 'x': initial: unknown state 'b', did you mean 'a'?"
-- @see timekit.graph.define
function definition.check(graph)
  if type(graph) ~= "table" then
    return "graph: expected a table that defines it, got " .. messages.describe(graph)
  end
  local outline, problems = outline_of(graph), {}
  apply(FIELD_RULES, outline, problems)
  if type(graph.states) == "table" and type(graph.actions) == "table" then apply(FIT_RULES, outline, problems) end
  if #problems == 0 then return nil end
  return "graph " .. (type(graph.name) == "string" and quote(graph.name) or "without a name") .. ": "
    .. table.concat(problems, "; ")
end

return definition
