-- A user saw: a decline that went out without its message, because the item of the batch gave its inputs by name.
local blame = require "spec.support.blame"
local timekit = require "timekit"

local EXPECTED = "item 2: expected { id, action, inputs, options }: "

describe("an item whose parts have names", function()
  local box = timekit.sandbox.new { now = 1893456000 }
  local tk = timekit.new { transport = box }

  local wrong = {
    ["'inputs' stands third"] = { "b2", "decline", inputs = { message = "Full" } },
    ["'options' stands fourth"] = { "b2", "confirm", options = { apply_to_bulked_bookings = false } },
    ["'id' stands first"] = { id = "b2", "confirm" },
    ["'action' stands second"] = { "b2", action = "confirm" },
  }

  it("raises, and nothing is sent", function()
    for expected, item in pairs(wrong) do
      for name, method in pairs { update_bookings = tk.update_bookings, batch = tk.batch } do
        local message = blame(function() method(tk, { { "b1", "confirm" }, item }) end)
        assert.matches(("client:%s: %s%s, without a name"):format(name, EXPECTED, expected), message, 1, true)
      end
    end
    assert.equal(0, #box:requests())
  end)

  it("may have others, which on_progress gets back", function()
    local booking = assert(tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    })
    local order
    local results = tk:batch({ { booking, "confirm", order = 7 } }, {
      on_progress = function(_, _, _, item) order = item.order end,
    })
    assert.same({ "confirmed", 7 }, { results[1][1].state, order })
  end)
end)
