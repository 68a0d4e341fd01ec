-- The graph `instant_payment` (API.md 3): holds the slot while the customer pays.
return {
  name = "instant_payment",
  initial = "initialized",
  first = "create", -- called `tentative` until 2017-09
  settings = { timeout = { type = "table" } },
  states = {
    initialized = {},
    tentative = { holds_slot = true },
    -- [conflict] of API.md 3: the reference calls `paid` final although actions leave it. Not final here; the server's
    -- `completed` is the authority.
    paid = { holds_slot = true },
    unpaid = { final = true },
    cancelled = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "tentative" },
    -- No source says that `payment_id` is required, so its absence is left to the server to judge.
    { name = "pay", from = "tentative", to = "paid", by = "customer", inputs = { payment_id = { type = "string" } } },
    {
      name = "timeout", from = "tentative", to = "unpaid", by = "system",
      autoplay = { after = 300, from = "created", setting = "timeout" },
    },
    { name = "cancel", from = "paid", to = "cancelled", by = "resource", inputs = { message = { type = "string" } } },
    { name = "complete", from = "paid", to = "completed", by = "resource", autoplay = { after = 3600, from = "end" } },
  },
}
