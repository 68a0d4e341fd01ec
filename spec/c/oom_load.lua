-- What test_oom_lua.c loads while memory runs out, and again afterwards.
return function()
  local timekit = require "timekit"
  local count = 0
  for name, graph in pairs(timekit.graphs) do
    assert(graph.name == name and graph:is_final(graph.initial) == false)
    count = count + 1
  end
  assert(count == 7 and timekit.sandbox.new())
  return true
end
