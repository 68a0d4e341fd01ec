--- `timekit graph [NAME]`.
-- @module timekit.cli.commands.graph

local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local timekit = require "timekit"

local graph = {
  examples = {
    "timekit graph confirm_decline --state confirmed",
    "timekit graph confirm_decline -o svg > confirm_decline.svg",
    "timekit graph",
  },
  formats = { "text", "dot", "mermaid", "svg", "json", "table", "jsonl", "id" },
  words = { name = "graph", ["--state"] = "state" },
}

local PICTURES = { text = true, dot = true, mermaid = true, svg = true }

function graph.define(command)
  command:description("Draws a booking graph, with -o text (unless given), dot, mermaid, svg or json; no request is "
    .. "sent. Without a NAME it lists the graphs.")
  command:argument("name", "a graph, such as instant"):args("?")
  command:option("--state", "the state that the picture marks"):argname("STATE")
end

-- Data as JSON has it: a definition may hold functions, which check inputs.
local function plain(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, item in pairs(value) do
    if type(item) ~= "function" then copy[name] = plain(item) end
  end
  -- A graph without actions has an empty list of them.
  if copy.actions then timekit.array(copy.actions) end
  return copy
end

local function names_of(graphs)
  local names = {}
  for name in pairs(graphs) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function list_graphs(context, graphs)
  local list = context.output:list()
  for _, name in ipairs(names_of(graphs)) do
    local states, actions = timekit.array {}, timekit.array {}
    for state in pairs(graphs[name].states) do states[#states + 1] = state end
    for index, action in ipairs(graphs[name].actions) do actions[index] = action.name end
    table.sort(states)
    list:add { id = name, initial = graphs[name].initial, states = states, actions = actions }
  end
  list:finish()
  return exits.DONE
end

function graph.run(context, args)
  local graphs = timekit.graphs
  local format = args.output
  if not args.name then
    if PICTURES[format] then failure.raise("usage", "-o %s: a picture needs the name of a graph", format) end
    if args.state then failure.raise("usage", "--state: it needs the name of a graph") end
    return list_graphs(context, graphs)
  end
  local found = rawget(graphs, args.name)
  if not found then
    failure.raise("usage", "no graph '%s': there are %s", args.name, table.concat(names_of(graphs), ", "))
  end
  if format == "json" then
    context.output:one(plain(found))
  elseif format == nil or PICTURES[format] then
    context:out(failure.guard(function()
      local picture = found:picture { format = format or "text", state = args.state }
      return picture
    end))
  else
    failure.raise("usage", "-o %s: a graph is drawn as text, dot, mermaid, svg or json", format)
  end
  return exits.DONE
end

return graph
