--- Sets how eagerly garbage is collected: the collector's pause and its step multiplier, in per cent. Lua 5.5 has
-- another way to set them.
-- @usage
-- local pace = require "spec.support.pace"
-- pace(0, 1000)
return function(pause, multiplier)
  if _VERSION > "Lua 5.4" then
    collectgarbage("param", "pause", pause)
    if multiplier then collectgarbage("param", "stepmul", multiplier) end
  else
    collectgarbage("setpause", pause)
    if multiplier then collectgarbage("setstepmul", multiplier) end
  end
end
