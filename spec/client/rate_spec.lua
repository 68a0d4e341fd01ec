-- The client's own rate limit: the bucket, what it learns from answers, and how operations wait for it.
local clocks = require "spec.support.clock"
local machine = require "spec.support.machine"
local rate = require "timekit.call.rate"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local rounded = machine.rounded

-- What `take` says, so many times at the same moment.
local function take(limiter, now, count)
  local waits = {}
  for index = 1, count do waits[index] = limiter:take(now) end
  return rounded(waits)
end

describe("a bucket", function()
  it("lets a burst through, and then as many as the rate allows", function()
    local limiter = rate.new { per_second = 10, burst = 3 }
    assert.same({ 0, 0, 0, 0.1, 0.2, 0.3 }, take(limiter, 100, 6))
  end)

  it("fills with time, but not beyond the burst", function()
    local limiter = rate.new { per_second = 4, burst = 2 }
    assert.same({ 0, 0 }, take(limiter, 100, 2))
    assert.same({ 0, 0.25 }, take(limiter, 100.25, 2))
    -- The booked token is there at 100.5; at 100.625 half a token is left over.
    assert.same({ 0.125 }, take(limiter, 100.625, 1))
    assert.same({ 0, 0, 0.25 }, take(limiter, 1000, 3))
  end)

  it("takes rates below one a second, and fractions", function()
    local limiter = rate.new { per_second = 0.1, burst = 1 }
    assert.same({ 0, 10, 20 }, take(limiter, 0, 3))
    assert.same({ 25 }, take(limiter, 5, 1))
    limiter = rate.new { per_second = 1 / 3, burst = 1 }
    assert.same({ 0, 3 }, take(limiter, 7, 2))
  end)

  it("is as good as new after its tokens were given back", function()
    local limiter = rate.new { per_second = 10, burst = 2 }
    assert.same({ 0, 0, 0.1 }, take(limiter, 0, 3))
    limiter:give_back()
    assert.same({ 0.1 }, take(limiter, 0, 1))
    for _ = 1, 10 do limiter:give_back() end
    assert.same({ 0, 0, 0.1 }, take(limiter, 0, 3))
  end)

  it("does not run backwards with a clock that does", function()
    local limiter = rate.new { per_second = 10, burst = 2 }
    assert.same({ 0, 0, 0.1 }, take(limiter, 100, 3))
    assert.same({ 0.2 }, take(limiter, 99, 1))
  end)
end)

describe("an answer", function()
  it("of 429 or 503 empties the bucket and halves the rate, down to a sixteenth", function()
    for _, status in ipairs { 429, 503 } do
      for refusals, per_second in ipairs { 8, 4, 2, 1, 1, 1 } do
        local limiter = rate.new { per_second = 16, burst = 4 }
        for _ = 1, refusals do limiter:learn(0, status) end
        assert.same({ 1 / per_second, 2 / per_second }, take(limiter, 0, 2))
      end
    end
  end)

  it("of 429 leaves what is booked already", function()
    local limiter = rate.new { per_second = 10, burst = 1 }
    assert.same({ 0, 0.1, 0.2 }, take(limiter, 0, 3))
    limiter:learn(0, 429)
    assert.same({ 0.6 }, take(limiter, 0, 1))
  end)

  it("of any other kind gives the rate back by steps of a thirty-second, and not more than there was", function()
    for _, status in ipairs { 200, 201, 404, 422, 500 } do
      local limiter = rate.new { per_second = 32, burst = 1 }
      limiter:learn(0, 429)
      limiter:learn(0, status)
      assert.same({ 0.058824 }, take(limiter, 0, 1)) -- 17 a second
      limiter:give_back()
      for _ = 1, 15 do limiter:learn(0, status) end
      assert.same({ 0.03125 }, take(limiter, 0, 1))
      limiter:give_back()
      for _ = 1, 100 do limiter:learn(0, status) end
      assert.same({ 0.03125 }, take(limiter, 0, 1))
    end
  end)

  it("that did not come teaches nothing", function()
    local limiter = rate.new { per_second = 10, burst = 2 }
    limiter:learn(0, nil, nil)
    assert.same({ 0, 0, 0.1 }, take(limiter, 0, 3))
    limiter:learn(0, 429)
    limiter:learn(0, nil)
    assert.same({ 0.4 }, take(limiter, 0, 1))
  end)

  it("caps the burst by what the server says is left", function()
    local limiter = rate.new { per_second = 10, burst = 5 }
    limiter:learn(0, 200, 2)
    assert.same({ 0, 0, 0.1 }, take(limiter, 0, 3))
    limiter = rate.new { per_second = 10, burst = 5 }
    limiter:learn(0, 200, 599)
    assert.same({ 0, 0, 0, 0, 0, 0.1 }, take(limiter, 0, 6))
    -- Nor does it pay for tokens that are booked already.
    limiter:learn(0, 200, 599)
    assert.same({ 0.2 }, take(limiter, 0, 1))
    limiter = rate.new { per_second = 10, burst = 5 }
    limiter:learn(0, 404, 0)
    assert.same({ 0.1 }, take(limiter, 0, 1))
    -- Later the client's own rate decides again.
    assert.same({ 0, 0 }, take(limiter, 0.3, 2))
  end)
end)

