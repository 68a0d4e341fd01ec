--- Random graphs with everything that a definition can have: circles, loops, several arrows between two states, states
-- of the server, autoplays, long names.
local dice = require "spec.support.dice"
local graph = require "timekit.graph"

local random_graph = {}

local LETTERS = "abcdefghijklmnopqrstuvwxyz_"

local function name(throw, number)
  local letters = {}
  for index = 1, throw:integer(1, throw:chance(0.1) and 60 or 20) do
    local at = throw:integer(1, #LETTERS)
    letters[index] = LETTERS:sub(at, at)
  end
  return table.concat(letters) .. number
end

local function random_states(throw)
  local states, names = {}, {}
  for index = 1, throw:integer(1, 10) do
    names[index] = name(throw, index)
    states[names[index]] = { final = index > 1 and throw:chance(0.3), by_server = index > 1 and throw:chance(0.1) }
  end
  return states, names
end

--- Makes one.
-- @tparam integer seed
-- @treturn Graph
function random_graph.new(seed)
  local throw = dice.new("graph", seed)
  local states, names = random_states(throw)
  local actions = {}
  local function add(from, to)
    if states[names[from]].final then return end
    local autoplay = from < to and throw:chance(0.2)
      and { after = 300 * throw:integer(0, 5), from = throw:pick { "created", "end" } } or nil
    actions[#actions + 1] = { name = name(throw, #actions), from = names[from], to = names[to], autoplay = autoplay }
  end
  for index = 2, #names do
    local from
    repeat from = throw:integer(1, index - 1) until not states[names[from]].final
    if not states[names[index]].by_server then add(from, index) end
  end
  for _ = 1, throw:integer(0, #names) do add(throw:integer(1, #names), throw:integer(1, #names)) end
  local first
  for _, action in ipairs(actions) do
    if action.from == names[1] then first = first or action.name end
  end
  -- A graph needs a first action if it has any.
  if not first then
    actions = {}
    for index = 2, #names do states[names[index]].by_server = true end
  end
  return graph.define { name = "random", initial = names[1], first = first, states = states, actions = actions }
end

return random_graph
