-- A user saw: doubt about every booking of a bulk request that was refused for a misspelt include.
local timekit = require "timekit"

local SLOT = { graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

describe("an unknown include", function()
  local box, tk

  before_each(function()
    box = timekit.sandbox.new { now = 1893456000 }
    tk = timekit.new { transport = box, retries = 0 }
  end)

  local function assert_refused(none, err)
    assert.same({ nil, "validation", "yes", 422, 1 }, { none, err.kind, err.sent, err.status, err.attempts })
    assert.is_table(err.fields.include)
    assert.matches("nonsense", tostring(err), 1, true)
  end

  it("of several bookings to create", function()
    assert_refused(tk:create_bookings({ SLOT, SLOT }, { include = "nonsense" }))
    assert.equal(0, #box:bookings())
  end)

  it("of several actions", function()
    local items = {}
    for index = 1, 2 do items[index] = { assert(tk:create_booking(SLOT)).id, "confirm" } end
    local before = #box:requests()
    assert_refused(tk:update_bookings(items, { include = { "meta", "nonsense" } }))
    assert.equal(before + 1, #box:requests())
    for _, booking in ipairs(box:bookings()) do assert.equal("tentative", booking.state) end
  end)
end)
