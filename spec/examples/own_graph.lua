-- A graph of your own, and questions to graphs. Nothing is sent.
local timekit = require "timekit"

timekit.graphs.define {
  name = "walk_in", initial = "initialized", first = "arrive",
  states = { initialized = {}, present = { holds_slot = true }, gone = { final = true } },
  actions = {
    { name = "arrive", from = "initialized", to = "present" },
    { name = "leave", from = "present", to = "gone", inputs = {
      rating = { type = "integer", check = function(n) return n >= 1 and n <= 5, "expected 1 to 5" end },
    } },
  },
}

local walk_in = timekit.graphs.walk_in
print(walk_in:can("present", "leave"), walk_in:next_state("present", "leave"))
print(timekit.graphs.confirm_decline:can("declined", "confirm"))

local tk = timekit.new { app_key = "test_api_key_1" }
print(tk:booking { id = "1", graph = "walk_in" }:leave { rating = 6 })
tk:close()

-- It prints:
-- true	gone
-- false	action 'confirm' is not possible in the state 'declined', which is final
-- nil	timekit: input: inputs.rating: expected 1 to 5
