-- A user saw: "the client's own rate limit allows the next request in 0 seconds", of bulk requests whose time was up.
local clocks = require "spec.support.clock"
local machine = require "spec.support.machine"
local retry = require "timekit.call.retry"
local shared_rate = require "timekit.call.shared_rate"

describe("a bulk request that a shared rate refuses at its deadline", function()
  local clock, limiter
  -- Redis says that bulk's next token is there after half a second.
  local link = {
    engine = function() return "engine" end, run = function() end,
    ask_script = function() return { 1, "0", "-1", "500000", "0" } end,
  }
  local host = {
    pump = { closed = false, wake = function() end },
    runtime = {
      sleep = function(seconds) clock:advance(seconds) end,
      wait = function(_, _, seconds) clock:advance(seconds) end,
    },
  }

  before_each(function()
    clock = clocks.install()
    limiter = shared_rate.new({
      per_second = 1, burst = 1, name = "x", bulk_share = 0.1, when_lost = "share",
    }, link, function() return 1 end)
  end)
  after_each(function() clock:remove() end)

  -- The error of a request that has so many seconds.
  local function error_of(seconds)
    local policy = { limiter = limiter, retries = 0, random = math.random }
    local subject = retry.new(machine.READ, policy, clock.time + seconds)
    local verb, left = subject:next(clock.time)
    assert.equal("book", verb)
    subject:told(clock.time, limiter:book(host, left, true))
    return subject.problem
  end

  it("promises nothing where the token's time is not known", function()
    local after_a_pause = error_of(0.6)
    limiter.bulk_until = clock.time + 60
    local in_the_queue = error_of(0.6)
    for _, err in ipairs { after_a_pause, in_the_queue } do
      assert.same({ "rate_limited", "the client's own rate limit allowed no request in time" },
        { err.kind, err.message })
      assert.is_nil(err.retry_after)
    end
  end)

  it("names the time that Redis has named", function()
    local err = error_of(0.4)
    assert.same({ "the client's own rate limit allows the next request in 0.5 seconds", 0.5 },
      { err.message, err.retry_after })
  end)
end)
