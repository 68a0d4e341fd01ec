-- A webhook's delivery: is it genuine, and what does it say? webhook.conf is a whole receiver in nginx.
local timekit = require "timekit"
local tk = timekit.new { app_key = "test_api_key_1" }
local body = '{"id":"58190fc6","graph":"confirm_decline","state":"tentative","completed":false,"isTest":true}'
local signature = "ff4012fa02270b8fba590e4a527a7d1d58bd1f40c85808fdc50668dc93150790"

print(timekit.webhook.verify(body, signature, "whsec_1"))
print(timekit.webhook.verify(body .. " ", signature, "whsec_1"))

local handle, booking = timekit.webhook.parse(body, { client = tk })
print(handle.state, handle.is_test, booking.id, table.concat(handle:actions(), ", "))
print(select(2, timekit.webhook.parse("junk")).kind)
tk:close()

-- It prints:
-- true
-- false	the signature is wrong
-- tentative	true	58190fc6	confirm, decline
-- response
