-- A user saw: an action told as failed after a gateway's error page, and applied a moment later.
local clocks = require "spec.support.clock"
local timekit = require "timekit"

local PAGE = "<html><title>Application error</title></html>"

-- Confirms a booking; the first request arrives after so many others, behind an answer of its own. What came of it, and
-- how often it was applied in the end.
local function confirm(late, options)
  local box = timekit.sandbox.new()
  local given = { transport = box }
  for name, value in pairs(options) do given[name] = value end
  local tk = timekit.new(given)
  local created = assert(tk:create_booking {
    graph = "confirm_decline", start = "2030-01-01T10:00:00Z", ["end"] = "2030-01-01T11:00:00Z",
  })
  late.match, late.what = "PUT /v2/bookings/*/confirm", "late"
  box:fault(late)
  local done, info = tk:booking(created):confirm()
  for _ = 1, late.after_requests do tk:booking(created.id):get() end
  local times = 0
  for _, step in ipairs(box:bookings()[1].history) do
    if step.action == "confirm" then times = times + 1 end
  end
  tk:close()
  return done, info, times
end

describe("an action that a gateway gave up, and that comes later", function()
  local clock

  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  for status, body in pairs { [502] = PAGE, [503] = PAGE, [504] = "" } do
    for after_requests = 1, 4 do
      it(("after %d requests, behind %d, is never called a failure"):format(after_requests, status), function()
        for _, options in ipairs {
          { retries = 0 }, { retries = 1 }, { retries = 2 }, { uncertain = "report" },
        } do
          local done, info, times = confirm({ status = status, body = body, after_requests = after_requests }, options)
          assert.equal(1, times)
          assert.is_true(done ~= nil or info.kind == "uncertain" and not info.retryable, tostring(info))
        end
      end)
    end
  end
end)
