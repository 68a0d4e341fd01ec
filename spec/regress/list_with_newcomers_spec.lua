-- A user saw: a loop that confirmed each booking of a list, and created another one for it, missed some of those that
-- were there from the beginning. As many bookings came as had matched, all within one second, so the loop took the
-- newcomers for them.
local sandbox_server = require "spec.support.sandbox_server"
local timekit = require "timekit"

local COUNT = 6

describe("a list that keeps its length while it is read", function()
  local server, tk
  setup(function()
    server = sandbox_server.start()
    tk = timekit.new { app_key = "test_api_key_1", base_url = server.url }
  end)
  teardown(function()
    tk:close()
    server:close()
  end)

  local function create(client)
    return assert(client:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }).id
  end

  for who, others in pairs { ["the loop's body"] = false, ["another client"] = true } do
    for _, prefetch in ipairs { false, true } do
      it(("brings all that were there, changed by %s, prefetch %s"):format(who, tostring(prefetch)), function()
        assert.equal(200, (server:request("POST", "/_sandbox/reset")))
        local old, found, count = {}, 0, 0
        for _ = 1, COUNT do old[create(tk)] = true end
        local actor = others and timekit.new { app_key = "test_api_key_1", base_url = server.url } or tk
        for booking in tk:bookings { search = { state = "tentative" }, limit = 2, prefetch = prefetch } do
          count = count + 1
          if old[booking.id] then found = found + 1 end
          if count <= COUNT then
            assert(actor:booking(booking.id):confirm())
            create(actor)
          end
        end
        assert.equal(COUNT, found)
        if others then actor:close() end
      end)
    end
  end
end)
