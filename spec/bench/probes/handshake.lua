--- A program: what new connections cost a frame. `lua handshake.lua URL AT_ONCE CALLS` confirms that often, so
-- many at once, and prints a line for each batch: the longest `start` and the longest `tk:update()`, in milliseconds
-- on the wall and of CPU, and the CPU of all of it.
local actions = require "spec.bench.actions"
local core = require "timekit.core"

local URL, AT_ONCE, CALLS = arg[1], tonumber(arg[2]), tonumber(arg[3])
-- Seconds.
local PATIENCE = 30

local function timed(longest, work, ...)
  local began, cpu_began = core.now(), os.clock()
  local result = work(...)
  longest.cpu = math.max(longest.cpu, (os.clock() - cpu_began) * 1000)
  longest.wall = math.max(longest.wall, (core.now() - began) * 1000)
  return result
end

local tk = actions.client { base_url = URL, timeout = PATIENCE }
-- As on a game's loading screen: the first update loads what is not loaded yet.
tk:update()

local function batch()
  local start, update, calls = { wall = 0, cpu = 0 }, { wall = 0, cpu = 0 }, {}
  local cpu_began = os.clock()
  for index = 1, AT_ONCE do calls[index] = timed(start, actions.start, tk) end
  while timed(update, tk.update, tk) > 0 do core.sleep(0.0002) end
  local cpu = (os.clock() - cpu_began) * 1000
  for _, call in ipairs(calls) do assert(call:result()) end
  print(("%.3f %.3f %.3f %.3f %.3f"):format(start.wall, start.cpu, update.wall, update.cpu, cpu))
end

for _ = 1, CALLS / AT_ONCE do batch() end
tk:close()
