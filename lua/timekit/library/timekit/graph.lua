---@meta timekit.graph
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.graph
local graph

return graph
