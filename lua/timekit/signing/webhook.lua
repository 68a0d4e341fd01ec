--- The signature of a webhook's delivery (spec/api.md 6): what the header `x-timekit-signature` holds.
-- Pure: no I/O.
-- @module timekit.signing.webhook

local core = require "timekit.core"

local webhook_signature = {}

--- Signs a delivery.
-- @tparam string secret the webhook's secret
-- @tparam string raw_body
-- @treturn string the HMAC-SHA256 as 64 hexadecimal digits in lower case
-- @usage webhook_signature.make("secret", '{"id":"b1"}')   --> "c776dcd7…"
function webhook_signature.make(secret, raw_body)
  return (core.hmac_sha256(secret, raw_body):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

return webhook_signature
