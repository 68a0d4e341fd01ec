--- Runs Lua code in a process of its own that can set an unusual locale. The locale is made on the spot, since few
-- machines have one installed; localedef is part of every Debian (libc-bin).
local this_lua = require "spec.support.this_lua"

local locale = {}

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- Runs code where the locale "odd" has the categories of `source`, in the characters of `map`.
local function run(map, source, code)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -m 700 " .. folder))
  write(folder .. "/map", "<code_set_name> ODD\n<mb_cur_min> 1\n" .. map .. "END CHARMAP\n")
  write(folder .. "/source", source)
  write(folder .. "/code.lua", code)
  -- localedef complains about the categories that are left out, and writes the locale all the same.
  os.execute(("localedef -c -i %s/source -f %s/map %s/odd >/dev/null 2>&1"):format(folder, folder, folder))
  local process = assert(io.popen(("LOCPATH=%s %s %s/code.lua 2>&1"):format(folder, this_lua.command, folder)))
  local output = process:read("*a")
  process:close()
  os.execute("rm -r " .. folder)
  return output
end

--- Runs `code` where `os.setlocale("odd", "numeric")` makes `point` the decimal point.
-- @tparam string point the decimal point, ASCII or UTF-8
-- @tparam string code Lua source; single quotes only
-- @treturn string what the code printed
function locale.run(point, code)
  local bytes = point:gsub(".", function(c) return ("\\x%02x"):format(c:byte()) end)
  return run("<mb_cur_max> 4\nCHARMAP\n<U0001> " .. bytes .. " POINT\n",
    'LC_NUMERIC\ndecimal_point "<U0001>"\nthousands_sep ""\ngrouping -1\nEND LC_NUMERIC\n', code)
end

-- Turkish in one byte a character (ISO 8859-9): I and dotless i are a pair, dotted I and i another.
local TURKISH = [[
LC_CTYPE
upper <U0041>..<U005A>;<U00C0>..<U00DE>
lower <U0061>..<U007A>;<U00DF>..<U00FF>
digit <U0030>..<U0039>
space <U0009>..<U000D>;<U0020>;<U0085>
blank <U0009>;<U0020>
cntrl <U0000>..<U001F>;<U007F>..<U009F>
punct <U0021>..<U002F>;<U003A>..<U0040>;<U005B>..<U0060>;<U007B>..<U007E>;<U00A0>..<U00BF>
xdigit <U0030>..<U0039>;<U0041>..<U0046>;<U0061>..<U0066>
toupper (<U0069>,<U00DD>);(<U00FD>,<U0049>)%s
tolower (<U0049>,<U00FD>);(<U00DD>,<U0069>)%s
END LC_CTYPE
]]

--- Runs `code` where `os.setlocale("odd", "ctype")` makes letters, blanks and control characters those of a Turkish
-- locale in which each byte is a character.
-- @tparam string code Lua source
-- @treturn string what the code printed
function locale.run_turkish(code)
  local map, to_upper, to_lower = { "<mb_cur_max> 1\nCHARMAP\n" }, {}, {}
  for byte = 0, 255 do map[#map + 1] = ("<U%04X> \\x%02x C\n"):format(byte, byte) end
  for byte = ("A"):byte(), ("Z"):byte() do
    if byte ~= ("I"):byte() then
      to_upper[#to_upper + 1] = (";(<U%04X>,<U%04X>)"):format(byte + 32, byte)
      to_lower[#to_lower + 1] = (";(<U%04X>,<U%04X>)"):format(byte, byte + 32)
    end
  end
  return run(table.concat(map), TURKISH:format(table.concat(to_upper), table.concat(to_lower)), code)
end

return locale