describe("a client's rate", function()
  local clock

  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  local function client(plan, options)
    local given = { app_key = "k_test", transport = scripted.new(plan) }
    for name, value in pairs(options) do given[name] = value end
    return timekit.new(given), given.transport
  end

  local function confirmed() return scripted.booking "confirmed" end

  it("is shared by all its operations", function()
    local tk, transport = client(confirmed, { rate = { per_second = 10, burst = 2 } })
    assert(tk:booking("b1"):confirm())
    assert(tk:booking("b2"):get())
    assert(tk:create_booking { graph = "confirm_decline" })
    assert(tk:booking("b3"):can("cancel"))
    assert.same({ 0.1, 0.1 }, rounded(clock.slept))
    assert.equal(4, #transport.requests)
  end)

  it("is its own", function()
    local one, two = client(confirmed, { rate = { per_second = 1, burst = 1 } }), client(confirmed,
      { rate = { per_second = 1, burst = 1 } })
    assert(one:booking("b1"):get())
    assert(two:booking("b1"):get())
    assert.same({}, clock.slept)
  end)

  it("is none unless asked for", function()
    local tk = client(confirmed, {})
    for _ = 1, 100 do assert(tk:booking("b1"):get()) end
    assert.same({}, clock.slept)
  end)

  it("has a burst of one second's requests, at least of one", function()
    for per_second, burst in pairs { [3] = 3, [2.5] = 3, [0.5] = 1 } do
      local tk = client(confirmed, { rate = { per_second = per_second } })
      clock.slept = {}
      for _ = 1, burst do assert(tk:booking("b1"):get()) end
      assert.same({}, clock.slept)
      assert(tk:booking("b1"):get())
      assert.same(rounded { 1 / per_second }, rounded(clock.slept))
    end
  end)

  it("counts every try and every look", function()
    local plan = {
      scripted.failure("network", "maybe"), scripted.booking "tentative", scripted.answer(500), confirmed(),
      confirmed(),
    }
    local tk, transport = client(plan, { rate = { per_second = 0.1, burst = 1 }, timeout = 100 })
    local began = clock.time
    local _, info = tk:booking("b1"):confirm()
    assert.same({ 2, true }, { info.attempts, info.reconciled })
    assert.equal(4, #transport.requests)
    -- Looks are paced by the rate; the repeat's own pause runs beside it, and the limit only adds what is missing.
    assert.is_true(clock.time - began >= 30 and clock.time - began < 30.5, clock.time - began)
    assert(tk:booking("b1"):get())
    assert.is_true(clock.time - began >= 40 and clock.time - began < 40.5, clock.time - began)
  end)

  it("slows down when the server says so", function()
    for _, status in ipairs { 429, 503 } do
      clock.slept = {}
      local tk = client({ confirmed(), scripted.answer(status), confirmed(), confirmed() },
        { rate = { per_second = 8, burst = 8 }, retries = 0 })
      assert(tk:booking("b1"):get())
      assert.equal("rate_limited", select(2, tk:booking("b1"):get()).kind)
      assert(tk:booking("b1"):get())
      assert(tk:booking("b1"):get())
      -- Half of 8 a second; and a thirty-second more after the first answer that is no refusal.
      assert.same({ 0.25, 0.235294 }, rounded(clock.slept))
    end
  end)

  it("follows x-ratelimit-remaining, of a failure as well", function()
    for _, status in ipairs { 200, 422 } do
      clock.slept = {}
      local told = status == 200 and confirmed() or scripted.answer(422)
      told.headers = { ["x-ratelimit-remaining"] = "1" }
      local tk = client({ told, confirmed(), confirmed() }, { rate = { per_second = 2, burst = 100 } })
      tk:booking("b1"):get()
      assert(tk:booking("b1"):get())
      assert.same({}, clock.slept)
      assert(tk:booking("b1"):get())
      assert.same({ 0.5 }, clock.slept)
    end
  end)

  it("takes time that counts against the deadline", function()
    local tk, transport = client(confirmed, { rate = { per_second = 0.1, burst = 1 } })
    assert(tk:booking("b1"):get())
    assert(tk:booking("b1"):get { timeout = 12 })
    assert.same({ 10 }, clock.slept)
    assert.is_true(math.abs(transport.requests[2].timeout - 2) < 1e-6)
  end)

  it("ends an operation that it would keep waiting for too long, at once and without sending", function()
    local tk, transport = client(confirmed, { rate = { per_second = 0.1, burst = 1 }, timeout = 5 })
    assert(tk:booking("b1"):get())
    local operations = {
      function() return tk:booking({ id = "b1", graph = "confirm_decline", state = "tentative" }):confirm() end,
      function() return tk:booking("b1"):get() end,
      function() return tk:booking("b1"):actions() end,
      function() return tk:create_booking { graph = "confirm_decline" } end,
    }
    for _, operation in ipairs(operations) do
      local none, err = operation()
      assert.is_nil(none)
      assert.same({ "rate_limited", "no", true, 0, 0 },
        { err.kind, err.sent, err.retryable, err.attempts, err.elapsed })
      assert.is_true(math.abs(err.retry_after - 10) < 1e-6)
      assert.is_nil(err.status)
      assert.matches("^timekit: rate_limited: .*rate limit.* 10 seconds", tostring(err))
    end
    assert.same({}, clock.slept)
    assert.equal(1, #transport.requests)
    -- A request that was not sent is not counted.
    clock:advance(10)
    assert(tk:booking("b1"):get())
  end)

  it("is not used up by operations that are refused before sending", function()
    local tk = client(confirmed, { rate = { per_second = 0.1, burst = 1 } })
    for _ = 1, 10 do
      assert.equal("input", select(2, tk:booking({ id = "b1", graph = "instant" }):decline()).kind)
    end
    assert(tk:booking("b1"):get())
    assert.same({}, clock.slept)
  end)
end)
