-- A call does not keep its host waiting: in which order things happen, with transfers that end on demand.
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
    -- Refused on the spot, which is a result as well.
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
    -- The pause before the repeat is not over.
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
