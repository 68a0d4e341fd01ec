-- The graph `confirm_decline` (spec/api.md 3): the resource confirms or declines. The slot is not held until then.
local message = { message = { type = "string" } }

return {
  name = "confirm_decline",
  initial = "initialized",
  first = "create",
  states = {
    initialized = {},
    tentative = {},
    confirmed = { holds_slot = true },
    declined = { final = true },
    cancelled = { final = true },
    cancelled_by_customer = { final = true },
    rescheduled_by_customer = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "tentative" },
    { name = "confirm", from = "tentative", to = "confirmed", by = "resource" },
    {
      name = "decline", from = "tentative", to = "declined", by = "resource",
      inputs = { message = { type = "string" }, enabled = { type = "boolean" } },
    },
    { name = "cancel", from = "confirmed", to = "cancelled", by = "resource", inputs = message },
    {
      name = "cancel_by_customer", from = "confirmed", to = "cancelled_by_customer", by = "customer",
      inputs = message,
    },
    -- Timekit's documents disagree on whether this graph has a reschedule (spec/api.md 3). It is kept.
    { name = "reschedule_by_customer", from = "confirmed", to = "rescheduled_by_customer", by = "customer" },
    {
      name = "complete", from = "confirmed", to = "completed", by = "resource",
      autoplay = { after = 3600, from = "end" },
    },
  },
}
