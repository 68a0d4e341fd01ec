--- Debian's copas 4, which is there from forky on, and which lacks two modules that it needs: one has no files for Lua
-- 5.4, but those for 5.3 will do; the other one is not packaged. That one is about `copas.timeout` alone, which is not
-- tested here. Raises if the copas that is found has no `pause`.
package.path = package.path .. ";/usr/share/lua/5.3/?.lua"

local has_timers, timers = pcall(require, "timerwheel")
package.loaded.timerwheel = has_timers and timers or { new = function() return { step = function() end } end }

return assert(require("copas").pause and require "copas")
