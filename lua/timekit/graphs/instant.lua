-- The graph `instant` (spec/api.md 3): confirmed as soon as it is created.
local message = { message = { type = "string" } }

return {
  name = "instant",
  initial = "initialized",
  first = "confirm",
  states = {
    initialized = {},
    confirmed = { holds_slot = true },
    cancelled = { final = true },
    cancelled_by_customer = { final = true },
    rescheduled_by_customer = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "confirm", from = "initialized", to = "confirmed" },
    { name = "cancel", from = "confirmed", to = "cancelled", by = "resource", inputs = message },
    {
      name = "cancel_by_customer", from = "confirmed", to = "cancelled_by_customer", by = "customer",
      inputs = message,
    },
    { name = "reschedule_by_customer", from = "confirmed", to = "rescheduled_by_customer", by = "customer" },
    {
      name = "complete", from = "confirmed", to = "completed", by = "resource",
      autoplay = { after = 3600, from = "end" },
    },
  },
}
