--- `/_sandbox/graphs`: the graphs that the sandbox knows, and their pictures.
-- @module timekit.sandbox.served.control.graphs
local core = require "timekit.core"
local known = require "timekit.graphs"
local messages = require "timekit.text.messages"
local replies = require "timekit.sandbox.routes.replies"
local routes = require "timekit.sandbox.routes.graphs"

local graphs = {}

local TYPES = { svg = "image/svg+xml", text = "text/plain; charset=utf-8", dot = "text/plain; charset=utf-8",
  mermaid = "text/plain; charset=utf-8" }

--- Handles `GET /_sandbox/graphs`.
-- @treturn table reply
function graphs.list()
  local list = {}
  for _, graph in pairs(known) do list[#list + 1] = routes.describe(graph) end
  table.sort(list, function(a, b) return a.name < b.name end)
  return replies.data(200, core.array(list))
end

--- Handles `GET /_sandbox/graphs/{graph}/picture`.
-- @tparam table _ box
-- @tparam table request
-- @treturn table reply
function graphs.picture(_, request)
  local graph = rawget(known, request.params[1])
  if not graph then
    return replies.error(404, "no such graph" .. messages.hint(request.params[1], known))
  end
  local query, past = request.query, {}
  for name in (query.past or ""):gmatch("%S+") do past[#past + 1] = name end
  local format = query.format or "svg"
  local ok, drawn = pcall(graph.picture, graph, {
    format = format, state = query.state ~= "" and query.state or nil, past = past,
  })
  -- `picture` raises for wrong options, which are the client's mistake here. Any other error is ours.
  if not ok then return replies.error(422, tostring(drawn):match("picture: (.*)") or error(drawn, 0)) end
  return { status = 200, text = drawn, type = TYPES[format] }
end

return graphs
