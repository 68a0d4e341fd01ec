-- A user saw: an action that the server had not acted on, by its own word (421, 425), reported as a wrong request, and
-- pauses that ignored `Retry-After: 1.5` or were none at all after `Retry-After: 0`.
local headers = require "timekit.http.headers"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"
local budget = require "timekit.call.budget"
local scripted = require "spec.support.scripted"

local READ = { request = { method = "GET" }, expects = "booking" }
local ACTION = {
  request = { method = "PUT" }, expects = "booking", writes = true, action = "confirm", graph = "confirm_decline",
  look = function() return { method = "GET" } end,
}

-- What a machine does with answers: the requests and the pauses between them; and its end.
local function run(operation, answers, share)
  local policy = {
    retries = 3, uncertain = "reconcile", random = function() return share or 0 end, budget = budget.new(),
  }
  local machine = retry.new(operation, policy, 1000)
  local done, now = {}, 0
  local verb, what = machine:next(now)
  while verb ~= "done" do
    done[#done + 1] = verb == "send" and what.method or what
    if verb == "send" then
      verb, what = machine:answer(now, response.read(table.remove(answers, 1), operation, os.time))
    else
      now = now + what
      verb, what = machine:next(now)
    end
  end
  return done, what, machine.problem
end

describe("an answer of", function()
  for _, status in ipairs { 421, 425 } do
    it(status .. " had no effect: the same is sent again", function()
      for _, operation in ipairs { READ, ACTION } do
        local method = operation.request.method
        local done, booking = run(operation, { scripted.answer(status), scripted.booking "confirmed" })
        assert.same({ method, 0, method }, done)
        assert.equal("confirmed", booking.state)
        local none = scripted.answer(status, '{"error":"not now"}')
        local _, _, problem = run(operation, { none, none, none, none })
        assert.same({ "server", true, "not now" }, { problem.kind, problem.retryable, problem.message })
      end
    end)

    it(status .. " with Retry-After is waited for, and the error tells it", function()
      local later = scripted.answer(status, "", { ["retry-after"] = "7" })
      assert.same({ "PUT", 7, "PUT" }, (run(ACTION, { later, scripted.booking "confirmed" })))
      local _, _, problem = run(ACTION, { scripted.answer(status, "", { ["retry-after"] = "2000" }) })
      assert.same({ "server", 2000 }, { problem.kind, problem.retry_after })
    end)
  end

  it("408 leaves an action in doubt, and a read is sent again", function()
    local done = run(READ, { scripted.answer(408), scripted.booking "confirmed" })
    assert.same({ "GET", 0, "GET" }, done)
    local booking
    done, booking = run(ACTION, { scripted.answer(408), scripted.booking "confirmed" })
    assert.same({ "PUT", "GET" }, { done[1], done[#done] })
    assert.equal("confirmed", booking.state)
    local _, found, doubt = response.read(scripted.answer(408), ACTION, os.time)
    assert.same({ "server", "lost", false }, { found.kind, doubt, found.retryable })
  end)
end)

describe("Retry-After", function()
  local function after(text)
    return headers.retry_after({ ["retry-after"] = text }, function() return 784111777 end)
  end

  it("is heard with fractions, which are rounded up, and twice", function()
    for text, seconds in pairs {
      ["1.5"] = 2, ["2.0"] = 2, ["0.001"] = 1, ["5, 5"] = 5, ["5, 7"] = 7, ["1.2,3"] = 3, ["0"] = 0, ["0.0"] = 0,
      ["Sun, 06 Nov 1994 08:49:47 GMT, Sun, 06 Nov 1994 08:49:47 GMT"] = 10,
    } do
      assert.equal(seconds, after(text), text)
    end
    for _, text in ipairs { "", "-1", "1e3", "5, soon", "5,", ".5", "1.5.1", "0x10", "1 5" } do
      assert.is_nil(after(text), text)
    end
  end)

  it("never makes a pause shorter than the backoff", function()
    local past = { ["retry-after"] = "Sun, 06 Nov 1994 08:00:00 GMT", date = "Sun, 06 Nov 1994 08:49:37 GMT" }
    for _, told in ipairs { { ["retry-after"] = "0" }, past } do
      local limited = scripted.answer(429, "", told)
      local done = run(READ, { limited, limited, limited, scripted.booking "confirmed" }, 0.5)
      for index, pause in ipairs { 0.1, 0.2, 0.4 } do
        assert.is_true(math.abs(done[2 * index] - pause) < 1e-9, tostring(done[2 * index]))
      end
    end
  end)
end)
