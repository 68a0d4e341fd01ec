-- The graph `instant_payment` (spec/api.md 3): holds the slot while the customer pays.
return {
  name = "instant_payment",
  initial = "initialized",
  first = "create", -- its name was `tentative` until 2017-09
  settings = { timeout = { type = "table" } },
  states = {
    initialized = {},
    tentative = { holds_slot = true },
    -- Timekit's reference calls `paid` final although actions leave it (spec/api.md 3). It is not final here; the
    -- server's `completed` is the authority.
    paid = { holds_slot = true },
    unpaid = { final = true },
    cancelled = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "tentative" },
    -- Timekit's documents do not say that `payment_id` is required, so the server decides.
    { name = "pay", from = "tentative", to = "paid", by = "customer", inputs = { payment_id = { type = "string" } } },
    {
      name = "timeout", from = "tentative", to = "unpaid", by = "system",
      autoplay = { after = 300, from = "created", setting = "timeout" },
    },
    { name = "cancel", from = "paid", to = "cancelled", by = "resource", inputs = { message = { type = "string" } } },
    { name = "complete", from = "paid", to = "completed", by = "resource", autoplay = { after = 3600, from = "end" } },
  },
}
