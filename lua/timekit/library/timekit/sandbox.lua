---@meta timekit.sandbox
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.sandbox
local sandbox

return sandbox
