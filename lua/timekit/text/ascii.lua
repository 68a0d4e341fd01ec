--- Characters and numbers without the locale.
-- Lua's `%a`, `%c`, `%l`, `%p`, `%s`, `%u`, `%w`, `string.lower` and `string.upper` follow the program's locale: in a
-- Turkish one `I` and `i` are not a pair, in a Latin-1 one bytes of UTF-8 are letters and control characters. The
-- decimal point of `tostring`, `%g` and, before Lua 5.3, `tonumber` is the locale's as well. `%d` and `%x` mean the
-- same in every locale.
-- @module timekit.text.ascii

local ascii = {}

--- What stands in a pattern's brackets for control characters, blanks (line ends included), letters, and letters and
-- digits.
-- @usage text:find("[" .. ascii.CONTROL .. "]")
ascii.CONTROL, ascii.BLANK, ascii.LETTER, ascii.ALNUM = "%z\1-\31\127", " \t-\r", "A-Za-z", "A-Za-z0-9"

local LOWER = {}
for code = ("A"):byte(), ("Z"):byte() do LOWER[string.char(code)] = string.char(code + 32) end

--- Writes the letters A to Z small.
-- @tparam string text
-- @treturn string
function ascii.lower(text)
  return (text:gsub("[A-Z]", LOWER))
end

local CONTROL = "[" .. ascii.CONTROL .. "]"

--- Has a text a control character?
-- @tparam string text
-- @treturn boolean
function ascii.has_control(text)
  return text:find(CONTROL) ~= nil
end

local NOT_BLANK = "[^" .. ascii.BLANK .. "]"

--- Is there anything but blanks in a text?
-- @tparam string text
-- @treturn boolean
function ascii.says_something(text)
  return text:find(NOT_BLANK) ~= nil
end

--- Writes a number with a point.
-- @tparam number value
-- @tparam[opt=14] integer digits how many of them count
-- @treturn string
function ascii.number(value, digits)
  return (("%." .. (digits or 14) .. "g"):format(value):gsub("[^0-9a-z+-]+", "."))
end

-- A double holds no more of them, and a few hundred would make it infinite.
local FRACTION_DIGITS = 15

--- Reads a decimal number, such as `30` or `2.5`.
-- @tparam string text
-- @treturn number|nil
function ascii.decimal(text)
  local whole, fraction = text:match("^(%d+)%.?(%d*)$")
  if not whole then return nil end
  fraction = fraction:sub(1, FRACTION_DIGITS)
  return fraction == "" and tonumber(whole) or tonumber(whole) + tonumber(fraction) / 10 ^ #fraction
end

return ascii
