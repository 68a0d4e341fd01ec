-- Real event loops, luv and cqueues: one descriptor to watch, and coroutines that wait without keeping the loop.
local core = require "timekit.core"
local cqueues = require "cqueues"
local lfs = require "lfs"
local loops = require "spec.support.loops"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local socket = require "socket"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"
local uv = require "luv"

local KEY = "test_api_key_1"

-- Nothing can yield out of pcall on Lua 5.1, LuaJIT apart.
local CAN_CATCH = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local served

setup(function() served = server.start() end)
teardown(function() served:close() end)
before_each(function() assert.equal(200, (served:call("POST", "/_sandbox/reset"))) end)

local function client(options)
  local all = { app_key = KEY, base_url = served.url }
  for name, value in pairs(options or {}) do all[name] = value end
  return timekit.new(all)
end

local CREATE = [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]

local function create(count)
  local ids = {}
  for index = 1, count or 1 do
    local status, answer = served:call("POST", "/v2/bookings", CREATE)
    assert.equal(201, status)
    ids[index] = answer.data.id
  end
  return ids
end

local function plan(...)
  local status, answer = served:call("POST", "/_sandbox/faults", assert(core.encode { faults = core.array { ... } }))
  assert.equal(200, status, answer.error)
end

-- Every booking was confirmed once, and nothing else happened to it.
local function assert_confirmed_once(ids)
  local _, answer = served:call("GET", "/_sandbox/bookings")
  local histories = {}
  for _, booking in ipairs(answer.data) do
    local steps = {}
    for index, step in ipairs(booking.history) do steps[index] = step.to end
    histories[booking.id] = table.concat(steps, " ")
  end
  for _, id in ipairs(ids) do assert.equal("tentative confirmed", histories[id]) end
end

-- A server that takes requests and says nothing: `heard()` tells how many have come on connections of their own.
local function silent_server()
  local listener, connections, heard = assert(socket.bind("127.0.0.1", 0)), {}, {}
  listener:settimeout(0)
  local _, port = listener:getsockname()
  local self = { url = "http://127.0.0.1:" .. port }
  function self.heard()
    for connection in function() return listener:accept() end do table.insert(connections, connection) end
    for _, connection in ipairs(socket.select(connections, nil, 0)) do heard[connection] = true end
    local count = 0
    for _ in pairs(heard) do count = count + 1 end
    return count
  end
  function self.close()
    for _, connection in ipairs(connections) do connection:close() end
    listener:close()
  end
  return self
end

local function collect()
  collectgarbage()
  collectgarbage()
end

local function descriptors()
  collect()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
  return count
end

local function kilobytes()
  collect()
  return collectgarbage "count"
end

-- ---- one descriptor ----

