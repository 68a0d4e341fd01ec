-- A user saw: a bulk request told as forbidden and without effect, although it had confirmed its first booking.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local FORBIDDEN = scripted.answer(403, '{"error":"This booking belongs to somebody else"}')

local function booking(id, state)
  return scripted.answer(200, ('{"data":{"id":"%s","graph":"confirm_decline","state":"%s"}}'):format(id, state))
end

-- A server that confirms the first booking and finds that it may not touch the second.
local function client(first, second)
  return timekit.new { app_key = "test_key", retries = 0, transport = scripted.new(function(request)
    if request.method ~= "GET" then return FORBIDDEN end
    return request.target:find "^/bookings/b1" and first or second
  end) }
end

local ITEMS = { { "b1", "confirm" }, { "b2", "confirm" } }

describe("a bulk request that is forbidden as a whole", function()
  it("is looked into, booking by booking", function()
    local results = assert(client(booking("b1", "confirmed"), FORBIDDEN):update_bookings(ITEMS))
    assert.same({ "confirmed", true }, { results[1][1].state, results[1][2].reconciled })
    assert.same({ "uncertain", "auth" }, { results[2][2].kind, results[2][2].cause.kind })
    results = assert(client(booking("b1", "tentative"), booking("b2", "tentative")):update_bookings(ITEMS))
    for index = 1, 2 do
      local err = results[index][2]
      assert.same({ "auth", "tentative", "yes", 403 }, { err.kind, err.state, err.sent, err.status })
    end
  end)

  it("leaves in doubt whether some were created", function()
    local slot = { graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }
    local none, err = client():create_bookings { slot, slot }
    assert.same({ nil, "uncertain", "auth" }, { none, err.kind, err.cause.kind })
  end)

  it("had no effect where it is about one item alone, or takes all back", function()
    local none, err = client():update_bookings { ITEMS[1] }
    assert.same({ nil, "auth" }, { none, err.kind })
    none, err = client():update_bookings(ITEMS, { reset_all_on_error = true })
    assert.same({ nil, "auth" }, { none, err.kind })
  end)
end)
