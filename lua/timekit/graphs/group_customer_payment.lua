-- The graph `group_customer_payment` (API.md 3): takes a seat of a `group_owner` booking, to be paid.
return {
  name = "group_customer_payment",
  initial = "initialized",
  first = "create",
  requires = { "related.owner_booking_id" },
  seats = "customer",
  settings = { timeout = { type = "table" } },
  states = {
    initialized = {},
    tentative = {},
    -- [conflict] of API.md 3, as in instant_payment: not final, since actions leave it.
    paid = {},
    unpaid = { final = true },
    cancelled_by_customer = { final = true },
    cancelled_by_owner = { final = true },
    completed = { final = true },
    error = { final = true, by_server = true },
  },
  actions = {
    { name = "create", from = "initialized", to = "tentative" },
    { name = "pay", from = "tentative", to = "paid", by = "customer", inputs = { payment_id = { type = "string" } } },
    {
      -- API.md 3 gives no delay here; that of instant_payment, and its setting, are taken.
      name = "timeout", from = "tentative", to = "unpaid", by = "system",
      autoplay = { after = 300, from = "created", setting = "timeout" },
    },
    -- [conflict] of API.md 3: one page prints cancelled_by_customer as the target when tentative, which is taken for a
    -- slip. The choice there is cancelled_by_owner.
    { name = "cancel_by_owner", from = { "tentative", "paid" }, to = "cancelled_by_owner", by = "owner" },
    { name = "cancel_by_customer", from = "paid", to = "cancelled_by_customer", by = "customer" },
    { name = "complete", from = "paid", to = "completed", by = "resource", autoplay = { after = 3600, from = "end" } },
  },
}
