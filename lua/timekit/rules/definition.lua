--- Checks the definition of a graph and names everything that is wrong with it.
-- What a definition holds is described at `timekit.graph.define`.
-- @module timekit.rules.definition
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"

local definition = {}

local quote = messages.quote

local function one_of(...)
  local allowed = { ... }
  local names = {}
  for index, value in ipairs(allowed) do names[index] = quote(value) end
  local expected = table.concat(names, ", ")
  return function(value)
    for _, one in ipairs(allowed) do
      if value == one then return true end
    end
    return false, "expected one of " .. expected .. ", got " .. quote(value)
  end
end

-- Names travel as one segment of a path, and as words in messages.
local function is_name(value)
  if type(value) ~= "string" then return false, "expected a string, got " .. messages.describe(value) end
  if value == "" then return false, "expected a name, got an empty string" end
  if value == "." or value == ".." or value:find("[%c%s/?#]") then
    return false, quote(value) .. " is no name: '/', '?', '#', spaces and control characters cannot stand in one"
      .. ", nor can it be '.' or '..'"
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

local function list_of_strings(value)
  if not is_list(value) then return false, "expected a list of strings" end
  for index, item in ipairs(value) do
    if type(item) ~= "string" then
      return false, ("expected a list of strings, got %s at %d"):format(messages.describe(item), index)
    end
    if item == "" then return false, "expected a list of strings, got an empty one at " .. index end
  end
  return true
end

local function one_or_more_states(value)
  if type(value) == "string" then return true end
  local expected = "expected a state or a list of states, got "
  if type(value) ~= "table" then return false, expected .. messages.describe(value) end
  if next(value) == nil then return false, expected .. "an empty list" end
  return list_of_strings(value)
end

local function delay(value)
  if value >= 0 and value < math.huge then return true end
  return false, "expected a number of seconds, got " .. tostring(value)
end

local GRAPH = {
  name = { required = true, check = is_name },
  initial = { type = "string", required = true },
  first = { type = "string" },
  create = { type = "boolean" },
  requires = { type = "table", check = list_of_strings },
  settings = { type = "table" },
  seats = { type = "string", check = one_of("owner", "customer") },
  states = { type = "table", required = true },
  actions = { type = "table", required = true, check = is_list },
}

local STATE = {
  final = { type = "boolean" },
  holds_slot = { type = "boolean" },
  by_server = { type = "boolean" },
}

local ACTION = {
  name = { required = true, check = is_name },
  from = { required = true, check = one_or_more_states },
  to = { type = "string", required = true },
  by = { type = "string", check = one_of("resource", "customer", "owner", "system") },
  inputs = { type = "table" },
  autoplay = { type = "table" },
}

local AUTOPLAY = {
  after = { type = "number", required = true, check = delay },
  from = { type = "string", required = true, check = one_of("created", "end") },
  setting = { type = "string" },
}

-- An input of an action, or a setting given on create.
local VALUE = {
  type = { type = "string", check = one_of("string", "boolean", "number", "integer", "table") },
  required = { type = "boolean" },
  check = { type = "function" },
}

local function table_or_empty(value)
  return type(value) == "table" and value or {}
end

-- Messages must not depend on the order of pairs.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function check_values(add, values, path)
  for _, name in ipairs(sorted_keys(table_or_empty(values))) do
    local field = fields.join(path, name)
    if type(name) ~= "string" or name == "" then
      local got = name == "" and "an empty string" or messages.describe(name)
      add(field .. ": expected a name as the key, got " .. got)
    else
      add(fields.check(VALUE, values[name], field, true))
    end
  end
end

local function check_states(add, states)
  for _, name in ipairs(sorted_keys(states)) do
    local label = "state " .. quote(name) .. ": "
    local ok, reason = is_name(name)
    if not ok then add(label .. reason) end
    add(fields.check(STATE, states[name], "", true), label)
  end
end

local function check_action(add, action, label)
  add(fields.check(ACTION, action, "", true), label)
  if type(action) ~= "table" then return end
  check_values(function(found) add(found, label) end, action.inputs, "inputs")
  if type(action.autoplay) == "table" then add(fields.check(AUTOPLAY, action.autoplay, "autoplay", true), label) end
end

-- The way from state to state that is well-formed enough to be followed: a list of
-- { name =, label =, from =, to =, autoplay = }, one for every state that an action leaves.
local function edges_of(actions, labels)
  local edges = {}
  for index, action in ipairs(actions) do
    if type(action) == "table" and type(action.name) == "string" and type(action.to) == "string" then
      local from = action.from
      if type(from) == "string" then from = { from } end
      for _, state in ipairs(table_or_empty(from)) do
        if type(state) == "string" then
          edges[#edges + 1] = {
            name = action.name, label = labels[index], from = state, to = action.to, autoplay = action.autoplay ~= nil,
          }
        end
      end
    end
  end
  return edges
end

-- The set of states that can be reached from those in `reached`, which is extended and returned.
local function reach(reached, edges)
  local grown
  repeat
    grown = false
    for _, edge in ipairs(edges) do
      if reached[edge.from] and not reached[edge.to] then
        reached[edge.to] = true
        grown = true
      end
    end
  until not grown
  return reached
end

