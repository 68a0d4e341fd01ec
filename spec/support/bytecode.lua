--- `make install BYTECODE=1`: replaces installed modules by what this Lua compiles them to. Line numbers and names
-- stay, so errors tell the same. Arguments: the folder, the one it will be in the end, the files.
local folder, final = arg[1], arg[2]

local compile = loadstring or load -- luacheck: ignore 113

for index = 3, #arg do
  local path = folder .. "/" .. arg[index]
  local file = assert(io.open(path, "rb"))
  local source = file:read("*a")
  file:close()
  local chunk = assert(compile(source, "@" .. final .. "/" .. arg[index]))
  file = assert(io.open(path, "wb"))
  assert(file:write(string.dump(chunk)))
  assert(file:close())
end
