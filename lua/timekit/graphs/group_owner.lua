-- The graph `group_owner` (spec/api.md 3): offers the seats that `group_customer` and `group_customer_payment` take.
return {
  name = "group_owner",
  initial = "initialized",
  first = "create",
  seats = "owner",
  settings = {
    max_seats = { type = "integer", check = function(seats) return seats >= 1, "expected at least 1" end },
    -- Durations such as "1 day", as `timekit.graph.duration` reads them.
    min_cancel_time = { type = "string" },
    min_booking_time = { type = "string" },
    max_booking_time = { type = "string" },
  },
  states = {
    initialized = {},
    -- Timekit's documents do not say whether it holds the owner's slot.
    tentative = {},
    cancelled = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "tentative" },
    {
      name = "cancel", from = "tentative", to = "cancelled", by = "resource",
      inputs = { message = { type = "string" } },
    },
    {
      name = "complete", from = "tentative", to = "completed", by = "resource",
      autoplay = { after = 3600, from = "end" },
    },
  },
}
