-- Action links: made and signed here, taken apart and checked here. Nothing is sent.
local timekit = require "timekit"
local tk = timekit.new { app_key = "test_api_key_1" }

local url = assert(tk:booking("58190fc6"):link("cancel_by_customer", { redirect = "https://example.com/bye" }))
local found = timekit.link.parse(url)          -- anybody can have made it
print(found.booking_id, found.action, found.redirect)

print((timekit.link.verify(url, "test_api_key_1")))
print(timekit.link.verify(url:gsub("58190fc6", "58190fc7"), "test_api_key_1"))
print(tk:booking("58190fc6"):link("cancle"))
tk:close()

-- It prints:
-- 58190fc6	cancel_by_customer	https://example.com/bye
-- true
-- false	its token is for another booking
-- nil	timekit: input: no known graph has an action 'cancle', did you mean 'cancel'?
