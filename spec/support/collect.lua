--- Collects all garbage, also what finalizers let go of. LuaJIT's compiled code keeps objects alive, so it is flushed
-- first.
-- @usage
-- local collect = require "spec.support.collect"
-- collect()
return function()
  if jit then jit.flush() end
  collectgarbage()
  collectgarbage()
end