for name, loop in pairs(loops) do
  describe("the descriptor, watched by " .. name .. ",", function()
    local tk, fd, wakes

    after_each(function() tk:close() end)

    local function use(options)
      tk = client(options)
      fd = tk:fd()
    end

    -- Watches the descriptor, and nothing else, until all calls are over.
    local function drive(calls)
      local function is_over()
        for _, call in ipairs(calls) do
          if not call:done() then return false end
        end
        return true
      end
      wakes = loop(fd, function() tk:update() end, is_over)
    end

    it("is all that is needed for calls", function()
      use()
      local ids, calls = create(20), {}
      for index, id in ipairs(ids) do calls[index] = tk:booking(id):start("confirm") end
      drive(calls)
      for index, id in ipairs(ids) do
        local booking = assert(calls[index]:result())
        assert.same({ id, "confirmed" }, { booking.id, booking.state })
      end
      assert.is_true(wakes < 20 * 20, wakes)
    end)

    it("is the same for all calls of a client", function()
      use()
      for _, id in ipairs(create(3)) do
        local call = tk:booking(id):start("confirm")
        drive { call }
        assert.equal("confirmed", call:result().state)
        assert.equal(fd, tk:fd())
      end
    end)

    it("wakes for the pauses of retries and of the rate", function()
      use { rate = { per_second = 50, burst = 1 } }
      local ids = create(4)
      plan({ match = "PUT /v2/bookings/" .. ids[1] .. "/confirm", what = "status", status = 429, when = "before" },
        { match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "status", status = 503, when = "before" })
      local calls = {}
      for index, id in ipairs(ids) do
        -- So that 503 is known to be no danger, too.
        calls[index] = tk:booking({ id = id, graph = "confirm_decline" }):start("confirm")
      end
      drive(calls)
      for index, attempts in ipairs { 2, 2, 1, 1 } do
        local booking, info = calls[index]:result()
        assert.same({ "confirmed", attempts }, { booking.state, info.attempts })
      end
      assert_confirmed_once(ids)
      assert.is_true(wakes < 6 * 20, wakes)
    end)

    it("wakes when the time of a call is over", function()
      local silent = silent_server()
      use { base_url = silent.url, uncertain = "report", timeout = 0.2 }
      local calls = {}
      for index = 1, 5 do calls[index] = tk:booking("b" .. index):start("confirm") end
      drive(calls)
      for _, call in ipairs(calls) do
        local _, err = call:result()
        assert.same({ "uncertain", "timeout" }, { err.kind, err.cause.kind })
      end
      silent.close()
      assert.is_true(wakes < 100, wakes)
    end)

    it("wakes for what a call yields by itself, and for what on_done starts", function()
      use()
      local ids, states = create(1), {}
      local call = tk:start(function()
        for _ = 1, 3 do coroutine.yield() end
        return tk:booking(ids[1]):confirm()
      end)
      call:on_done(function(booking)
        states[1] = booking.state
        states[2] = tk:booking(booking):cancel().state
      end)
      drive { { done = function() return #states == 2 end } }
      assert.same({ "confirmed", "cancelled" }, states)
      assert.is_true(wakes < 40, wakes)
    end)

    it("wakes for a batch in a call, and for a call that is cancelled", function()
      use()
      local ids, items = create(10), {}
      for index, id in ipairs(ids) do items[index] = { id, "confirm" } end
      local call = tk:start(function() return tk:batch(items, { concurrency = 3 }) end)
      local silent = silent_server()
      local other = client { base_url = silent.url }
      local victim = other:booking("b1"):start("confirm")
      local told
      victim:on_done(function(_, err) told = err.kind end)
      call:on_done(function() victim:cancel() end)
      drive { call, victim }
      assert.same({ done = 10, failed = 0 }, { done = call:result().done, failed = call:result().failed })
      assert.is_true(victim:done())
      assert.is_nil(told)
      local left = 1
      loop(other:fd(), function() left = other:update() end, function() return left == 0 end)
      assert.equal("cancelled", told)
      other:close()
      silent.close()
      assert_confirmed_once(ids)
    end)

    -- A call that has to pause before its second try.
    local function paused_call(ids)
      plan({ match = "PUT /v2/bookings/" .. ids[1] .. "/confirm", what = "status", status = 429, when = "before" },
        { match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "stall", seconds = 0.1, when = "after" },
        { match = "PUT /v2/bookings/" .. ids[3] .. "/confirm", what = "stall", seconds = 0.3, when = "after" })
      local answered = false
      use { after = function() answered = true end }
      local paused = tk:booking(ids[1]):start("confirm")
      while not answered do tk:update(1) end
      return paused
    end

    it("wakes for what has become due while others blocked", function()
      local ids = create(3)
      local paused, ready = paused_call(ids), tk:booking(ids[2]):start("confirm")
      -- Longer than the pause. It moves everything on, but continues no other call.
      assert(tk:booking(ids[3]):confirm())
      assert.same({ false, false }, { paused:done(), ready:done() })
      drive { paused, ready }
      assert.same({ "confirmed", "confirmed" }, { paused:result().state, ready:result().state })
      assert_confirmed_once(ids)
    end)

    it("wakes for what becomes due after a batch", function()
      local ids = create(4)
      local paused = paused_call(ids)
      assert.equal(1, tk:batch({ { ids[4], "confirm" } }).done)
      drive { paused }
      assert.equal("confirmed", paused:result().state)
    end)

    it("stays quiet when there is nothing to do", function()
      use()
      local ids = create(1)
      drive { tk:booking(ids[1]):start("confirm") }
      -- What is left of timers may make it readable, but not for long.
      local readable = { getfd = function() return tk:fd() end, dirty = function() return false end }
      for _ = 1, 10 do
        if not socket.select({ readable }, nil, 0)[1] then return end
        tk:update()
      end
      error("it stays readable")
    end)
  end)
end

-- ---- coroutines ----

-- How both run: `spawn` starts a coroutine, `run` goes on until nothing is left to do, and raises the first error of a
-- coroutine; `tick(fn)` calls fn again and again until it returns false.
local hosts = {
  cqueues = function()
    local queue = cqueues.new()
    return {
      runtime = "cqueues",
      spawn = function(fn) queue:wrap(fn) end,
      tick = function(fn)
        queue:wrap(function()
          repeat cqueues.sleep(0.001) until fn() == false
        end)
      end,
      run = function()
        local failed, problem
        repeat
          local well, trouble = queue:loop(20)
          if not well and not failed then failed, problem = true, trouble end
        until well
        assert(queue:empty(), "the loop does not end")
        if failed then error(problem, 0) end
      end,
    }
  end,
  luv = function()
    local failed, problem
    return {
      runtime = "luv",
      spawn = function(fn)
        coroutine.wrap(function()
          -- An error in a callback of luv ends the process.
          local well, trouble = true, nil
          if CAN_CATCH then well, trouble = pcall(fn) else fn() end
          if not well and not failed then failed, problem = true, trouble end
        end)()
      end,
      tick = function(fn)
        local timer = uv.new_timer()
        timer:start(1, 1, function()
          if fn() == false then timer:close() end
        end)
      end,
      run = function()
        uv.update_time()
        local patience, ended = uv.new_timer(), true
        patience:start(20000, 0, function()
          ended = false
          uv.stop()
        end)
        patience:unref()
        uv.run()
        patience:close()
        assert(ended, "the loop does not end")
        uv.run()
        if failed then error(problem, 0) end
      end,
    }
  end,
}

for name, new_host in pairs(hosts) do
  describe("a coroutine of " .. name, function()
    local host, tk

    before_each(function()
      host = new_host()
      tk = client { runtime = name }
    end)
    after_each(function() tk:close() end)

    it("waits alone: the others go on meanwhile", function()
      local ids = create(1)
      plan({ match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.1, when = "after" })
      local ticks, state = 0, nil
      host.spawn(function() state = tk:booking(ids[1]):confirm().state end)
      host.tick(function()
        ticks = ticks + 1
        return state == nil
      end)
      host.run()
      assert.equal("confirmed", state)
      assert.is_true(ticks > 10, ticks)
    end)

    it("gets its own booking, a hundred at once", function()
      local ids, got = create(100), {}
      for index, id in ipairs(ids) do
        host.spawn(function()
          local booking = assert(tk:booking(id):confirm())
          got[index] = booking.id .. booking.state .. assert(tk:booking(id):get()).id
        end)
      end
      host.run()
      for index, id in ipairs(ids) do assert.equal(id .. "confirmed" .. id, got[index]) end
      assert_confirmed_once(ids)
    end)

    it("waits alone for retries, looks and the rate", function()
      tk:close()
      tk = client { runtime = name, rate = { per_second = 50, burst = 1 } }
      local ids, infos, ticks, over = create(4), {}, 0, 0
      plan({ match = "PUT /v2/bookings/" .. ids[1] .. "/confirm", what = "status", status = 429, when = "before" },
        { match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "close", when = "after" },
        { match = "PUT /v2/bookings/" .. ids[3] .. "/confirm", what = "close", when = "before" })
      for index, id in ipairs(ids) do
        host.spawn(function()
          local booking, info = tk:booking(id):confirm()
          over = over + 1
          infos[index] = booking and { booking.state, info.attempts, info.reconciled } or info
        end)
      end
      host.tick(function()
        ticks = ticks + 1
        return over < 4
      end)
      host.run()
      assert.same({
        { "confirmed", 2, false }, { "confirmed", 1, true }, { "confirmed", 2, false }, { "confirmed", 1, false },
      }, infos)
      assert.is_true(ticks > 10, ticks)
      assert_confirmed_once(ids)
    end)

    it("waits alone for a batch", function()
      local ids, items, ticks, outcome = create(30), {}, 0, nil
      for index, id in ipairs(ids) do items[index] = { id, "confirm" } end
      plan({ match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "status", status = 429, when = "before" })
      local problem
      host.spawn(function() outcome = tk:batch(items, { concurrency = 7 }) end)
      host.spawn(function()
        local _, raised = nil, "oops"
        if CAN_CATCH then
          _, raised = pcall(tk.batch, tk, { items[1] }, { on_progress = function() error("oops", 0) end })
        end
        problem = raised
      end)
      host.tick(function()
        ticks = ticks + 1
        return not (outcome and problem)
      end)
      host.run()
      assert.equal(30, outcome.done)
      for index, id in ipairs(ids) do
        local booking = outcome[index][1]
        -- The second batch may have been faster with the first.
        assert.is_true(booking == nil and index == 1 or booking.id == id)
      end
      assert.equal("oops", problem)
      assert.is_true(ticks > 2, ticks)
      assert_confirmed_once(ids)
    end)

    it("learns that the client is closed in the middle of a batch", function()
      local silent, items, outcome = silent_server(), {}, nil
      local mute = client {
        runtime = name, base_url = silent.url, rate = { per_second = 0.1, burst = 2 }, timeout = 100,
      }
      for index = 1, 20 do items[index] = { "b" .. index, "confirm" } end
      host.spawn(function() outcome = mute:batch(items, { concurrency = 4 }) end)
      host.tick(function()
        if silent.heard() < 2 then return true end
        mute:close()
        return false
      end)
      host.run()
      local sent = { maybe = 0, no = 0 }
      for index = 1, 20 do
        local err = outcome[index][2]
        assert.equal("cancelled", err.kind)
        sent[err.sent] = sent[err.sent] + 1
      end
      assert.same({ maybe = 2, no = 18 }, sent)
      silent.close()
    end)

    it("waits with several clients, some of whose servers say nothing", function()
      local silent = silent_server()
      local mute = client { runtime = name, base_url = silent.url, uncertain = "report", timeout = 0.2 }
      local ids, done, order = create(5), {}, {}
      host.spawn(function()
        local _, err = mute:booking("b1"):confirm()
        order[#order + 1] = err.cause.kind
      end)
      host.spawn(function()
        for index, id in ipairs(ids) do done[index] = assert(tk:booking(id):confirm()).state end
        order[#order + 1] = "all"
      end)
      host.run()
      assert.same({ "all", "timeout" }, order)
      assert.equal(5, #done)
      mute:close()
      silent.close()
    end)

    it("that raises takes no other with it", function()
      if name == "luv" and not CAN_CATCH then return end
      local ids, states = create(3), {}
      host.spawn(function()
        tk:booking(ids[1]):get()
        error("oops", 0)
      end)
      for index = 2, 3 do
        host.spawn(function() states[index] = tk:booking(ids[index]):confirm().state end)
      end
      local ok, problem = pcall(host.run)
      assert.is_false(ok)
      assert.matches("oops", problem)
      assert.same({ [2] = "confirmed", [3] = "confirmed" }, states)
    end)

    it("learns that the client is closed, whatever it waits for", function()
      local silent, ids, errors = silent_server(), create(2), {}
      local mute = client { runtime = name, base_url = silent.url }
      local answered, waiting = 0, false
      local slow = client {
        runtime = name, rate = { per_second = 0.01, burst = 1 }, timeout = 1000,
        after = function() answered = answered + 1 end,
      }
      plan { match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, headers = { ["retry-after"] = "900" },
        when = "before" }
      local function note(key, fn)
        host.spawn(function()
          local _, err = fn()
          errors[key] = err.kind .. " " .. err.sent
        end)
      end
      for index = 1, 3 do note(index, function() return mute:booking("b" .. index):confirm() end) end
      note("refused", function() return slow:booking(ids[1]):confirm() end)
      host.tick(function()
        if silent.heard() < 3 or answered < 1 then return true end
        if not waiting then
          note("rate", function()
            waiting = true
            return slow:booking(ids[2]):confirm()
          end)
          return true
        end
        mute:close()
        slow:close()
        return false
      end)
      host.run()
      assert.same({
        "cancelled maybe", "cancelled maybe", "cancelled maybe", refused = "cancelled yes", rate = "cancelled no",
      }, errors)
      silent.close()
    end)

    it("can close the client, and use a new one whose descriptor has the same number", function()
      local ids, states, fds = create(12), {}, {}
      host.spawn(function()
        for index, id in ipairs(ids) do
          local own = client { runtime = name }
          states[index] = own:booking(id):confirm().state
          fds[own:fd()] = true
          own:close()
        end
      end)
      host.run()
      assert.equal(12, #states)
      local numbers = 0
      for _ in pairs(fds) do numbers = numbers + 1 end
      -- The point of this: numbers were used again.
      assert.is_true(numbers < 12, numbers)
      assert_confirmed_once(ids)
    end)

    it("can close a client that another one waits for, and go on with a new one", function()
      local silent = silent_server()
      local ids, kinds, states = create(5), {}, {}
      local mutes = {}
      for index in ipairs(ids) do
        mutes[index] = client { runtime = name, base_url = silent.url }
        host.spawn(function()
          local _, err = mutes[index]:booking("b1"):confirm()
          kinds[index] = err.kind
        end)
      end
      host.tick(function()
        if silent.heard() < 5 then return true end
        for index, id in ipairs(ids) do
          host.spawn(function()
            mutes[index]:close()
            local own = client { runtime = name }
            states[index] = own:booking(id):confirm().state
            own:close()
          end)
        end
        return false
      end)
      host.run()
      assert.equal(5, #kinds)
      assert.equal(5, #states)
      silent.close()
      assert_confirmed_once(ids)
    end)

    it("goes on with a sandbox, which has no descriptor", function()
      local box = timekit.sandbox.new()
      local own = timekit.new { transport = box, runtime = name }
      local states, ticks = {}, 0
      box:fault { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 5, when = "after" }
      box:fault { match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" }
      for index = 1, 5 do
        host.spawn(function()
          local booking = assert(own:create_booking {
            graph = "confirm_decline", start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
          })
          states[index] = assert(own:booking(booking):confirm()).state
        end)
      end
      host.tick(function()
        ticks = ticks + 1
        return #states < 5
      end)
      host.run()
      assert.equal(5, #states)
      own:close()
    end)

    it("learns that a sandbox's client is closed", function()
      local box = timekit.sandbox.new()
      local own = timekit.new { transport = box, runtime = name }
      box:fault { match = "POST /v2/bookings", what = "status", status = 429, headers = { ["retry-after"] = "20" },
        when = "before" }
      local kind
      host.spawn(function()
        local _, err = own:create_booking {
          graph = "confirm_decline", start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
        }
        kind = err.kind
      end)
      host.tick(function()
        if #box:requests() == 0 then return true end
        own:close()
        return false
      end)
      host.run()
      assert.equal("cancelled", kind)
    end)

    it("shares the client with calls that do not wait, and with a script's", function()
      local ids, states = create(9), {}
      local calls = {}
      for index = 1, 3 do calls[index] = tk:booking(ids[index]):start("confirm") end
      for index = 4, 6 do
        host.spawn(function() states[index - 3] = tk:booking(ids[index]):confirm().state end)
      end
      -- Outside of coroutines it blocks.
      for index = 7, 9 do assert.equal("confirmed", tk:booking(ids[index]):confirm().state) end
      host.tick(function() return tk:update() > 0 end)
      host.run()
      assert.same({ "confirmed", "confirmed", "confirmed" }, states)
      for _, call in ipairs(calls) do assert.equal("confirmed", call:result().state) end
      assert_confirmed_once(ids)
    end)

    it("leaves nothing behind in the loop, however often", function()
      local ids = create(1)
      local function round()
        local own = client { runtime = name }
        for _ = 1, 3 do host.spawn(function() assert(own:booking(ids[1]):get()) end) end
        host.run()
        own:close()
      end
      round()
      local fds, memory = descriptors(), kilobytes()
      for _ = 1, 60 do round() end
      assert.is_true(descriptors() - fds < 20, descriptors() - fds)
      assert.is_true(kilobytes() < memory + 150, kilobytes() - memory)
    end)
  end)
end

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

-- ---- one's own ----

-- A loop of the plainest kind: coroutines, each of which waits for a descriptor or a time.
local function plain_loop()
  local loop, waiting = {}, {}

  local function continue(thread)
    waiting[thread] = nil
    local well, problem = coroutine.resume(thread)
    if not well then error(problem, 0) end
  end

  function loop.spawn(fn) continue(coroutine.create(fn)) end

  function loop.running() return coroutine.running() end

  function loop.after(seconds, thread) waiting[thread] = { at = core.now() + seconds } end

  function loop.yield() coroutine.yield() end

  function loop.yield_until_readable(fd, seconds)
    waiting[coroutine.running()] = { fd = fd, at = seconds and core.now() + seconds }
    coroutine.yield()
  end

  function loop.wake(thread)
    if waiting[thread] then waiting[thread] = { at = core.now() } end
  end

  -- The descriptors of those who wait, and when the first of them has waited long enough.
  local function look()
    local watched, first = {}, math.huge
    for thread, wait in pairs(waiting) do
      if wait.fd then
        local fd = wait.fd
        table.insert(watched, {
          thread = thread, getfd = function() return fd end, dirty = function() return false end,
        })
      end
      first = math.min(first, wait.at or first)
    end
    return watched, first
  end

  function loop.run()
    while next(waiting) do
      local watched, first = look()
      local readable = socket.select(watched, nil, math.max(0, math.min(first - core.now(), 5)) + 0.001)
      local due = {}
      for _, one in ipairs(readable) do due[one.thread] = true end
      for thread, wait in pairs(waiting) do
        if wait.at and wait.at <= core.now() then due[thread] = true end
      end
      assert(next(due), "nothing happens")
      for thread in pairs(due) do
        if waiting[thread] then continue(thread) end
      end
    end
  end

  return loop
end

describe("a runtime of one's own", function()
  -- What the contract shows is what is run here.
  local function example()
    local file = assert(io.open "lua/timekit/runtime/reference.lua")
    local text = file:read("*a"):match("\n%-%- @usage\n(.-)\n\n")
    file:close()
    return (text:gsub("^%-%- ", ""):gsub("\n%-%- ", "\n"))
  end

  local function make(loop)
    local names = setmetatable({
      loop = loop, key = KEY,
      timekit = { new = function(options) return client { runtime = options.runtime } end },
    }, { __index = _G })
    local text = example() .. "\nreturn tk"
    -- luacheck: push globals setfenv loadstring
    if setfenv then return setfenv(assert(loadstring(text)), names)() end
    -- luacheck: pop
    return assert(load(text, "example", "t", names))()
  end

  it("works as its contract shows", function()
    local loop = plain_loop()
    local tk, ids, states = make(loop), create(20), {}
    plan({ match = "PUT /v2/bookings/" .. ids[1] .. "/confirm", what = "status", status = 429, when = "before" },
      { match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "stall", seconds = 0.1, when = "after" })
    local order = {}
    for index, id in ipairs(ids) do
      loop.spawn(function()
        states[index] = assert(tk:booking(id):confirm()).state
        order[#order + 1] = index
      end)
    end
    loop.run()
    assert.equal(20, #states)
    -- They did not wait for each other.
    assert.is_true(order[1] > 2, order[1])
    local items, outcome = {}, nil
    for index, id in ipairs(ids) do items[index] = { id, "cancel" } end
    loop.spawn(function() outcome = tk:batch(items, { concurrency = 3 }) end)
    loop.run()
    assert.same({ 20, 0 }, { outcome.done, outcome.failed })
    plan { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.1, when = "after" }
    local errors = {}
    for index = 1, 2 do
      loop.spawn(function()
        local booking, err = tk:booking(create()[1]):confirm()
        errors[index] = booking and "closed" or err.kind
        tk:close()
      end)
    end
    loop.run()
    table.sort(errors)
    assert.same({ "cancelled", "closed" }, errors)
  end)
end)

-- ---- nothing is run any more ----

describe("what is dropped half way", function()
  local silent, ids

  before_each(function() silent, ids = silent_server(), create(1) end)
  after_each(function() silent.close() end)

  -- Without a leak, a hundred rounds need no more than a few; the first ones fill caches. A client with its calls takes
  -- ten kilobytes and more.
  local function stays_small(round)
    for _ = 1, 5 do round() end
    local fds, memory = descriptors(), kilobytes()
    for index = 1, 100 do
      round()
      if index % 20 == 0 then collect() end
    end
    -- A kept connection more or less is none.
    assert.is_true(descriptors() - fds < 20, descriptors() - fds)
    assert.is_true(kilobytes() - memory < 200, kilobytes() - memory)
  end

  it("is collected: calls whose client is gone", function()
    stays_small(function()
      local tk = client { base_url = silent.url }
      local other = client { rate = { per_second = 0.1, burst = 1 } }
      for index = 1, 5 do
        tk:booking("b" .. index):start("confirm"):on_done(function() error "continued" end)
        other:booking(ids[1]):start("confirm"):on_done(function() tk:update() end)
      end
      tk:start(function() tk:batch({ { "b1", "confirm" }, { "b2", "confirm" } }) end)
      tk:start(function() coroutine.yield() end)
      tk:fd()
      tk:update()
      other:update()
    end)
  end)

  it("is collected: coroutines of a controller that is gone, with their client", function()
    stays_small(function()
      local queue = cqueues.new()
      local tk = client { runtime = "cqueues", base_url = silent.url, rate = { per_second = 0.1, burst = 3 } }
      for index = 1, 5 do queue:wrap(function() tk:booking("b" .. index):confirm() end) end
      queue:wrap(function() tk:batch({ { "b1", "confirm" }, { "b2", "confirm" } }) end)
      queue:step(0)
      queue:step(0)
    end)
  end)

  it("is collected: coroutines of a controller that is gone, though their client goes on", function()
    local tk = client { runtime = "cqueues" }
    stays_small(function()
      local queue = cqueues.new()
      for _ = 1, 3 do queue:wrap(function() tk:booking(ids[1]):get() end) end
      queue:step(0)
      queue = nil -- luacheck: ignore 311
      collect()
      -- The transfers themselves go on.
      assert(tk:booking(ids[1]):get())
    end)
    tk:close()
  end)

  it("is collected: coroutines of luv once the client is closed and the loop was run", function()
    stays_small(function()
      local tk = client { runtime = "luv", base_url = silent.url, rate = { per_second = 0.1, burst = 3 } }
      for index = 1, 5 do
        coroutine.wrap(function() tk:booking("b" .. index):confirm() end)()
      end
      coroutine.wrap(function() tk:batch({ { "b1", "confirm" }, { "b2", "confirm" } }) end)()
      tk:close()
      uv.run()
    end)
  end)

  it("ends with the program", function()
    local program = ([[%s -e '
      local timekit, uv, cqueues = require "timekit", require "luv", require "cqueues"
      for _, name in ipairs { "luv", "cqueues", "blocking" } do
        local tk = timekit.new { app_key = "k", base_url = "%s", runtime = name }
        local queue = cqueues.new()
        if name == "luv" then coroutine.wrap(function() tk:booking("b1"):confirm() end)() end
        if name == "cqueues" then queue:wrap(function() tk:booking("b1"):confirm() end) end
        if name == "blocking" then tk:booking("b1"):start("confirm") end
        queue:step(0)
        uv.run("nowait")
      end
      print "the end"']]):format(this_lua.command, silent.url)
    assert.equal("the end\n", shell.must(program))
  end)
end)
