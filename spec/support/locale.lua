--- Runs Lua code in a process of its own that can set a locale with an unusual decimal point. The locale is made on
-- the spot, since few machines have one installed; localedef is part of every Debian (libc-bin).
local this_lua = require "spec.support.this_lua"

local locale = {}

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Runs `code` where `os.setlocale("odd", "numeric")` makes `point` the decimal point.
-- @tparam string point the decimal point, ASCII or UTF-8
-- @tparam string code Lua source; single quotes only
-- @treturn string what the code printed
function locale.run(point, code)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -m 700 " .. folder))
  local bytes = point:gsub(".", function(c) return ("\\x%02x"):format(c:byte()) end)
  write(folder .. "/map",
    "<code_set_name> ODD\n<mb_cur_min> 1\n<mb_cur_max> 4\nCHARMAP\n<U0001> " .. bytes .. " POINT\nEND CHARMAP\n")
  write(folder .. "/source",
    'LC_NUMERIC\ndecimal_point "<U0001>"\nthousands_sep ""\ngrouping -1\nEND LC_NUMERIC\n')
  write(folder .. "/code.lua", code)
  -- localedef complains about the categories that are left out, and writes the locale all the same.
  os.execute(("localedef -c -i %s/source -f %s/map %s/odd >/dev/null 2>&1"):format(folder, folder, folder))
  local process = assert(io.popen(("LOCPATH=%s %s %s/code.lua 2>&1"):format(folder, this_lua.command, folder)))
  local output = process:read("*a")
  process:close()
  os.execute("rm -r " .. folder)
  return output
end

return locale
