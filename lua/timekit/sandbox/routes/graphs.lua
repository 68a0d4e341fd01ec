--- `GET /bookings/graphs/{graph}`: a graph as data (spec/api.md 3). Timekit's own answer is unknown.
-- @module timekit.sandbox.routes.graphs
local core = require "timekit.core"
local known_graphs = require "timekit.graphs"
local replies = require "timekit.sandbox.routes.replies"

local graphs = {}

-- Types, and which fields are required. JSON cannot hold a check, which is a function.
local function describe_fields(specs)
  local shown = {}
  for name, spec in pairs(specs or {}) do shown[name] = { type = spec.type, required = spec.required == true } end
  return shown
end

-- A copy that JSON shows as a list also when it is empty. The graph's own table must not be marked so.
local function list(items)
  local copy = {}
  for index, item in ipairs(items) do copy[index] = item end
  return core.array(copy)
end

--- Describes a graph.
-- @tparam Graph graph
-- @treturn table for JSON: `name`, `initial`, `first`, `requires`, `settings`, `states` (a list of `name`, `final`) and
--   `actions` (a list of `name`, `from`, `to`, `by`, `inputs` and, where it plays by itself, `autoplay`)
function graphs.describe(graph)
  local states, actions = {}, {}
  for name, state in pairs(graph.states) do states[#states + 1] = { name = name, final = state.final == true } end
  table.sort(states, function(a, b) return a.name < b.name end)
  for index, action in ipairs(graph.actions) do
    local autoplay = action.autoplay
    actions[index] = {
      name = action.name, from = list(action.from), to = action.to, by = action.by,
      inputs = describe_fields(action.inputs),
      autoplay = autoplay and { after = autoplay.after, from = autoplay.from, setting = autoplay.setting },
    }
  end
  return {
    name = graph.name, initial = graph.initial, first = graph.first, requires = list(graph.requires),
    settings = describe_fields(graph.settings), states = core.array(states), actions = core.array(actions),
  }
end

--- Handles `GET /bookings/graphs/{graph}`.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function graphs.show(request)
  local graph = rawget(known_graphs, request.params.graph)
  if not graph then return replies.not_found("Graph") end
  return replies.data(200, graphs.describe(graph))
end

return graphs
