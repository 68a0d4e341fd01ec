---@meta timekit.webhook
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.webhook
local webhook

return webhook
