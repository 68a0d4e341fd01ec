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

--- A name that nobody else makes: 32 hexadecimal digits. They are the system's random bytes; where these are out of
-- reach, in a chroot say, they are made from the clocks and addresses.
-- @treturn string
function random.id()
  local file = io.open("/dev/urandom", "rb")
  local bytes = file and file:read(16)
  if file then file:close() end
  local draw = not bytes and random.new()
  local digits = {}
  for index = 1, 16 do digits[index] = ("%02x"):format(bytes and bytes:byte(index) or math.floor(draw() * 256)) end
  return table.concat(digits)
end

return random
