-- What moves calls on: `update` waits only when it is told to, and raises what nobody else was told.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local held = require "spec.support.held"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local booking, failure = scripted.booking, scripted.failure

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
