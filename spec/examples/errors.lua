-- What a program asks an error. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local box = timekit.sandbox.new()
local tk = timekit.new { transport = box }

local function decline(handle)
  local booking, err = handle:decline { message = "Fully booked" }
  if booking then return "declined" end
  if err.already then return "declined before" end
  if err.kind == "uncertain" then return "not known, look before you repeat it: " .. err.cause.message end
  if err.kind == "transition" then return "too late, it is " .. err.state end
  if err.retryable then return "not declined, try again in " .. (err.retry_after or 60) .. " s" end
  return "not declined: " .. tostring(err)
end

local handle = tk:booking(assert(tk:create_booking {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
}))
box:fault { what = "status", status = 429, headers = { ["Retry-After"] = 3600 } }
print(decline(handle))
box:fault { what = "close", times = math.huge }
print(decline(handle))
box:clear_faults()
print(decline(handle))
print(decline(handle))
tk:close()

-- It prints:
-- not declined, try again in 3600 s
-- not known, look before you repeat it: the connection was lost before the answer (a planned fault)
-- declined
-- declined before
