-- A coroutine of luv or cqueues that acts waits alone: its loop goes on.
local cqueues = require "cqueues"
local loop_host = require "spec.support.loop_host"
local timekit = require "timekit"
local uv = require "luv"

local client, create, plan = loop_host.client, loop_host.create, loop_host.plan
local assert_confirmed_once, silent_server = loop_host.assert_confirmed_once, loop_host.silent_server
local descriptors, kilobytes, CAN_CATCH = loop_host.descriptors, loop_host.kilobytes, loop_host.CAN_CATCH

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

-- Both loops: `spawn` starts a coroutine; `run` runs until nothing is left to do, and raises the first error of a
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
      plan({ match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.3, when = "after" })
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
        -- The second batch may have confirmed the first booking earlier.
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

    -- In which order a call whose server says nothing, and a coroutine with five others, are over.
    local function over_in_order(timeout)
      local silent = silent_server()
      local mute = client { runtime = name, base_url = silent.url, uncertain = "report", timeout = timeout }
      local ids, done, order = create(5), {}, {}
      host.spawn(function()
        local _, err = mute:booking("b1"):confirm()
        order[#order + 1] = (err.cause or err).kind -- without a cause: nothing had left yet
      end)
      host.spawn(function()
        for index, id in ipairs(ids) do done[index] = assert(tk:booking(id):confirm()).state end
        order[#order + 1] = "all"
      end)
      host.run()
      assert.equal(5, #done)
      mute:close()
      silent.close()
      return order
    end

    it("waits with several clients, some of whose servers say nothing", function()
      -- A busy machine may need longer for the five. Were they to wait, they would be last each time.
      local timeout, order = 0.2
      repeat
        order = over_in_order(timeout)
        timeout = timeout * 2
      until order[1] == "all" or timeout > 5
      assert.same({ "all", "timeout" }, order)
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
      -- Proof that numbers were used again.
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
      -- Outside of coroutines an action blocks.
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
