-- One descriptor is all that an event loop has to watch for a client's calls.
local loop_host = require "spec.support.loop_host"
local loops = require "spec.support.loops"
local socket = require "socket"

local client, create, plan = loop_host.client, loop_host.create, loop_host.plan
local assert_confirmed_once, silent_server = loop_host.assert_confirmed_once, loop_host.silent_server

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

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
        -- With the graph known, a repeat after 503 is known to be safe.
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
      use { base_url = silent.url, uncertain = "report", timeout = 0.6 }
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
      -- This takes longer than the pause. It moves transfers on, but continues no other call.
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
      -- Timers that are left may make it readable, but not for long.
      local readable = { getfd = function() return tk:fd() end, dirty = function() return false end }
      for _ = 1, 10 do
        if not socket.select({ readable }, nil, 0)[1] then return end
        tk:update()
      end
      error("it stays readable")
    end)
  end)
end