local function check_edges(add, edges, states)
  local seen = {}
  for _, edge in ipairs(edges) do
    local from, to = quote(edge.from), quote(edge.to)
    if states[edge.to] == nil then
      add(edge.label .. " leads to the unknown state " .. to .. messages.hint(edge.to, states))
    end
    if states[edge.from] == nil then
      add(edge.label .. " leaves the unknown state " .. from .. messages.hint(edge.from, states))
    elseif table_or_empty(states[edge.from]).final then
      add(edge.label .. " leaves the final state " .. from)
    end
    local pair = edge.name .. "\n" .. edge.from
    if seen[pair] then add(edge.label .. " leaves the state " .. from .. " more than once") end
    seen[pair] = true
  end
end

local function check_start(add, graph, edges)
  local states = graph.states
  local initial, first = graph.initial, graph.first
  if type(initial) == "string" and states[initial] == nil then
    add("initial: unknown state " .. quote(initial) .. messages.hint(initial, states))
  end
  if first == nil and next(table_or_empty(graph.actions)) ~= nil then
    add("first: required, the action that is applied on create")
  end
  if type(first) ~= "string" then return end
  local names, leaves = {}, false
  for _, edge in ipairs(edges) do
    names[edge.name] = true
    leaves = leaves or edge.name == first and edge.from == initial
  end
  if not names[first] then
    add("first: unknown action " .. quote(first) .. messages.hint(first, names))
  elseif not leaves and type(initial) == "string" then
    add("first: action " .. quote(first) .. " does not leave the initial state " .. quote(initial))
  end
end

local function check_reachable(add, initial, states, edges)
  if type(initial) ~= "string" or states[initial] == nil then return end
  local reached = { [initial] = true }
  for name, state in pairs(states) do
    -- The server puts a booking there by itself, whatever the actions are.
    if table_or_empty(state).by_server then reached[name] = true end
  end
  reach(reached, edges)
  for _, name in ipairs(sorted_keys(states)) do
    if type(name) == "string" and not reached[name] then add("state " .. quote(name) .. " cannot be reached") end
  end
end

-- Every autoplay comes due at a fixed time after the creation or the end, so a circle of them would never rest.
local function check_autoplay_ends(add, edges)
  local playing, starts = {}, {}
  for _, edge in ipairs(edges) do
    if edge.autoplay then
      playing[#playing + 1] = edge
      starts[edge.from] = true
    end
  end
  local circle = {}
  for _, state in ipairs(sorted_keys(starts)) do
    local reached = {}
    for _, edge in ipairs(playing) do
      if edge.from == state then reached[edge.to] = true end
    end
    if reach(reached, playing)[state] then circle[#circle + 1] = quote(state) end
  end
  if #circle > 0 then add("autoplay never ends: it goes round through " .. table.concat(circle, ", ")) end
end

local function check_autoplay_settings(add, actions, labels, settings)
  for index, action in ipairs(actions) do
    local setting = table_or_empty(table_or_empty(action).autoplay).setting
    if type(setting) == "string" and table_or_empty(settings)[setting] == nil then
      add(("%s: autoplay.setting: unknown setting %s%s"):format(
        labels[index], quote(setting), messages.hint(setting, table_or_empty(settings))))
    end
  end
end

--- Checks a definition.
-- @tparam any graph the definition
-- @treturn string|nil one line with everything that is wrong with it; nil when nothing is
-- @see timekit.graph.define
function definition.check(graph)
  if type(graph) ~= "table" then
    return "graph: expected a table that defines it, got " .. messages.describe(graph)
  end
  local problems, said = {}, {}
  local function add(found, label)
    if type(found) == "string" then found = { found } end
    for _, problem in ipairs(found) do
      problem = (label or "") .. problem
      if not said[problem] then problems[#problems + 1] = problem end
      said[problem] = true
    end
  end

  add(fields.check(GRAPH, graph, "", true))
  check_values(add, graph.settings, "settings")
  local states, actions = table_or_empty(graph.states), table_or_empty(graph.actions)
  check_states(add, states)
  local labels = {}
  for index, action in ipairs(actions) do
    local name = table_or_empty(action).name
    labels[index] = "action " .. (type(name) == "string" and quote(name) or "#" .. index)
    check_action(add, action, labels[index] .. ": ")
  end

  local edges = edges_of(actions, labels)
  if type(graph.states) == "table" then
    check_edges(add, edges, states)
    check_start(add, graph, edges)
    check_reachable(add, graph.initial, states, edges)
  end
  check_autoplay_settings(add, actions, labels, graph.settings)
  check_autoplay_ends(add, edges)

  if #problems == 0 then return nil end
  return "graph " .. (type(graph.name) == "string" and quote(graph.name) or "without a name") .. ": "
    .. table.concat(problems, "; ")
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return new
end

--- Copies a definition that has been checked, with every `from` as a list and an empty table for what was left out.
-- @tparam table graph
-- @treturn table shares nothing with `graph` but its check functions
function definition.copy(graph)
  local new = copy(graph)
  new.requires = new.requires or {}
  new.settings = new.settings or {}
  for _, action in ipairs(new.actions) do
    action.inputs = action.inputs or {}
    if type(action.from) == "string" then action.from = { action.from } end
  end
  return new
end

return definition
