--- The signature of a webhook's delivery (API.md 6): what the header `x-timekit-signature` holds.
-- Pure.
-- @module timekit.signing.webhook

local core = require "timekit.core"

local webhook_signature = {}

--- Signs a delivery.
-- @tparam string secret the webhook's
-- @tparam string raw_body
-- @treturn string the HMAC-SHA256 in 64 hexadecimal digits, lower case
function webhook_signature.make(secret, raw_body)
  return (core.hmac_sha256(secret, raw_body):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

return webhook_signature
