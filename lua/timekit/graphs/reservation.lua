-- The graph `reservation` (spec/api.md 3): holds a slot until a booking is created with it, or it expires. It is driven
-- by POST /bookings/reserve and PUT /bookings/reserve/extend; no action leads from state to state.
return {
  name = "reservation",
  initial = "reserved",
  create = false,
  states = {
    reserved = { holds_slot = true },
    expired = { final = true, by_server = true },
  },
  actions = {},
}
