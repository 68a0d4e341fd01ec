--- Random JSON texts from seeded dice, and the same texts with random damage.
local json_text = {}

local SPACES = { "", "", "", "", " ", "\n", "\t", "\r\n", "    " }
local WORDS = { "true", "false", "null", "0", "-0", "1", "-1", "1.0", "-0.0", "1e2", "[]", "{}", '""' }
local KEYS = { "a", "a", "b", "c", "id", "state", "", "\\u0061", "\\\"", "1" }
local PIECES = {
  "a", "timekit", " ", "é", "€", "😀", "\127", "\\n", "\\\\", "\\\"", "\\/", "\\u0000", "\\u00e9", "\\uD83D\\ude00",
  "\\ud7ff", ("x"):rep(30), "[1,{}]", "-0", "//",
}
local RARE_PIECES = { "\\ud800", "\\udc00", "\\ud83dx", "\1", "\t", "\255", "\237\160\128", "\240\159", "\\x", "\0" }

-- So many digits, the first of which is not 0.
local function digits(dice, count)
  local made = { dice:integer(1, 9) }
  for i = 2, count do made[i] = dice:integer(0, 9) end
  return table.concat(made)
end

local function number(dice)
  local text = (dice:chance(0.3) and "-" or "") .. (dice:chance(0.2) and "0" or digits(dice, dice:integer(1, 22)))
  if dice:chance(0.4) then text = text .. "." .. ("0"):rep(dice:integer(0, 3)) .. digits(dice, dice:integer(1, 20)) end
  if dice:chance(0.3) then
    text = text .. dice:pick{ "e", "E" } .. dice:pick{ "", "+", "-" } .. dice:integer(0, dice:pick{ 9, 40, 330 })
  end
  return text
end

local function quoted(dice)
  local parts = {}
  for i = 1, dice:pick{ 0, 1, 1, 3, 8 } do parts[i] = dice:pick(dice:chance(0.005) and RARE_PIECES or PIECES) end
  return '"' .. table.concat(parts) .. '"'
end

local value

local function list(dice, depth, open, close, item)
  local parts = {}
  for i = 1, dice:pick{ 0, 1, 2, 3, 9 } do
    parts[i] = dice:pick(SPACES) .. item(dice, depth + 1) .. dice:pick(SPACES)
  end
  return open .. (#parts == 0 and dice:pick(SPACES) or table.concat(parts, ",")) .. close
end

local function member(dice, depth)
  local key = dice:chance(0.8) and '"' .. dice:pick(KEYS) .. '"' or quoted(dice)
  return key .. dice:pick(SPACES) .. ":" .. dice:pick(SPACES) .. value(dice, depth)
end

function value(dice, depth)
  local kind = dice:integer(1, depth < 5 and 10 or 6)
  if kind <= 2 then return number(dice) end
  if kind <= 4 then return quoted(dice) end
  if kind <= 6 then return dice:pick(WORDS) end
  if kind <= 8 then return list(dice, depth, "[", "]", value) end
  return list(dice, depth, "{", "}", member)
end

--- A text; nearly always JSON.
-- @tparam table dice
-- @treturn string
function json_text.new(dice)
  local deep = dice:chance(0.05) and dice:integer(55, 65) or 0
  return ("["):rep(deep) .. dice:pick(SPACES) .. value(dice, 0) .. dice:pick(SPACES) .. ("]"):rep(deep)
end

local DAMAGES = {
  function(dice, text, at) return text:sub(1, at - 1) .. text:sub(at + dice:integer(1, 4)) end,
  function(_, text, at) return text:sub(1, at) end,
  function(dice, text, at) return text:sub(1, at - 1) .. string.char(dice:integer(0, 255)) .. text:sub(at + 1) end,
  function(dice, text, at)
    local characters = "[]{},:\"\\-+.eE019 \n\0\239tfn/u"
    local one = dice:integer(1, #characters)
    return text:sub(1, at - 1) .. characters:sub(one, one) .. text:sub(at)
  end,
  function(dice, text, at)
    local other = dice:integer(1, #text)
    return text:sub(1, at) .. text:sub(other)
  end,
}

--- Damages a text in one to three places.
-- @tparam table dice
-- @tparam string text not an empty one
-- @treturn string
function json_text.damaged(dice, text)
  for _ = 1, dice:integer(1, 3) do
    if #text > 0 then text = dice:pick(DAMAGES)(dice, text, dice:integer(1, #text)) end
  end
  return text
end

return json_text
