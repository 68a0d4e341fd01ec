-- What only cqueues has: plain coroutines inside its own, and several controllers.
local collect = require "spec.support.collect"
local cqueues = require "cqueues"
local loop_host = require "spec.support.loop_host"

local client, create, plan = loop_host.client, loop_host.create, loop_host.plan
local assert_confirmed_once = loop_host.assert_confirmed_once

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

describe("a plain coroutine inside one of cqueues", function()
  it("blocks as a script does", function()
    local tk, ids, ticks, during = client { runtime = "cqueues" }, create(1), 0, nil
    local queue = cqueues.new()
    plan({ match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.05, when = "after" })
    local over = false
    queue:wrap(function()
      while not over do
        ticks = ticks + 1
        cqueues.sleep(0.001)
      end
    end)
    queue:wrap(function()
      local before = ticks
      local inner = coroutine.wrap(function() return tk:booking(ids[1]):confirm().state end)
      assert.equal("confirmed", inner())
      during = ticks - before
      over = true
    end)
    assert(queue:loop())
    assert.equal(0, during)
    tk:close()
  end)

  it("wakes the one whose transfer it has ended", function()
    local tk, ids, state = client { runtime = "cqueues" }, create(3), nil
    local queue = cqueues.new()
    queue:wrap(function() state = tk:booking(ids[1]):confirm().state end)
    queue:wrap(function()
      coroutine.wrap(function()
        for _ = 1, 5 do assert(tk:booking(ids[2]):get()) end
      end)()
    end)
    assert(queue:loop(20))
    assert(queue:empty())
    assert.equal("confirmed", state)
    tk:close()
  end)
end)

describe("two controllers of cqueues", function()
  local tk, ids
  before_each(function() tk, ids = client { runtime = "cqueues" }, create(6) end)
  after_each(function() tk:close() end)

  it("share a client", function()
    local outer, inner, states = cqueues.new(), cqueues.new(), {}
    for index = 1, 6 do
      (index % 2 == 0 and outer or inner):wrap(function()
        states[index] = tk:booking(ids[index]):confirm().state
      end)
    end
    outer:wrap(function() assert(inner:loop()) end)
    assert(outer:loop(20))
    assert(outer:empty())
    assert.equal(6, #states)
    assert_confirmed_once(ids)
  end)

  it("do not wait for one that is not run any more", function()
    local abandoned, state = cqueues.new(), nil
    abandoned:wrap(function() tk:booking(ids[1]):confirm() end)
    abandoned:step(0)
    local queue = cqueues.new()
    queue:wrap(function() state = tk:booking(ids[2]):confirm().state end)
    assert(queue:loop(20))
    assert(queue:empty())
    assert.equal("confirmed", state)
    assert.equal(1, abandoned:count())
    abandoned = nil -- luacheck: ignore 311
    collect()
    queue:wrap(function() state = state .. tk:booking(ids[3]):confirm().state end)
    assert(queue:loop(20))
    assert(queue:empty())
    assert.equal("confirmedconfirmed", state)
    assert.equal("confirmed", tk:booking(ids[4]):confirm().state)
  end)

  it("go on when the coroutine that watched has raised or was the first to be done", function()
    local queue, states = cqueues.new(), {}
    plan({ match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "stall", seconds = 0.1, when = "after" })
    queue:wrap(function()
      tk:booking(ids[1]):get()
      error("oops", 0)
    end)
    for index = 2, 4 do
      queue:wrap(function() states[index - 1] = tk:booking(ids[index]):confirm().state end)
    end
    local well, problem = queue:loop(20)
    assert.is_false(well)
    assert.matches("oops", problem)
    assert(queue:loop(20))
    assert(queue:empty())
    assert.equal(3, #states)
  end)
end)
