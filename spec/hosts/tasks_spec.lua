-- Calls that do not keep their host waiting: in which order things happen, with transfers that end on demand.
local blame = require "spec.support.blame"
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

describe("a call", function()
  it("runs up to its first request at once, and goes on in updates", function()
    local steps = {}
    local call = tk:start(function(word)
      steps[#steps + 1] = word
      local one = assert(tk:booking("b1"):confirm())
      steps[#steps + 1] = one.state
      return "first", nil, tk:booking("b2"):get()
    end, "begun")
    assert.same({ "begun" }, steps)
    assert.equal(1, #transport.transfers)
    assert.equal("PUT", transport.transfers[1].request.method)
    assert.equal(1, tk:update())
    assert.same({ "begun" }, steps)
    finish(1, booking "confirmed")
    assert.same({ "begun" }, steps)
    assert.equal(1, tk:update())
    assert.same({ "begun", "confirmed" }, steps)
    assert.is_false(call:done())
    assert.equal(0, select("#", call:result()))
    finish(2, booking "declined")
    assert.equal(0, tk:update())
    assert.is_true(call:done())
    local first, second, third, info = call:result()
    assert.same({ "first", "nil", "declined", 200 }, { first, type(second), third.state, info.status })
    assert.equal(4, select("#", call:result()))
    assert.equal(0, #transport.waits)
  end)

  it("is short for an action as a method of a handle", function()
    local handle = tk:booking("b1")
    local call = handle:start("decline", { message = "Fully booked" }, { include = "meta" })
    assert.matches("^/bookings/b1/decline%?include=meta$", transport.transfers[1].request.target)
    finish(1, booking "declined")
    tk:update()
    local declined, info = call:result()
    assert.same({ "declined", 1, "declined" }, { declined.state, info.attempts, handle.state })
    -- Refused on the spot: an answer all the same.
    local _, err = handle:start("decline"):result()
    assert.same({ "transition", "no" }, { err.kind, err.sent })
    assert.equal(1, #transport.transfers)
  end)

  it("retries, backs off and looks as a script's does", function()
    local call = tk:booking("b1"):start("confirm")
    finish(1, failure("network", "maybe"))
    tk:update()
    assert.equal("GET", transport.transfers[2].request.method)
    finish(2, booking "tentative")
    tk:update()
    -- The wait before the repeat is not over.
    local pause = tk:timeout()
    assert.is_true(pause > 0 and pause <= 0.2, pause)
    tk:update()
    assert.equal(2, #transport.transfers)
    clock:advance(pause)
    assert.equal(0, tk:timeout())
    tk:update()
    finish(3, booking "confirmed")
    tk:update()
    local done, info = call:result()
    assert.same({ "confirmed", 2, false }, { done.state, info.attempts, info.reconciled })
  end)

  it("keeps its results apart from those of the others, in whatever order they come", function()
    local calls = {}
    for index = 1, 20 do calls[index] = tk:booking("b" .. index):start("confirm") end
    for _, index in ipairs { 20, 3, 11, 1 } do
      finish(index, answer(200, ('{"data":{"id":"b%d","state":"confirmed"}}'):format(index)))
      while not calls[index]:done() do tk:update() end
      assert.equal("b" .. index, calls[index]:result().id)
    end
    assert.equal(16, tk:update())
  end)

  it("goes on although nobody holds it", function()
    local told
    tk:booking("b1"):start("confirm"):on_done(function(done) told = done.state end)
    collectgarbage()
    collectgarbage()
    finish(1, booking "confirmed")
    assert.equal(0, tk:update(1))
    assert.equal("confirmed", told)
  end)

  it("waits for the next update where its function yields by itself", function()
    local count = 0
    local call = tk:start(function()
      for _ = 1, 3 do
        count = count + 1
        coroutine.yield("whatever")
      end
      return count
    end)
    for expected = 1, 3 do
      assert.equal(expected, count)
      tk:update()
    end
    assert.equal(3, call:result())
  end)

  it("keeps nothing of what is over, and gives nothing to what its function yields", function()
    local kept = setmetatable({}, { __mode = "v" })
    local got = {}
    local function yields(...)
      got[#got + 1] = select("#", coroutine.yield(...))
      return ...
    end
    for round = 1, 3 do
      local given = {}
      kept[round] = given
      local call = tk:start(yields, given, round)
      tk:update()
      assert.same({ given, round }, { call:result() })
      given, call = nil, nil -- luacheck: ignore 311
    end
    assert.same({ 0, 0, 0 }, got)
    collectgarbage()
    collectgarbage()
    assert.same({}, { kept[1], kept[2], kept[3] })
  end)

  it("is followed by others after it raised", function()
    local call = tk:start(function()
      coroutine.yield()
      error("broken", 0)
    end)
    assert.has_error(function() tk:update() end, "broken")
    assert.is_true(call:done())
    assert.equal("fine", tk:start(function() return "fine" end):result())
  end)

  it("says what it is", function()
    local call = tk:start(function() return tk:booking("b1"):get() end)
    assert.equal("timekit.call (in flight)", tostring(call))
    finish(1, booking "confirmed")
    tk:update()
    assert.equal("timekit.call (done)", tostring(call))
  end)

  it("blocks in a coroutine that its function makes, as a plain one does", function()
    transport.on_wait = function() finish(#transport.transfers, booking "confirmed") end
    local call = tk:start(function()
      return coroutine.wrap(function() return (tk:booking("b1"):get()) end)()
    end)
    assert.is_true(call:done())
    assert.equal("confirmed", call:result().state)
    assert.equal("confirmed", coroutine.wrap(function() return (tk:booking("b1"):get()) end)().state)
    assert.equal(2, #transport.waits)
  end)
end)

describe("update", function()
  it("waits only when it is told to, and not longer than the next timer", function()
    tk:booking("b1"):start("confirm")
    tk:update()
    tk:update(0)
    assert.equal(0, #transport.waits)
    tk:update(5)
    assert.same({ 5 }, transport.waits)
    finish(1, failure("network", "no"))
    tk:update()
    local pause = tk:timeout()
    tk:update(5)
    assert.same({ 5, pause }, transport.waits)
  end)

  it("does not wait when nothing is in flight", function()
    assert.equal(0, tk:update(100))
    assert.same({}, transport.waits)
  end)

  it("leaves calls for the next one when there are many at once", function()
    local over = 0
    for index = 1, 50 do
      tk:start(function()
        tk:booking("b" .. index):get()
        clock:advance(0.00003)
        over = over + 1
      end)
      finish(index, booking "confirmed")
    end
    tk:update()
    assert.is_true(over >= 1 and over < 10, over)
    local updates = 1
    repeat updates = updates + 1 until tk:update() == 0
    assert.equal(50, over)
    assert.is_true(updates >= 10)
    -- A host that waits has time for all of them.
    for index = 51, 100 do
      tk:start(function()
        tk:booking("b" .. index):get()
        clock:advance(0.00003)
      end)
      finish(index, booking "confirmed")
    end
    assert.equal(0, tk:update(0.001))
  end)

  it("cannot be called from within", function()
    local call = tk:start(function()
      tk:booking("b1"):get()
      return pcall(tk.update, tk)
    end)
    finish(1, booking "confirmed")
    tk:update()
    local well, problem = call:result()
    assert.is_false(well)
    assert.matches("client:update: called from within an update", problem)
    assert.equal(0, tk:update())
  end)

  it("raises what a call's function raised, once, and loses no other call", function()
    local calls = {}
    for index = 1, 4 do
      calls[index] = tk:start(function()
        local one = tk:booking("b" .. index):get()
        if index % 2 == 0 then error("oops " .. index, 0) end
        return one.state
      end)
      finish(index, booking "confirmed")
    end
    assert.same({ false, "oops 2" }, { pcall(tk.update, tk, 1) })
    assert.same({ false, "oops 4" }, { pcall(tk.update, tk, 1) })
    assert.equal(0, tk:update())
    assert.same({ "confirmed", "confirmed" }, { calls[1]:result(), calls[3]:result() })
    assert.same({ false, "oops 4" }, { pcall(calls[4].result, calls[4]) })
    assert.is_true(calls[4]:done())
  end)

  it("is due at once while there are errors that it has not raised", function()
    for index = 1, 2 do
      tk:start(function()
        coroutine.yield()
        error("oops " .. index, 0)
      end)
    end
    assert.same({ false, "oops 1" }, { pcall(tk.update, tk) })
    assert.equal(0, tk:timeout())
    assert.same({ false, "oops 2" }, { pcall(tk.update, tk) })
    assert.is_nil(tk:timeout())
    local call = tk:start(function()
      tk:booking("b1"):get()
      error("oops", 0)
    end)
    call:cancel()
    assert.equal(0, tk:timeout())
    assert.same({ false, "oops" }, { pcall(tk.update, tk) })
    assert.equal(0, tk:update())
  end)

  it("starts nothing and waits for nothing where its runtime cannot wait", function()
    local now = require("timekit.core").now
    local possible = false
    local own = timekit.new { app_key = "k_test", transport = transport, runtime = {
      now = now, sleep = error, wait = error,
      can_wait = function() return possible, "not now" end,
    } }
    for _, start in ipairs {
      function() return own:start(error) end, function() return own:booking("b1"):start("confirm") end,
      function() return own:batch { { "b1", "confirm" } } end, function() return own:booking("b1"):confirm() end,
    } do
      local none, err = start()
      assert.same({ "nil", "phase", "no", "not now" }, { type(none), err.kind, err.sent, err.message })
    end
    assert.equal(0, #transport.transfers)
    assert.matches("this host must not wait", blame(function() own:update(1) end))
    possible = true
    assert.is_false(own:booking("b1"):start("confirm"):done())
    own:close()
  end)

  it("starts what raises before its first request as if it were called", function()
    assert.same({ false, "oops" }, { pcall(tk.start, tk, function() error("oops", 0) end) })
    assert.equal(0, tk:update())
    local problem = { kind = "mine" }
    local _, raised = pcall(tk.start, tk, function() error(problem) end)
    assert.equal(problem, raised)
  end)

  it("names wrong arguments", function()
    assert.matches("client:start: expected a function, got a number", blame(function() tk:start(1) end))
    assert.matches("seconds: expected a number from 0, got a string", blame(function() tk:update "1" end))
    assert.matches("seconds: expected a number from 0", blame(function() tk:update(-1) end))
    assert.matches("seconds: expected a number from 0", blame(function() tk:update(0 / 0) end))
    assert.matches("booking:start: the action's name: expected a name", blame(function() tk:booking("x"):start "" end))
    assert.matches("inputs.a: cannot encode", blame(function() tk:booking("x"):start("confirm", { a = print }) end))
    assert.matches("call with a colon", blame(function() tk.update() end):gsub("call it", "call"))
    tk:close()
    for _, name in ipairs { "start", "update", "fd", "timeout", "batch" } do
      assert.matches("client:" .. name .. ": the client is closed", blame(function() tk[name](tk, print) end))
    end
  end)
end)

describe("on_done", function()
  it("is called once with the results, in an update", function()
    local told = {}
    local call = tk:booking("b1"):start("confirm")
    assert.equal(call, call:on_done(function(done, info) told[#told + 1] = done.state .. info.status end))
    call:on_done(function() told[#told + 1] = "another" end)
    finish(1, booking "confirmed")
    assert.same({}, told)
    while tk:update() > 0 do end
    tk:update()
    assert.same({ "confirmed200", "another" }, told)
  end)

  it("is called at once when the call is over", function()
    local call = tk:booking("b1"):start("confirm")
    finish(1, answer(404, '{"error":"Resource does not exist"}'))
    tk:update()
    local told
    call:on_done(function(none, err) told = tostring(none) .. err.kind end)
    assert.equal("nilnot_found", told)
  end)

  it("uses the client without keeping the host waiting", function()
    local state
    tk:booking("b1"):start("confirm"):on_done(function(done)
      state = tk:booking(done):cancel().state
    end)
    finish(1, booking "confirmed")
    tk:update(1)
    tk:update(1)
    assert.is_nil(state)
    assert.equal("/bookings/b1/cancel", transport.transfers[2].request.target)
    finish(2, booking "cancelled")
    assert.equal(0, tk:update())
    assert.equal("cancelled", state)
    transport.on_wait = error
  end)

  it("loses neither the result nor other calls when it raises", function()
    local call = tk:booking("b1"):start("confirm"):on_done(function() error("oops", 0) end)
    local other = tk:booking("b2"):start("confirm")
    finish(1, booking "confirmed")
    finish(2, booking "confirmed")
    local problems = {}
    repeat
      local well, left = pcall(tk.update, tk)
      if not well then problems[#problems + 1] = left end
    until left == 0
    assert.same({ "oops" }, problems)
    assert.same({ "confirmed", "confirmed" }, { call:result().state, other:result().state })
    assert.same({ false, "oops" }, { pcall(call.on_done, call, function() error("oops", 0) end) })
    assert.matches("call:on_done: expected a function, got nil", blame(function() call:on_done() end))
  end)

  it("is not called for a function that raised", function()
    local called = false
    local call = tk:start(function()
      tk:booking("b1"):get()
      error("oops", 0)
    end):on_done(function() called = true end)
    finish(1, booking "confirmed")
    assert.same({ false, "oops" }, { pcall(tk.update, tk) })
    while tk:update() > 0 do end
    call:on_done(function() called = true end)
    assert.is_false(called)
  end)
end)

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
    -- A function that never gives up leaves the host its turn.
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
