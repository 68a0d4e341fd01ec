--- `GET /bookings/graphs/{graph}`: a graph as data (API.md 3). What Timekit answers there is not known.
-- @module timekit.sandbox.routes.graphs
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local replies = require "timekit.sandbox.routes.replies"

local describe = {}

-- Types and whether they are required; a check is a function, which JSON cannot say.
local function fields(specs)
  local shown = {}
  for name, spec in pairs(specs or {}) do shown[name] = { type = spec.type, required = spec.required == true } end
  return shown
end

-- Marked as a list for JSON, which the graph's own must not be.
local function list(items)
  local copy = {}
  for index, item in ipairs(items) do copy[index] = item end
  return core.array(copy)
end

--- Handles `GET /bookings/graphs/{graph}`.
-- Answers `name`, `initial`, `first`, `requires`, `settings`, `states` (a list of `name`, `final`) and `actions` (a
-- list of `name`, `from`, `to`, `inputs` and, where it plays by itself, `autoplay`).
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table reply
function describe.graph(call)
  local graph = rawget(graphs, call.params.graph)
  if not graph then
    return { status = 404, body = { error = "Resource does not exist", model = "Graph" } }
  end
  local states, actions = {}, {}
  for name, state in pairs(graph.states) do states[#states + 1] = { name = name, final = state.final == true } end
  table.sort(states, function(a, b) return a.name < b.name end)
  for index, action in ipairs(graph.actions) do
    local autoplay = action.autoplay
    actions[index] = {
      name = action.name, from = list(action.from), to = action.to, by = action.by, inputs = fields(action.inputs),
      autoplay = autoplay and { after = autoplay.after, from = autoplay.from, setting = autoplay.setting },
    }
  end
  return replies.data(200, {
    name = graph.name, initial = graph.initial, first = graph.first, requires = list(graph.requires),
    settings = fields(graph.settings), states = core.array(states), actions = core.array(actions),
  })
end

return describe
