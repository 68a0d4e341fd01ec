--- Collects all garbage, what finalizers let go of included. Under LuaJIT, compiled code keeps the objects that it was
-- made for, so that goes first.
-- @usage
-- local collect = require "spec.support.collect"
-- collect()
return function()
  if jit then jit.flush() end
  collectgarbage()
  collectgarbage()
end
