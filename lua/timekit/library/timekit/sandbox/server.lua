---@meta timekit.sandbox.server
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.sandbox.server
local server

return server
