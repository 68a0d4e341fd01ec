--- A program: what it costs to ask whether an action is possible. `lua check.lua COUNT` prints the microseconds of CPU
-- for each, asked of a handle and of a graph.
local actions = require "spec.bench.actions"
local timekit = require "timekit"

local COUNT = tonumber(arg[1])

local function time(can, ...)
  local began = os.clock()
  for _ = 1, COUNT do assert(can(...)) end
  return (os.clock() - began) / COUNT * 1e6
end

local handle = actions.client({ transport = timekit.sandbox.new() }):booking(actions.TENTATIVE)
local graph = timekit.graphs.confirm_decline
print(time(handle.can, handle, "confirm"), time(graph.can, graph, "tentative", "confirm"))
