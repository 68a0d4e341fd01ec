-- The graph `group_customer_payment` (spec/api.md 3): takes a seat of a `group_owner` booking, to be paid.
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
    -- Not final, since actions leave it, as in instant_payment.
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
      -- Timekit's documents give no delay for this graph (spec/api.md 3). It has that of instant_payment, and its
      -- setting.
      name = "timeout", from = "tentative", to = "unpaid", by = "system",
      autoplay = { after = 300, from = "created", setting = "timeout" },
    },
    -- One of Timekit's pages prints cancelled_by_customer as the target when tentative (spec/api.md 3). That seems to
    -- be a misprint: every other action of an owner leads to cancelled_by_owner.
    { name = "cancel_by_owner", from = { "tentative", "paid" }, to = "cancelled_by_owner", by = "owner" },
    { name = "cancel_by_customer", from = "paid", to = "cancelled_by_customer", by = "customer" },
    { name = "complete", from = "paid", to = "completed", by = "resource", autoplay = { after = 3600, from = "end" } },
  },
}
