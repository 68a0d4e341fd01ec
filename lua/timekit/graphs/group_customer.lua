-- The graph `group_customer` (spec/api.md 3): takes a seat of a `group_owner` booking.
local message = { message = { type = "string" } }

return {
  name = "group_customer",
  initial = "initialized",
  first = "create",
  requires = { "related.owner_booking_id" },
  seats = "customer",
  states = {
    initialized = {},
    confirmed = {},
    cancelled_by_customer = { final = true },
    cancelled_by_owner = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "confirmed" },
    {
      name = "cancel_by_customer", from = "confirmed", to = "cancelled_by_customer", by = "customer",
      inputs = message,
    },
    { name = "cancel_by_owner", from = "confirmed", to = "cancelled_by_owner", by = "owner", inputs = message },
    {
      name = "complete", from = "confirmed", to = "completed", by = "resource",
      autoplay = { after = 3600, from = "end" },
    },
  },
}
