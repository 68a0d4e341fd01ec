-- A list of 100,000 bookings: what the loop over it keeps in memory.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local TOTAL = 100000
local MEGABYTE = 1024

-- A server of TOTAL bookings. Those that `changed` names seem to have changed a moment ago.
local function server(changed)
  local transport
  transport = scripted.new(function(request)
    transport.requests = {}
    local limit, number = request.target:match("limit=(%d+)"), request.target:match("page=(%d+)") or 1
    limit, number = tonumber(limit), tonumber(number)
    local first, last = (number - 1) * limit + 1, math.min(number * limit, TOTAL)
    local items = {}
    for index = first, last do
      items[#items + 1] = {
        id = ("58190fc6-1ec0-4ebb-b627-%012d"):format(index), graph = "instant", state = "confirmed", completed = false,
        created_at = "2029-01-01T00:00:00+0000",
        updated_at = index == changed and "2031-01-01T00:00:00+0000" or "2029-01-01T00:00:00+0000",
      }
    end
    return scripted.answer(200, core.encode {
      data = timekit.array(items), total = TOTAL, per_page = tostring(limit), current_page = number,
      last_page = math.ceil(TOTAL / limit),
    }, { date = "Tue, 01 Jan 2030 00:00:00 GMT" })
  end)
  return transport
end

local function kept()
  collectgarbage()
  collectgarbage()
  return collectgarbage("count")
end

describe("a list of 100,000 bookings", function()
  -- A list that has changed has to be looked through twice.
  for name, changed in pairs { ["at rest"] = 0, ["of which one has changed"] = 50000 } do
    it(name .. " comes once each, within 20 MB beyond a page", function()
      local tk = timekit.new { app_key = "test_key", transport = server(changed) }
      local count, before, after = 0, nil, nil
      for booking in tk:bookings { limit = 1000 } do
        count = count + 1
        if count == 1 then before = kept() end
        if count == TOTAL then after = kept() end
        assert(booking.id)
      end
      assert.equal(TOTAL, count)
      assert.is_true(after - before < 20 * MEGABYTE, after - before)
    end)
  end
end)
