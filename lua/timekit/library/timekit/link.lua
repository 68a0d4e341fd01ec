---@meta timekit.link
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.link
local link

return link
