--- Seeded randomness for the specs: the same seed gives the same decisions, on every Lua.
local dice = {}
dice.__index = dice

local floor = math.floor

-- L'Ecuyer's two combined generators (1988); every product stays below 2^53, so floats and integers agree.
local M1, A1, M2, A2 = 2147483563, 40014, 2147483399, 40692

-- The generators are linear, so neighbouring seeds would give neighbouring numbers for ever; squares end that.
local function mix(state, byte, factor)
  for _ = 1, 4 do
    local high, low = floor(state / 65536), state % 65536
    state = (low * factor + high * high + byte) % 2147483000
  end
  return state
end

--- Makes dice.
-- @param ... what they depend on: whole numbers and texts, such as a seed, a purpose and a number
-- @treturn table
function dice.new(...)
  local a, b = 1, 1
  for _, part in ipairs { ... } do
    for char in (tostring(part) .. ";"):gmatch(".") do
      a, b = mix(a, char:byte(), 40503), mix(b, char:byte(), 60493)
    end
  end
  return setmetatable({ a = a + 1, b = b + 1 }, dice)
end

--- @treturn number from 0 to 1, 1 left out
function dice:number()
  self.a = A1 * self.a % M1
  self.b = A2 * self.b % M2
  return (self.a - self.b) % (M1 - 1) / (M1 - 1)
end

--- @treturn number a whole one from `low` to `high`, both included
function dice:integer(low, high)
  return low + floor(self:number() * (high - low + 1))
end

--- @tparam number probability from 0 to 1
-- @treturn boolean
function dice:chance(probability)
  return self:number() < probability
end

--- @tparam table list
-- @return one of its elements
function dice:pick(list)
  return list[self:integer(1, #list)]
end

--- @tparam table list of `{ weight, value }`
-- @return one of the values, the heavier the more often
function dice:weighted(list)
  local total = 0
  for _, entry in ipairs(list) do total = total + entry[1] end
  local left = self:number() * total
  for _, entry in ipairs(list) do
    left = left - entry[1]
    if left < 0 then return entry[2] end
  end
  return list[#list][2]
end

return dice
