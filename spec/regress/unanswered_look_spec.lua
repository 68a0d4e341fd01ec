-- A user saw: `wait_until("confirmed", { timeout = 60 })` spent all of its time on the first read, which was never
-- answered.
local clocks = require "spec.support.clock"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local failure = scripted.failure

describe("wait_until", function()
  local clock
  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  -- Waits for a booking whose server leaves the first reads unanswered. Returns what `wait_until` does, and the seconds
  -- that each read was given.
  local function wait(unanswered, seconds, settings)
    local times = {}
    settings.app_key, settings.retries = "test_key", 0
    settings.transport = scripted.new(function(request)
      times[#times + 1] = request.timeout
      if #times > unanswered then return scripted.booking "confirmed" end
      clock:advance(request.timeout)
      return failure("timeout", "maybe")
    end)
    local booking, info = timekit.new(settings):booking("b1"):wait_until("confirmed", { timeout = seconds })
    return booking, info, times
  end

  it("looks again when a look is not answered", function()
    local booking, info, times = wait(2, 60, {})
    assert.same({ "confirmed", 3, 22.5 }, { booking.state, info.attempts, info.elapsed })
    assert.same({ 10, 10, 10 }, times)
  end)

  it("gives a look no more time than the client gives a method", function()
    local booking, _, times = wait(1, 60, { timeout = 3 })
    assert.equal("confirmed", booking.state)
    assert.same({ 3, 3 }, times)
  end)

  it("gives a look no more time than is left", function()
    local booking, err, times = wait(math.huge, 13, {})
    assert.is_nil(booking)
    assert.equal("timeout", err.kind)
    assert.is_true(err.elapsed <= 13)
    assert.same({ 10, 2 }, times)
    assert.same({ 5 }, (select(3, wait(math.huge, 5, {}))))
  end)
end)
