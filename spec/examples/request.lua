-- A request that this library has no method for. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }
assert(tk:create_booking { graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" })

local list, info = tk:request("GET", "/bookings", {
  query = { limit = 1 }, headers = { ["Timekit-Timezone"] = "Europe/Copenhagen" },
})
print(#list, info.status, info.envelope.per_page)

local data, err = tk:request("PUT", "/bookings/no such id/confirm", { body = {}, timeout = 5 })
print(data, err.kind, err.message)
tk:close()

-- It prints:
-- 1	200	1
-- nil	not_found	Resource does not exist
