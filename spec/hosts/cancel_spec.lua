-- Calls that are cancelled, and clients that are closed under them, tell the truth about what was sent.
local clocks = require "spec.support.clock"
local held = require "spec.support.held"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure

local clock, transport, tk

before_each(function()
  clock = clocks.install()
  transport = held.new()
  tk = timekit.new { app_key = "k_test", transport = transport }
end)
after_each(function() clock:remove() end)

local function finish(number, outcome)
  transport:finish(number, outcome)
end

describe("cancelling", function()
  it("ends a request that is under way, and tells the truth about it", function()
    local handle = tk:booking("b1")
    local call = handle:start("confirm")
    call:cancel()
    assert.is_true(call:done())
    local none, err = call:result()
    assert.is_nil(none)
    assert.same({ "cancelled", "maybe", 1, "confirm", false },
      { err.kind, err.sent, err.attempts, err.action, err.retryable })
    assert.equal(0, tk:update())
    call:cancel()
    assert.equal(err, select(2, call:result()))
  end)

  it("ends a wait, and does not forget what had been sent", function()
    local call = tk:booking("b1"):start("confirm")
    finish(1, answer(429, "", { ["retry-after"] = "7" }))
    tk:update()
    assert.equal(7, tk:timeout())
    call:cancel()
    local _, err = call:result()
    assert.same({ "cancelled", "yes", 1 }, { err.kind, err.sent, err.attempts })
    assert.is_nil(tk:timeout())
    assert.equal(1, #transport.transfers)
  end)

  it("gives back the turn that the call waited for", function()
    tk:close()
    tk = timekit.new { app_key = "k_test", transport = transport, rate = { per_second = 1, burst = 1 } }
    local calls = {}
    for index = 1, 3 do calls[index] = tk:booking("b" .. index):start("confirm") end
    assert.equal(1, #transport.transfers)
    finish(1, booking "confirmed")
    tk:update()
    assert.equal(1, tk:timeout())
    calls[2]:cancel()
    assert.same({ "cancelled", "no", 0 }, (function()
      local _, err = calls[2]:result()
      return { err.kind, err.sent, err.attempts }
    end)())
    calls[3]:cancel()
    calls[4] = tk:booking("b4"):start("confirm")
    assert.equal(1, tk:timeout())
  end)

  it("ends a look with the truth about the action", function()
    local call = tk:booking("b1"):start("confirm")
    finish(1, failure("network", "maybe"))
    tk:update()
    assert.equal("GET", transport.transfers[2].request.method)
    call:cancel()
    local _, err = call:result()
    assert.same({ "cancelled", "maybe", 1, "confirm" }, { err.kind, err.sent, err.attempts, err.action })
  end)

  it("sends nothing more for the call, and lets its function end as it likes", function()
    local errors, turns = {}, 0
    local call = tk:start(function()
      for index = 1, 3 do
        local _, err = tk:booking("b" .. index):confirm()
        errors[index] = err.kind .. err.sent
      end
      return "cleaned up"
    end)
    call:cancel()
    while not call:done() do
      turns = turns + 1
      tk:update()
    end
    assert.equal("cleaned up", call:result())
    assert.same({ "cancelledmaybe", "cancelledno", "cancelledno" }, errors)
    -- A function that goes on and on still leaves the host its turn.
    assert.is_true(turns >= 2)
    assert.equal(1, #transport.transfers)
  end)

  it("works from within: the call's own function, and another's", function()
    local own
    own = tk:start(function()
      tk:booking("b0"):get()
      own:cancel()
      local _, err = tk:booking("b1"):confirm()
      return err.kind
    end)
    finish(1, booking "confirmed")
    while not own:done() do tk:update() end
    assert.equal("cancelled", own:result())
    local victim = tk:booking("b2"):start("confirm")
    tk:booking("b3"):start("confirm"):on_done(function() victim:cancel() end)
    finish(3, booking "confirmed")
    while tk:update() > 0 do end
    assert.equal("cancelled", select(2, victim:result()).kind)
  end)

  it("tells on_done in the next update", function()
    local told
    local call = tk:booking("b1"):start("confirm"):on_done(function(_, err) told = err.kind end)
    call:cancel()
    assert.is_nil(told)
    tk:update()
    assert.equal("cancelled", told)
  end)
end)

describe("closing a client", function()
  it("ends its calls, and what waits for them is told", function()
    local told
    local one = tk:booking("b1"):start("confirm"):on_done(function(_, err) told = err.kind end)
    local yielding = tk:start(function()
      while true do coroutine.yield() end
    end)
    local stubborn = tk:start(function()
      tk:booking("b2"):get()
      return pcall(function() tk:booking("b3"):get() end)
    end)
    tk:close()
    assert.same({ true, true, true }, { one:done(), yielding:done(), stubborn:done() })
    local _, err = one:result()
    assert.same({ "cancelled", "maybe", "cancelled" }, { err.kind, err.sent, told })
    assert.equal("cancelled", select(2, yielding:result()).kind)
    assert.matches("the client is closed", select(2, stubborn:result()))
    assert.equal(2, #transport.transfers)
    one:cancel()
    tk:close()
  end)

  it("raises the error of a call that nobody was told of", function()
    tk:booking("b1"):start("confirm"):on_done(function() error("oops", 0) end)
    assert.matches("oops$", select(2, pcall(tk.close, tk)))
    tk:close()
  end)

  it("works from within a call", function()
    local call = tk:start(function()
      tk:booking("b1"):get()
      tk:close()
      return "closed"
    end)
    local other = tk:booking("b2"):start("confirm")
    finish(1, booking "confirmed")
    tk:update()
    assert.equal("closed", call:result())
    assert.equal("cancelled", select(2, other:result()).kind)
  end)
end)
