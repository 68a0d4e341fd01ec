--- Who may ask: Basic authentication by app key, or by resource (API.md 1).
-- @module timekit.sandbox.auth
local wire = require "timekit.sandbox.wire"

local auth = {}

--- Checks a request.
-- App key: empty user name, the key as password. Resource (deprecated): e-mail and key, and the header Timekit-App.
-- @tparam table headers with lower-case names
-- @tparam function accepts function(key) → boolean
-- @treturn boolean
-- @treturn ?boolean whether the key is one for tests
function auth.check(headers, accepts)
  local user, key = wire.credentials(headers.authorization)
  if not user or not accepts(key) then return false end
  if user ~= "" and (headers["timekit-app"] or "") == "" then return false end
  return true, key:find("^test_") ~= nil
end

return auth
