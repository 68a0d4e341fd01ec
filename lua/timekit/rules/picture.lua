--- Draws a graph: as text for a terminal, for graphviz, for Mermaid, or as an SVG.
-- Pure: no I/O. Users call it as `graph:picture`.
-- @module timekit.rules.picture
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local outline = require "timekit.rules.picture.outline"

local picture = {}

local FORMATS = {
  text = require "timekit.rules.picture.text", dot = require "timekit.rules.picture.dot",
  mermaid = require "timekit.rules.picture.mermaid", svg = require "timekit.rules.picture.svg",
}

local OPTIONS = {
  format = { type = "string", one_of = { "text", "dot", "mermaid", "svg" } },
  state = { type = "string" },
  past = { type = "table" },
}

-- What is wrong with the name of a state; nil when nothing is.
local function state_problem(data, state)
  if type(state) ~= "string" then return "expected the name of a state, got " .. messages.describe(state) end
  if data.states[state] then return nil end
  return ("graph %s has no state %s%s"):format(
    messages.quote(data.name), messages.quote(state), messages.hint(state, data.states))
end

local function problem_of(data, options)
  local problems = fields.check(OPTIONS, options, "", true)
  if problems[1] then return table.concat(problems, "; ") end
  local problem = options.state and state_problem(data, options.state)
  if problem then return "state: " .. problem end
  local count = 0
  for key in pairs(options.past or {}) do
    count = count + 1
    if type(key) ~= "number" then return "past: expected a list of states, got the key " .. messages.quote(key) end
  end
  for index = 1, count do
    problem = state_problem(data, options.past[index])
    if problem then return ("past[%d]: %s"):format(index, problem) end
  end
  return nil
end

--- Draws a graph.
-- Raises when an option is wrong.
-- @tparam table data the definition of the graph, with every `from` as a list
-- @tparam ?table options as for `graph:picture`
-- @tparam integer level the caller to blame for an error, as for Lua's `error`
-- @treturn string the picture
function picture.draw(data, options, level)
  if options == nil then options = {} end
  local problem = problem_of(data, options)
  if problem then error("picture: " .. problem, level + 1) end
  return (FORMATS[options.format or "text"].draw(outline.of(data, options.state, options.past or {})))
end

return picture
