-- What is certain to be refused is not sent. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }

local booking, err = tk:create_booking { graph = "group_customer", action = "confirm" }
print(booking, err.kind, err.sent)
print(err.fields["related.owner_booking_id"][1])
print(err.fields.action[1])

booking, err = tk:create_booking {
  graph = "instant", start = "2030-03-01T08:00:00", ["end"] = "2030-03-01T09:00:00Z",
}
print(booking, err.message)

-- Timekit judges what is not known here, such as another graph.
booking, err = tk:create_booking { graph = "walk_in" }
print(booking, err.kind, err.sent)
tk:close()

-- It prints:
-- nil	input	no
-- required by the graph 'group_customer'
-- graph 'group_customer' has no action 'confirm'
-- nil	start: the time zone is missing: end with Z or an offset such as +0100
-- nil	validation	yes
