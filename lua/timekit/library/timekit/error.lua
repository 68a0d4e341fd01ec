---@meta timekit.error
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.error
local error

return error
