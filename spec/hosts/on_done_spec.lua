-- Each function of `on_done` is a call of its own: its coroutine, its turn, and what becomes of it when all calls end.
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

-- Starts calls whose answers are there, so that the next update calls their function of `on_done`.
local function started(count, fn)
  for index = 1, count do
    tk:booking("b" .. index):start("confirm"):on_done(fn)
    finish(#transport.transfers, booking "confirmed")
  end
end

local function update_all()
  while tk:update(1) > 0 do end
end

describe("the coroutine of a function of on_done", function()
  it("is no other function's, and is dead when the function has returned", function()
    local threads, seen = {}, {}
    started(5, function() threads[#threads + 1] = coroutine.running() end)
    update_all()
    -- All are held here, so that none can be made where another one was.
    for _, thread in ipairs(threads) do
      assert.is_nil(seen[thread])
      seen[thread] = true
      assert.equal("dead", coroutine.status(thread))
      assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(thread, "x") })
    end
    assert.equal(5, #threads)
  end)

  if coroutine.close then
    it("may be closed later", function()
      local threads = {}
      started(3, function()
        if threads[1] then assert.is_true(coroutine.close(threads[#threads])) end
        threads[#threads + 1] = coroutine.running()
      end)
      update_all()
      assert.equal(3, #threads)
    end)
  end

  -- LuaJIT has one hook for all coroutines.
  if not rawget(_G, "jit") then
    it("has no hook that an earlier function has set", function()
      local hooks = 0
      started(3, function()
        if debug.gethook() then hooks = hooks + 1 end
        debug.sethook(function() end, "", 1000000)
      end)
      update_all()
      assert.equal(0, hooks)
    end)
  end

  it("has nobody below the function, so that an error blames nobody there", function()
    started(1, function() error("mine", 2) end)
    assert.same({ false, "mine" }, { pcall(tk.update, tk, 1) })
    local is_alone
    started(1, function() is_alone = debug.getinfo(2, "f") == nil end)
    update_all()
    assert.is_true(is_alone)
  end)

  it("is its own while it waits, whatever other functions do meanwhile", function()
    local states = {}
    started(3, function(done)
      local thread = coroutine.running()
      local state = tk:booking(done):cancel().state
      states[#states + 1] = thread == coroutine.running() and state
    end)
    tk:update(1)
    assert.equal(6, #transport.transfers)
    for _, number in ipairs { 5, 4, 6 } do finish(number, booking "cancelled") end
    update_all()
    assert.same({ "cancelled", "cancelled", "cancelled" }, states)
  end)
end)

describe("functions of on_done", function()
  it("are called in their order, each with all results, and count as calls until then", function()
    for _, results in ipairs { {}, { "one" }, { "one", "two" }, { "one", "two", "three", "four" } } do
      local got = {}
      local call = tk:start(function()
        coroutine.yield()
        return (table.unpack or unpack)(results) -- luacheck: globals unpack table.unpack
      end)
      for index = 1, 3 do
        call:on_done(function(...) got[#got + 1] = { index, select("#", ...), ... } end)
      end
      assert.equal(0, #got)
      update_all()
      local expected = {}
      for index = 1, 3 do expected[index] = { index, #results, (table.unpack or unpack)(results) } end
      assert.same(expected, got)
      assert.same(results, { call:result() })
    end
  end)

  it("leave each other their turn: an update that must not wait begins no more than it has time for", function()
    local begun = 0
    local call = tk:booking("b1"):start("confirm")
    for _ = 1, 20 do
      call:on_done(function()
        begun = begun + 1
        clock:advance(0.00003)
      end)
    end
    finish(1, booking "confirmed")
    local left = tk:update()
    assert.is_true(begun >= 1 and begun < 10, begun)
    assert.equal(20 - begun, left)
    while tk:update() > 0 do end
    assert.equal(20, begun)
  end)

  it("that raise stop none of the others", function()
    local begun = 0
    local call = tk:booking("b1"):start("confirm")
    for index = 1, 4 do
      call:on_done(function()
        begun = begun + 1
        if index % 2 == 1 then error("oops " .. index, 0) end
      end)
    end
    finish(1, booking "confirmed")
    assert.same({ false, "oops 1" }, { pcall(tk.update, tk, 1) })
    assert.same({ false, "oops 3" }, { pcall(tk.update, tk, 1) })
    assert.equal(0, tk:update())
    assert.equal(4, begun)
  end)
end)

describe("when a client is closed", function()
  it("functions of on_done that are due are called", function()
    local told = {}
    local call = tk:booking("b1"):start("confirm")
    for index = 1, 2 do call:on_done(function(done) told[index] = done.state end) end
    -- Over already, but not in an update, so that its function has not begun.
    local other = tk:booking("b2"):start("confirm"):on_done(function(_, err) told[3] = err.kind end)
    other:cancel()
    finish(1, booking "confirmed")
    tk:close()
    assert.same({ "confirmed", "confirmed", "cancelled" }, told)
  end)

  it("a function that yields by itself does not keep it open", function()
    local turns = 0
    local call = tk:booking("b1"):start("confirm"):on_done(function()
      while true do
        turns = turns + 1
        coroutine.yield()
      end
    end)
    call:cancel()
    tk:close()
    assert.is_true(turns >= 1)
  end)

  it("an action that pauses before its repeat ends with the truth", function()
    local told = {}
    tk:booking("b1"):start("confirm"):on_done(function(_, err) told[1] = err.kind .. " " .. err.sent end)
    tk:booking("b2"):start("confirm"):on_done(function(_, err) told[2] = err.kind .. " " .. err.sent end)
    finish(1, failure("network", "no"))
    finish(2, failure("network", "maybe"))
    tk:update()
    -- The look into the second.
    finish(3, booking "tentative")
    tk:update()
    assert.equal(3, #transport.transfers)
    assert.is_true(tk:timeout() > 0)
    tk:close()
    assert.same({ "cancelled no", "cancelled maybe" }, told)
    assert.equal(3, #transport.transfers)
  end)
end)

it("a function of a group that had not begun when the group was cancelled sends nothing", function()
  local group, runtime = tk.runner:group()
  local kinds = {}
  for index = 1, 2 do
    group:add(function()
      local _, err = tk:booking("b" .. index):confirm()
      kinds[index] = err.kind .. " " .. err.sent
    end)
  end
  group:cancel()
  group:join(runtime)
  assert.same({ "cancelled no", "cancelled no" }, kinds)
  assert.equal(0, #transport.transfers)
end)
