--- The Lua that runs this suite.
local this_lua = {}

local first = 0
while arg[first - 1] do first = first - 1 end

--- The command that starts another one: a word for a shell.
this_lua.command = arg[first]

--- What make calls it: `lua5.4`, `luajit`.
this_lua.name = jit and "luajit" or "lua" .. _VERSION:match("%d%.%d")

--- The version of its module folders, such as `5.4`.
this_lua.version = _VERSION:match("%d%.%d")

--- Whether it closes variables at the end of their block (`<close>`).
this_lua.closes = (loadstring or load)("local variable <close> = nil") ~= nil -- luacheck: ignore 113

return this_lua
