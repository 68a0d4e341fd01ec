-- When a request is tried again, how often, and after which pause.
local budget = require "timekit.call.budget"
local machine = require "spec.support.machine"
local random = require "timekit.call.random"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"
local scripted = require "spec.support.scripted"

local action, limited, refused, rounded, run =
  machine.action, machine.limited, machine.refused, machine.rounded, machine.run
local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure
local CREATE, READ, LATE, LOST, UNSENT = machine.CREATE, machine.READ, machine.LATE, machine.LOST, machine.UNSENT

describe("a pause", function()
  it("grows from 0.2 seconds to 5, by full jitter", function()
    for _, share in ipairs { 0, 0.25, 1 } do
      local ended = run(READ, { rest = UNSENT }, { retries = 7, timeout = 1000, random = function() return share end })
      local expected = { "GET" }
      for _, longest in ipairs { 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5 } do
        expected[#expected + 1] = longest * share
        expected[#expected + 1] = "GET"
      end
      assert.same(expected, rounded(ended.done))
      assert.equal("network", ended.failure.kind)
    end
  end)

  it("throws the dice anew each time, and only then", function()
    local planned = { 0.5, 0.1, 0.9 }
    local ended = run(READ, { UNSENT, UNSENT, UNSENT, booking "tentative" }, {
      retries = 3, random = function() return table.remove(planned, 1) end,
    })
    assert.same({ "GET", 0.1, "GET", 0.04, "GET", 0.72, "GET" }, rounded(ended.done))
    assert.equal(0, #planned)
    run(READ, { booking "tentative" }, { random = error })
    run(READ, { answer(404) }, { random = error })
  end)

  it("is that of Retry-After where the answer has one", function()
    local date = "Sun, 06 Nov 1994 08:49:37 GMT"
    for _, case in ipairs {
      { "3", nil, 3 }, { "59", nil, 59 }, { "0", nil, 0.1 },
      { "Sun, 06 Nov 1994 08:49:47 GMT", date, 10 },
      -- Without a Date header the client's own clock counts, which is 7 seconds ahead here.
      { "Sun, 06 Nov 1994 08:49:47 GMT", nil, 3 },
      -- A year of two digits is in the past century if it would otherwise be more than 50 years ahead.
      { "Sunday, 06-Nov-94 08:49:41 GMT", date, 4 }, { "Saturday, 06-Nov-93 08:49:41 GMT", date, 0.1 },
      { "Saturday, 05-Nov-44 08:49:37 GMT", date, false }, { "Monday, 07-Nov-44 08:49:37 GMT", date, 0.1 },
      { "Sunday, 06-Nov-94 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", 10 },
      { "Sunday, 06-Nov-94 08:49:47 GMT", nil, 3 },
      { "Sun Nov  6 08:49:41 1994", date, 4 },
      -- A date that has passed: the pause is never shorter than the jitter's.
      { "Sun, 06 Nov 1994 08:00:00 GMT", date, 0.1 },
    } do
      for _, status in ipairs { 429, 503 } do
        local ended = run(READ, { limited(status, case[1], case[2]), booking "tentative", rest = error }, {
          random = function() return 0.5 end, clock = 784111777 + 7,
        })
        if case[3] then
          assert.same({ "GET", case[3], "GET" }, rounded(ended.done))
        else
          assert.same({ "GET" }, ended.done)
          assert.is_true(ended.failure.retry_after > 60)
        end
      end
    end
  end)

  it("is that of the jitter where Retry-After says nothing", function()
    for _, text in ipairs { "", "-5", "soon", "5, soon", "0x10", "1e3", "Sun, 06 Nov 1994" } do
      local ended = run(READ, { limited(429, text), booking "tentative" }, { random = function() return 0.5 end })
      assert.same({ "GET", 0.1, "GET" }, rounded(ended.done))
    end
    -- Answers that are not of a rate limit set no pause.
    local ended = run(READ, { limited(500, "7"), booking "tentative" })
    assert.same({ "GET", 0.2, "GET" }, rounded(ended.done))
  end)

  it("that Retry-After wants and the deadline does not allow ends the operation at once", function()
    for _, text in ipairs { "10", "11", "86400", ("9"):rep(30), ("9"):rep(400), "Sun, 06 Nov 2094 08:49:47 GMT" } do
      for _, operation in ipairs { READ, CREATE, action "confirm_decline" } do
        local ended = run(operation, { limited(429, text) }, { timeout = 10, clock = 784111777 })
        assert.equal(1, #ended.done)
        local failed = ended.failure
        assert.same({ "rate_limited", "yes", true, 429 }, { failed.kind, failed.sent, failed.retryable, failed.status })
        assert.is_true(failed.retry_after >= 10)
      end
    end
    local ended = run(READ, { limited(429, "9"), booking "tentative" }, { timeout = 10 })
    assert.equal("tentative", ended.data.state)
    -- Time that was used before counts.
    ended = run(READ, { { 2, limited(429, "9") } }, { timeout = 10 })
    assert.same({ "rate_limited", 9 }, { ended.failure.kind, ended.failure.retry_after })
  end)

  it("is not made after the last try", function()
    local ended = run(READ, { limited(429, "2"), limited(429, "3") }, { retries = 1 })
    assert.same({ "GET", 2, "GET" }, ended.done)
    assert.same({ "rate_limited", 3 }, { ended.failure.kind, ended.failure.retry_after })
  end)
end)

describe("the number of tries", function()
  it("is one more than the retries", function()
    for retries = 0, 5 do
      for _, operation in ipairs { READ, CREATE, action(nil) } do
        local ended = run(operation, { rest = UNSENT }, { retries = retries })
        assert.equal(retries + 1, ended.attempts)
        assert.same({ "network", "no", true }, { ended.failure.kind, ended.failure.sent, ended.failure.retryable })
      end
    end
  end)

  it("is as small as can be", function()
    local ended = run(READ, { UNSENT, booking "tentative" }, { retries = 5 })
    assert.equal(2, ended.attempts)
    assert.equal("tentative", ended.data.state)
    assert.is_false(ended.reconciled)
    assert.is_nil(ended.failure)
  end)
end)

describe("the deadline", function()
  it("stands over tries and pauses", function()
    local ended = run(READ, { rest = { 1, UNSENT } }, { retries = 100, timeout = 10 })
    -- Tries of 1 second, pauses of 0.2, 0.4, 0.8, 1.6: the next one would be 3.2.
    assert.same({ "GET", 0.2, "GET", 0.4, "GET", 0.8, "GET", 1.6, "GET" }, rounded(ended.done))
    assert.is_true(ended.now < 1010)
    assert.equal("network", ended.failure.kind)
  end)

  it("ends an operation that has no time to begin with", function()
    for _, timeout in ipairs { 0, -1 } do
      for _, operation in ipairs { READ, CREATE, action "confirm_decline" } do
        local ended = run(operation, {}, { timeout = timeout })
        assert.same({ "timeout", "no", 0 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
        -- Like every failure of a request that was not sent.
        assert.is_true(ended.failure.retryable)
        assert.same({ operation.action, operation.graph }, { ended.failure.action, ended.failure.graph })
      end
    end
  end)

  it("ends a pause that lasted too long with what was the matter", function()
    local policy = {
      retries = 2, uncertain = "reconcile", random = function() return 0 end, budget = budget.new(),
    }
    local own = retry.new(READ, policy, 1010)
    own:next(1000)
    assert.equal("wait", (own:answer(1000, response.read(limited(429, "3"), READ))))
    local verb = own:next(1010)
    local failed = own.problem
    assert.same({ "done", "rate_limited", 3, 1 }, { verb, failed.kind, failed.retry_after, own.attempts })
  end)

  it("is what ended a request that had been sent and was not answered in time", function()
    -- The transport's clock may be a little ahead of the client's.
    local ended = run(READ, { { 59.99, LATE } }, { retries = 5 })
    assert.same({ "timeout", "maybe", 1 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
    ended = run(action "confirm_decline", { { 59.99, LATE } }, { retries = 5 })
    assert.same({ "uncertain", "timeout", "maybe" },
      { ended.failure.kind, ended.failure.cause.kind, ended.failure.sent })
  end)

  it("is not what ended a connection that took too long", function()
    local slow = { 10, failure("timeout", "no") }
    local ended = run(action "confirm_decline", { slow, slow, booking "confirmed" })
    assert.same({ "PUT", 0.2, "PUT", 0.4, "PUT" }, rounded(ended.done))
    ended = run(action "confirm_decline", { slow, slow, slow }, { timeout = 25 })
    assert.same({ "timeout", "no", true }, { ended.failure.kind, ended.failure.sent, ended.failure.retryable })
  end)

  it("stands over looks", function()
    local ended = run(action "confirm_decline", { { 20, LOST }, { 20, LOST }, { 20, LOST } }, { retries = 5 })
    assert.equal("uncertain", ended.failure.kind)
    assert.same({ "PUT", "GET", 0.2, "GET" }, rounded(ended.done))
    ended = run(action "confirm_decline", { { 1, LOST }, { 59, LATE } }, { retries = 5 })
    assert.same({ "PUT", "GET" }, ended.done)
    -- After a 429, a read waits as long as the server asks, if that fits.
    ended = run(action "confirm_decline", { LOST, limited(429, "30"), booking "confirmed" })
    assert.same({ "PUT", "GET", 30, "GET" }, ended.done)
    assert.is_true(ended.reconciled)
    ended = run(action "confirm_decline", { LOST, limited(429, "60") })
    assert.same({ "uncertain", "network" }, { ended.failure.kind, ended.failure.cause.kind })
  end)
end)

describe("the budget", function()
  local function retries_until_empty(shared)
    local before = 0
    for _ = 1, 1000 do
      local ended = run(READ, { rest = UNSENT }, { retries = 1, budget = shared })
      if ended.attempts == 1 then return before end
      before = before + 1
    end
    error "it never is used up"
  end

  it("holds a hundred retries for all operations together, and then there are none", function()
    local shared = budget.new()
    assert.equal(100, retries_until_empty(shared))
    local ended = run(READ, { UNSENT }, { retries = 1000, budget = shared })
    assert.same({ "network", 1 }, { ended.failure.kind, ended.attempts })
    ended = run(READ, { limited(429, "1") }, { budget = shared })
    assert.same({ "rate_limited", 1 }, { ended.failure.kind, ended.failure.retry_after })
  end)

  it("comes back with success: all of a retry's cost, or a fifth of it", function()
    local shared = budget.new()
    retries_until_empty(shared)
    for _ = 1, 4 do run(READ, { booking "tentative" }, { budget = shared }) end
    assert.equal(1, run(READ, { UNSENT }, { budget = shared }).attempts)
    run(READ, { booking "tentative" }, { budget = shared })
    assert.equal(2, run(READ, { UNSENT, booking "tentative" }, { budget = shared }).attempts)
    assert.equal(2, run(READ, { UNSENT, UNSENT }, { budget = shared, retries = 1 }).attempts)
    assert.equal(1, run(READ, { UNSENT }, { budget = shared }).attempts)
    -- A refusal is not a success.
    run(READ, { answer(404) }, { budget = shared })
    for _ = 1, 4 do run(READ, { booking "tentative" }, { budget = shared }) end
    assert.equal(1, run(READ, { UNSENT }, { budget = shared }).attempts)
  end)

  it("is never more than full", function()
    local shared = budget.new()
    for _ = 1, 1000 do run(READ, { booking "tentative" }, { budget = shared }) end
    assert.equal(100, retries_until_empty(shared))
  end)

  it("lets every doubt be looked into once, and hinders further looks and repeats", function()
    local shared = budget.new()
    retries_until_empty(shared)
    local ended = run(action(nil), { LOST, booking "confirmed" }, { budget = shared })
    assert.is_true(ended.reconciled)
    shared = budget.new()
    retries_until_empty(shared)
    ended = run(action(nil), { LOST, booking "tentative" }, { budget = shared })
    assert.same({ "uncertain", "tentative", 1 }, { ended.failure.kind, ended.failure.state, ended.attempts })
    for _, outcome in ipairs { LOST, answer(500), limited(429, "1") } do
      ended = run(action(nil), { LOST, outcome }, { budget = shared })
      assert.same({ "PUT", "GET" }, ended.done)
      assert.equal("uncertain", ended.failure.kind)
    end
  end)

  it("is spent on looks, and comes back with what they find out", function()
    local shared = budget.new()
    for _ = 1, 50 do run(action(nil), { rest = LOST }, { budget = shared }) end
    assert.same({ "PUT", "GET" }, run(action(nil), { rest = LOST }, { budget = shared }).done)
    shared = budget.new()
    for _ = 1, 1000 do
      assert.is_true(run(action(nil), { LOST, LOST, booking "confirmed" }, { budget = shared }).reconciled)
    end
  end)
end)

describe("a read", function()
  it("is repeated whenever that may help", function()
    for _, outcome in ipairs {
      UNSENT, LOST, failure("timeout", "no"), failure("response", "yes", 200, "{"), answer(200, ""),
      answer(200, '{"data":null}'), answer(200, "<html>"), answer(500), answer(502), answer(503), answer(504),
      answer(429), failure("network", "yes", 404, ""),
    } do
      local ended = run(READ, { outcome, booking "tentative" })
      assert.equal("tentative", ended.data.state)
      assert.is_false(ended.reconciled)
      ended = run(READ, { rest = outcome }, { uncertain = "report" })
      assert.equal(3, ended.attempts)
      assert.is_not.equal("uncertain", ended.failure.kind)
    end
  end)

  it("is not repeated when that would be the same again", function()
    for _, outcome in ipairs {
      answer(400), answer(401), answer(403), answer(404), answer(405), answer(409), answer(422), answer(302),
      refused "tentative", failure("cancelled", "maybe"),
    } do
      assert.equal(1, run(READ, { outcome }).attempts)
    end
  end)
end)

describe("a creation", function()
  local DOUBTFUL = {
    LOST, LATE, failure("response", "yes", 201, '{"data":{"id"'), answer(201, ""), answer(200, '{"data":{}}'),
    answer(302), answer(500), answer(502), answer(503), answer(504), limited(503, "1"),
  }

  it("is never repeated, nor looked for, once it may have happened", function()
    for _, outcome in ipairs(DOUBTFUL) do
      for _, uncertain in ipairs { "reconcile", "report" } do
        local ended = run(CREATE, { outcome }, { retries = 5, uncertain = uncertain })
        assert.same({ "uncertain", outcome.sent, 1 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
        assert.equal(outcome.status, ended.failure.cause.status)
        assert.is_falsy(ended.failure.retryable)
        ended = run(CREATE, { UNSENT, limited(429, "1"), outcome }, { retries = 5, uncertain = uncertain })
        assert.same({ "uncertain", "yes", 3 }, { ended.failure.kind, ended.failure.sent, ended.attempts })
        assert.equal(outcome.sent, ended.failure.cause.sent)
      end
    end
  end)

  it("is repeated when it surely did not happen", function()
    local created = answer(201, '{"data":{"id":"b1","graph":"instant","state":"confirmed"}}')
    for _, uncertain in ipairs { "reconcile", "report" } do
      local ended = run(CREATE, { UNSENT, limited(429, "1"), created }, { uncertain = uncertain })
      assert.same({ "b1", false, 3 }, { ended.data.id, ended.reconciled, ended.attempts })
    end
    assert.equal("validation", run(CREATE, { UNSENT, answer(422) }).failure.kind)
  end)
end)

describe("a rate limit of one's own", function()
  -- A limiter that makes each request wait as planned, and counts.
  local function limiter(...)
    local waits, mine = { ... }, { taken = 0, given_back = 0 }
    function mine.take()
      mine.taken = mine.taken + 1
      return table.remove(waits, 1) or 0
    end
    function mine.give_back() mine.given_back = mine.given_back + 1 end
    return mine
  end

  it("makes every request wait once, looks included", function()
    local mine = limiter(1, 2, 0, 3)
    local ended = run(action(nil), { UNSENT, LOST, booking "tentative", booking "confirmed" }, { limiter = mine })
    assert.same({ 1, "PUT", 0.2, 2, "PUT", "GET", 0.4, 3, "PUT" }, rounded(ended.done))
    assert.same({ 4, 0, 3 }, { mine.taken, mine.given_back, ended.attempts })
  end)

  it("counts against the deadline, and otherwise ends the operation before anything is sent", function()
    local mine = limiter(9.9)
    local ended = run(READ, { booking "tentative" }, { limiter = mine, timeout = 10 })
    assert.same({ 9.9, "GET" }, ended.done)
    for _, wait in ipairs { 10, 11 } do
      for _, operation in ipairs { READ, CREATE, action "confirm_decline" } do
        mine = limiter(wait)
        ended = run(operation, {}, { limiter = mine, timeout = 10 })
        local failed = ended.failure
        assert.same({}, ended.done)
        assert.same({ "rate_limited", "no", true, wait, 0 },
          { failed.kind, failed.sent, failed.retryable, failed.retry_after, ended.attempts })
        assert.same({ 1, 1 }, { mine.taken, mine.given_back })
      end
    end
  end)

  it("ends a later try, telling what was sent, and a doubt as uncertain", function()
    local ended = run(action(nil), { limited(429, "1") }, { limiter = limiter(0, 60) })
    assert.same({ "rate_limited", "yes", 60, 1 },
      { ended.failure.kind, ended.failure.sent, ended.failure.retry_after, ended.attempts })
    ended = run(action(nil), { LOST }, { limiter = limiter(0, 60) })
    assert.same({ "uncertain", "network", 1 }, { ended.failure.kind, ended.failure.cause.kind, ended.attempts })
    ended = run(action(nil), { LOST, booking "tentative" }, { limiter = limiter(0, 0, 60) })
    assert.same({ "uncertain", "tentative", 1 }, { ended.failure.kind, ended.failure.state, ended.attempts })
  end)

  it("tells which action it was", function()
    local ended = run(action "confirm_decline", {}, { limiter = limiter(100) })
    assert.same({ "confirm", "confirm_decline" }, { ended.failure.action, ended.failure.graph })
  end)

  it("is told of requests that are not sent after all", function()
    local mine = limiter(5)
    local policy = { retries = 2, uncertain = "reconcile", random = error, budget = budget.new(), limiter = mine }
    local own = retry.new(READ, policy, 1010)
    assert.same({ "wait", 5 }, { own:next(1000) })
    -- The host was busy with something else for longer than the pause.
    local verb = own:next(1010)
    local failed = own.problem
    assert.same({ "done", "timeout", "no" }, { verb, failed.kind, failed.sent })
    assert.equal(1, mine.given_back)
  end)
end)

describe("randomness", function()
  it("is spread from 0 to 1, and never is 1", function()
    for _, seed in ipairs { 0, 1, 42, 2 ^ 31, 2 ^ 52 } do
      local next_number, sum, shares = random.new(seed), 0, {}
      for _ = 1, 2000 do
        local number = next_number()
        assert.is_true(number >= 0 and number < 1)
        sum = sum + number
        local share = math.floor(number * 10)
        shares[share] = (shares[share] or 0) + 1
      end
      assert.is_true(sum / 2000 > 0.45 and sum / 2000 < 0.55)
      for share = 0, 9 do assert.is_true(shares[share] > 120 and shares[share] < 280) end
    end
  end)

  it("follows from the seed, and without one differs", function()
    local one, same, other = random.new(7), random.new(7), random.new(8)
    local differs = false
    for _ = 1, 10 do
      local number = one()
      assert.equal(number, same())
      differs = differs or number ~= other()
    end
    assert.is_true(differs)
    local seen = {}
    for _ = 1, 100 do seen[random.new()()] = true end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.is_true(count > 90)
  end)

  it("is not Lua's own, which belongs to the program", function()
    local own, seed = math.random, math.randomseed
    math.random, math.randomseed = error, error -- luacheck: ignore 122
    local ok, problem = pcall(function() return random.new()() end)
    math.random, math.randomseed = own, seed -- luacheck: ignore 122
    assert(ok, problem)
  end)
end)
