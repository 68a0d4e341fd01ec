-- Cancels a booking, with a message for the customer. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }
local handle = tk:booking(assert(tk:create_booking {
  graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
}))

local function cancel()
  local booking, err = handle:cancel { message = "We are closed on Friday. Sorry!" }
  if booking then return "cancelled" end
  if err.already then return "it was cancelled before" end
  if err.kind == "transition" then return "not possible any more: " .. err.state end
  if err.kind == "uncertain" then return "not known yet, look at it again: " .. tostring(err) end
  return "not cancelled: " .. tostring(err)
end

print((handle:can("cancel")))
print(cancel())
print(cancel())
print(handle:can("cancel"))
tk:close()

-- It prints:
-- true
-- cancelled
-- it was cancelled before
-- false	action 'cancel' is not possible in the state 'cancelled', which is final
