--- Who may ask: Basic authentication with an app key, or as a resource (spec/api.md 1).
-- @module timekit.sandbox.routes.auth
local wire = require "timekit.sandbox.model.wire"

local auth = {}

--- Checks the key of a request.
-- App key: the user name is empty and the password is the key. Resource (deprecated): e-mail and key, and the header
-- Timekit-App.
-- @tparam table headers with lower-case names
-- @tparam table keys from `timekit.sandbox.model.keyring`
-- @treturn function|nil signs a text with the key; nil when the request may not ask
-- @treturn ?boolean is it a test key?
function auth.check(headers, keys)
  local user, key = wire.credentials(headers.authorization)
  if not user or user ~= "" and (headers["timekit-app"] or "") == "" then return nil end
  local sign = keys.accept(key)
  if not sign then return nil end
  return sign, key:find("^test_") ~= nil
end

return auth
