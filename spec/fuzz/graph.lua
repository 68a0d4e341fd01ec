--- The definition of a graph: whatever it is, `define` refuses it with a message or makes a graph that keeps the laws.
-- The bytes change a definition that is known to be good, in as many places as they like.
local bytes = require "spec.fuzz.bytes"
local graph = require "timekit.graph"

local GRAPHS = {}
for index, name in ipairs {
  "instant", "confirm_decline", "instant_payment", "group_owner", "group_customer", "group_customer_payment",
  "reservation",
} do
  GRAPHS[index] = require("timekit.graphs." .. name)
end

local TIMES = { created = 1000, ["end"] = 5000, settings = { timeout = { time = 25, unit = "min" }, delay = "1 day" } }

local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return new
end

-- Every table in the definition, and every text, in an order that is always the same.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
    return type(a) < type(b)
  end)
  return keys
end

local function collect(value, tables, words)
  if type(value) == "string" then words[#words + 1] = value end
  if type(value) ~= "table" then return end
  tables[#tables + 1] = value
  for _, key in ipairs(sorted_keys(value)) do
    if type(key) == "string" then words[#words + 1] = key end
    collect(value[key], tables, words)
  end
end

local FIELDS = {
  "name", "initial", "first", "requires", "settings", "seats", "states", "actions", "final", "holds_slot", "by_server",
  "from", "to", "by", "inputs", "autoplay", "after", "setting", "type", "required", "check", "created", "end", "owner",
  "customer", "resource", "system", "string", "boolean", "number", "integer", "table",
}

-- Values of every type. Words of the definition are among them, so that they sometimes fit.
local function value_from(b, words)
  local kind = b:byte() % 12
  if kind < 4 then return #words > 0 and b:pick(words) or "" end
  if kind == 4 then return b:string() end
  if kind == 5 then return b:byte() - 100 end
  if kind == 6 then return b:byte() % 2 == 0 end
  if kind == 7 then return (string.unpack("<d", b:take(8) .. ("\0"):rep(8))) end
  if kind == 8 then return {} end
  if kind == 9 then return b:pick(FIELDS) end
  if kind == 10 then return function(value) return value == nil end end
  return nil
end

local function key_from(b, t, words)
  local keys = sorted_keys(t)
  local kind = b:byte() % 8
  if kind < 4 and #keys > 0 then return b:pick(keys) end
  if kind == 4 then return b:pick(FIELDS) end
  if kind == 5 then return b:byte() % 4 + 1 end
  local key = value_from(b, words)
  if key == nil or key ~= key then return "x" end
  return key
end

-- Some change any table in any way. Others know what a definition is, so that it sometimes stays a good one.
local CHANGES = {
  function(b, t, words) t[key_from(b, t, words)] = value_from(b, words) end,
  function(b, t, words) t[key_from(b, t, words)] = nil end,
  function(b, t, words, tables) t[key_from(b, t, words)] = copy(b:pick(tables)) end,
  function(b, t, words) t[#t + 1] = value_from(b, words) end,
  function(b, t) if #t > 0 then table.remove(t, b:byte() % #t + 1) end end,
}

local NAMES = { "one", "two", "three" }

local FLAGS = { "final", "holds_slot", "by_server" }

local KNOWING = {
  function(b, spec) spec.states[b:pick(NAMES)] = { final = b:byte() % 2 == 0, by_server = b:byte() % 2 == 0 } end,
  function(b, spec, states)
    local state = spec.states[b:pick(states)]
    if type(state) == "table" then state[b:pick(FLAGS)] = b:byte() % 2 == 0 end
  end,
  function(b, spec, states)
    local to = { b:pick(states), b:pick(states), b:pick(NAMES) }
    table.insert(spec.actions, { name = b:pick(NAMES), from = b:pick(states), to = b:pick(to) })
  end,
  function(b, spec, states)
    local action = b:pick(spec.actions)
    if type(action) == "table" then action[b:pick { "from", "to" }] = b:pick(states) end
  end,
  function(b, spec)
    local action = b:pick(spec.actions)
    if type(action) == "table" then
      action.autoplay = { after = b:byte() * 1000, from = b:pick { "created", "end" } }
    end
  end,
}

local function change(b, spec)
  local tables, words = {}, {}
  collect(spec, tables, words)
  -- Copies of copies would grow without end.
  if #tables > 300 then return end
  local states = type(spec.states) == "table" and sorted_keys(spec.states) or {}
  local whole = #states > 0 and type(spec.actions) == "table" and #spec.actions > 0
  if whole and b:byte() % 3 > 0 then
    b:pick(KNOWING)(b, spec, states)
  else
    b:pick(CHANGES)(b, b:pick(tables), words, tables)
  end
end

local function build(b)
  local spec = copy(b:pick(GRAPHS))
  local size = 0
  while b:more() and size < 20 do
    change(b, spec)
    size = size + 1
  end
  if b:byte() == 255 then return value_from(b, {}) end
  return spec
end

local function contains(list, name)
  for _, item in ipairs(list) do
    if item == name then return true end
  end
  return false
end

-- The states that a booking can come to from those in `list`, which is extended.
local function follow(g, list)
  for _, state in ipairs(list) do
    for _, action in ipairs(g:actions_in(state)) do
      local to = g:next_state(state, action)
      if not contains(list, to) then list[#list + 1] = to end
    end
  end
  return list
end

local function is_repeatable(g, action, states)
  local reached = {}
  for _, state in ipairs(states) do
    if g:leads_to(action, state) then reached[#reached + 1] = state end
  end
  for _, state in ipairs(follow(g, reached)) do
    if g:can(state, action) then return false end
  end
  return true
end

local function check_action(g, action, states, entry)
  assert(g:has(action))
  for _, state in ipairs(states) do
    local possible, reason = g:can(state, action)
    local to = g:next_state(state, action)
    assert(possible == (to ~= nil))
    assert(possible == contains(g:actions_in(state), action))
    if possible then
      assert(g:is_final(to) ~= nil, to)
      assert(g:leads_to(action, to))
      assert(not g:is_final(state))
    else
      assert(type(reason) == "string" and not reason:find("%c"), reason)
    end
    if g:proves(action, state) then
      assert(g:leads_to(action, state) and not possible and state ~= g.initial)
      for _, other in ipairs(g.actions) do assert(other.name == action or other.to ~= state) end
    end
  end
  assert(g:is_repeatable(action) == is_repeatable(g, action, states))
  for name in pairs(entry.inputs) do
    local fine, problem = g:check_inputs(action, { [name] = 1 })
    assert(fine or type(problem) == "string" and problem ~= "", problem)
  end
  local agreed = graph.agreed({ g }, action, states[1])
  assert(agreed.already == g:leads_to(action, states[1]))
end

local function check_graph(g)
  local states = sorted_keys(g.states)
  assert(g:is_final(g.initial) ~= nil)
  for _, state in ipairs(states) do
    local offered = g:actions_in(state)
    if g:is_final(state) then assert(#offered == 0 and #g:autoplays(state) == 0) end
    for _, action in ipairs(offered) do assert(g:can(state, action)) end
    local plays = g:next_autoplay(state, TIMES)
    if plays then
      assert(g:next_state(state, plays.action) == plays.to)
      assert(plays.at >= TIMES.created)
    end
  end
  for _, action in ipairs(g.actions) do check_action(g, action.name, states, action) end
  if #g.actions > 0 then assert(g:can(g.initial, g.first)) end
  assert(not g:has("no such action") and not g:is_repeatable("no such action"))
  assert(not tostring(g):find("%c"))
end

-- A graph is its own definition, too.
local function check_again(g)
  local again = graph.define(g)
  check_graph(again)
  for state in pairs(g.states) do
    assert(table.concat(g:actions_in(state), "\n") == table.concat(again:actions_in(state), "\n"))
  end
end

return function(input)
  local spec = build(bytes.reader(input))
  local made, g = pcall(graph.define, spec)
  if made then
    check_graph(g)
    check_again(g)
  else
    assert(type(g) == "string" and g:sub(1, 5) == "graph" and not g:find("%c"), g)
  end
end
