--- What is wrong with a row by the known graphs.
-- A row does not tell the graph of its booking, so an action or an input is refused only if every graph refuses it.
-- @module timekit.cli.bulk.refusals

local timekit = require "timekit"
local messages = require "timekit.text.messages"

local refusals = {}

-- Action → its graphs, in the order of their names, once it was asked for; false: no graph has it.
local graphs_with = {}

local function graphs_of(action)
  local found = graphs_with[action]
  if found == nil then
    found = {}
    for _, graph in pairs(timekit.graphs) do
      if graph:has(action) then found[#found + 1] = graph end
    end
    table.sort(found, function(a, b) return a.name < b.name end)
    found = #found > 0 and found
    graphs_with[action] = found
  end
  return found
end

local function unknown(action)
  local names = {}
  for _, graph in pairs(timekit.graphs) do
    for _, entry in ipairs(graph.actions) do names[entry.name] = true end
  end
  return ("no known graph has an action %s%s"):format(messages.quote(action), messages.hint(action, names))
end

-- Action → input → its type, likewise.
local types = {}

local function types_of(action)
  local found = types[action]
  if not found then
    found = {}
    for _, graph in ipairs(graphs_of(action) or {}) do
      for _, entry in ipairs(graph.actions) do
        if entry.name == action then
          for name, input in pairs(entry.inputs) do found[name] = found[name] or input.type end
        end
      end
    end
    types[action] = found
  end
  return found
end

--- The type of an action's input, for what comes as text.
-- @tparam ?string action
-- @tparam string name
-- @treturn string|nil `string`, `boolean`, `number`, `integer` or `table`; nil where no graph tells
function refusals.input_type(action, name)
  return action and types_of(action)[name]
end

--- What is wrong with a row.
-- @tparam table row `id`, `action`, `inputs`
-- @tparam function handle_of function(id) that returns a handle, and raises on an id that no booking can have
-- @treturn string|nil
-- @treturn Booking|nil the handle, if nothing is wrong
function refusals.problem(row, handle_of)
  local id, action = row.id, row.action
  if id == nil then return "no id" end
  local ok, handle = pcall(handle_of, id)
  if not ok then return "id: " .. tostring(handle):gsub("^.*the id: ", "") end
  if action == nil then return "no action: give one in the row, or one for all rows behind the file" end
  if type(action) ~= "string" then return "action: expected a string, got " .. messages.describe(action) end
  local graphs = graphs_of(action)
  if not graphs then return unknown(action) end
  local first
  for _, graph in ipairs(graphs) do
    local is_good, reason = graph:check_inputs(action, row.inputs)
    if is_good then return nil, handle end
    first = first or reason
  end
  return first
end

return refusals
