--- The known graphs: name → graph. `pairs` lists them. An unknown name gives nil and does not raise, since the server
-- may know graphs that this module does not.
-- @module timekit.graphs
-- @see timekit.graph
-- @usage
-- local graphs = require "timekit.graphs"
-- for name, g in pairs(graphs) do print(name, g.initial, g.first) end
-- graphs.confirm_decline:actions_in("tentative")   --> { "confirm", "decline" }
local graph = require "timekit.graph"

local graphs = {}
local registry = {}

--- Adds a graph, or replaces the known one of the same name.
-- Raises when the definition is wrong (see `timekit.graph.define`), or takes the name of a function of this module.
-- Code that still holds a replaced graph can go on using it, as it was.
-- @function define
-- @tparam Definition|Graph definition as for `timekit.graph.define`
-- @treturn Graph the graph, from now on also found under its name
-- @usage
-- timekit.graphs.define {
--   name = "walk_in", initial = "initialized", first = "arrive",
--   states = { initialized = {}, present = { final = true } },
--   actions = { { name = "arrive", from = "initialized", to = "present" } },
-- }
-- timekit.graphs.walk_in:can("initialized", "arrive")   --> true
function registry.define(definition)
  local new = graph.define(definition, 3)
  if registry[new.name] then
    error(("graph '%s': the name is taken by the function timekit.graphs.%s"):format(new.name, new.name), 2)
  end
  rawset(graphs, new.name, new)
  return new
end

--- Does any known graph have such an action?
-- @function is_action
-- @tparam string name
-- @treturn boolean
-- @usage timekit.graphs.is_action("decline")   --> true
function registry.is_action(name)
  for _, known in pairs(graphs) do
    if known:has(name) then return true end
  end
  return false
end

for _, name in ipairs {
  "instant", "confirm_decline", "instant_payment",
  "group_owner", "group_customer", "group_customer_payment", "reservation",
} do
  rawset(graphs, name, graph.known(require("timekit.graphs." .. name)))
end

return setmetatable(graphs, {
  __index = registry,
  __newindex = function() error("add a graph with timekit.graphs.define(definition)", 2) end,
})
