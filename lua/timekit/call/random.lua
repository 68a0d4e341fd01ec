--- Random numbers for jitter. Lua's own generator belongs to the program, which may have seeded it on purpose, and
-- before 5.4 it starts the same in every process.
-- @module timekit.call.random

local core = require "timekit.core"

local random = {}

-- Park and Miller's generator: good enough to spread retries, and the same on every Lua.
local MODULUS, MULTIPLIER = 2147483647, 48271

--- Makes a generator.
-- @tparam ?integer seed default: made from the clocks and an address, so that processes do not wait in step
-- @treturn function returns a number from 0 to 1, without 1
function random.new(seed)
  if not seed then
    seed = math.floor(core.now() * 1e6) + os.time()
    for digit in tostring({}):gmatch("%x") do seed = (seed * 16 + tonumber(digit, 16)) % MODULUS end
  end
  local state = seed % (MODULUS - 1) + 1
  return function()
    state = state * MULTIPLIER % MODULUS
    return (state - 1) / (MODULUS - 1)
  end
end

return random
