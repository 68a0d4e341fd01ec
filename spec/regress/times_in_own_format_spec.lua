-- A user saw: times as unix seconds were taken by a creation, and refused by a move and by a list; with a format of
-- their own for answers, what plays next was not known and a move that had been made stayed in doubt.
local timekit = require "timekit"

local START, STOP = 1898582400, 1898586000   -- 2030-03-01T08:00:00Z and an hour later

local function client(options)
  local box = timekit.sandbox.new { now = 1893456000 }
  options.transport, options.retries = box, 0
  return timekit.new(options), box
end

local function create(tk)
  return assert(tk:create_booking { graph = "instant", start = START, ["end"] = STOP })
end

describe("a client that writes unix seconds", function()
  it("creates, moves, reserves and lists by them", function()
    local tk = client { input_timestamp_format = "U" }
    local booking = create(tk)
    assert(tk:booking(booking):reschedule { start = START + 86400, ["end"] = STOP + 86400 })
    assert(tk:reserve { start = START, ["end"] = STOP })
    local found = {}
    for one in tk:bookings { start = START + 80000, ["end"] = STOP + 90000 } do found[#found + 1] = one.id end
    assert.same({ booking.id }, found)
    assert.equal(0, assert(tk:bookings_page { ["end"] = START }).total)
  end)

  it("finds a move out that was made and not answered", function()
    local tk, box = client { input_timestamp_format = "U" }
    local booking = create(tk)
    box:fault { match = "POST /v2/bookings/*/reschedule", when = "after", what = "close" }
    local moved, info = tk:booking(booking):reschedule { start = START + 86400, ["end"] = STOP + 86400 }
    assert.is_table(moved, tostring(info))
    assert.is_true(info.reconciled)
  end)

  it("is told where numbers are no times", function()
    local tk = client {}
    assert.has_error(function() tk:bookings_page { start = START } end)
    local none, err = tk:booking("b1"):reschedule { start = START, ["end"] = STOP }
    assert.same({ nil, "input" }, { none, err.kind })
    assert.is_table(err.fields.start)
  end)
end)

describe("a client that is answered in a format of its own", function()
  for _, format in ipairs { "U", "d.m.Y H:i", "D, d M y" } do
    it("knows what plays next, waits, and finds a move out: " .. format, function()
      local tk, box = client { input_timestamp_format = "U", output_timestamp_format = format }
      local booking = create(tk)
      local handle = tk:booking(booking)
      local action, at = handle:next_autoplay()
      assert.same({ "complete", STOP + 3600 }, { action, at })
      assert.equal("confirmed", assert(handle:wait_until("confirmed", { timeout = 5 })).state)
      box:fault { match = "POST /v2/bookings/*/reschedule", when = "after", what = "close" }
      local moved, info = handle:reschedule { start = START + 86400, ["end"] = STOP + 86400 }
      assert.is_table(moved, tostring(info))
      assert.is_true(info.reconciled)
    end)
  end
end)
