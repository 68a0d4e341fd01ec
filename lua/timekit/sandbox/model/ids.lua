--- Identifiers from a seed: the same seed gives the same ids in the same order, on every Lua.
-- @module timekit.sandbox.model.ids

local ids = {}

local floor = math.floor

-- L'Ecuyer's two combined generators (1988). Every product stays below 2^53, so floats and integers agree.
local M1, A1, M2, A2 = 2147483563, 40014, 2147483399, 40692

local function draw(source)
  source.a = A1 * source.a % M1
  source.b = A2 * source.b % M2
  return (source.a - source.b) % (M1 - 1)
end

--- Makes a source of ids.
-- @tparam number seed any whole number
-- @tparam number stream a small whole number; sources with one seed and different streams are independent
-- @treturn table plain data
function ids.new(seed, stream)
  local source = { a = 1 + seed % (M1 - 1), b = 1 + (seed + stream * 104729) % (M2 - 1) }
  -- Neighbouring seeds give similar first numbers, so these are skipped.
  for _ = 1, 8 do draw(source) end
  return source
end

--- Draws the next id.
-- @tparam table source from `ids.new`; it changes
-- @treturn string a UUID of version 4
function ids.next(source)
  local words = {}
  for index = 1, 8 do words[index] = floor(draw(source) / 32768) end
  words[4] = words[4] % 4096 + 0x4000
  words[5] = words[5] % 16384 + 0x8000
  return ("%04x%04x-%04x-%04x-%04x-%04x%04x%04x"):format(
    words[1], words[2], words[3], words[4], words[5], words[6], words[7], words[8])
end

return ids
