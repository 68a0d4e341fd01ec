---@meta timekit.graphs
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.graphs
local graphs

return graphs
