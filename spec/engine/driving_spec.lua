-- How the engine is driven and ended: it waits only when asked to, and transfers end by cancel, close or the collector.
local collect = require "spec.support.collect"
local core = require "timekit.core"
local faults = require "spec.support.faults"
local socket = require "socket"
local this_lua = require "spec.support.this_lua"

describe("the engine", function()
  local server, engine

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function() engine = core.engine { base_url = server.url.http } end)
  after_each(function() engine:close() end)

  local function new_engine(extra)
    local options = { base_url = server.url.http }
    for key, value in pairs(extra) do options[key] = value end
    return core.engine(options)
  end

  describe("waits only when asked to", function()
    it("never in start and step", function()
      local from = core.now()
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      for _ = 1, 1000 do assert.equal(1, engine:step()) end
      assert.is_true(core.now() - from < 20)
      transfer:cancel()
    end)

    it("in wait, until something happened or the time is over", function()
      local from = core.now()
      assert.equal(0, engine:wait(30))
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan() }
      while not transfer:done() do engine:wait(30) end
      assert.is_true(core.now() - from < 20)
      engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      for _ = 1, 10 do engine:wait(0.01) end
      assert.equal(1, engine:wait(0))
      assert.has_error(function() engine:wait(-1) end)
      assert.has_error(function() engine:wait() end)
    end)

    it("and can be driven by its descriptor and timeout alone", function()
      local fd = engine:fd()
      if not fd then return pending("this system has no pollable descriptor") end
      local watched = { getfd = function() return fd end, dirty = function() return false end }
      local ids = { server:plan { seconds = 0.05 }, server:plan { size = 2000000 }, server:plan { act = "silent" } }
      local transfers = {}
      for i, id in ipairs(ids) do
        transfers[i] = engine:start { method = "GET", target = "/f/" .. id, timeout = i == 3 and 0.3 or 30 }
      end
      local rounds = 0
      while engine:pending() > 0 do
        local ready = socket.select({ watched }, nil, engine:timeout() or 30)
        assert.is_true(ready[1] ~= nil or engine:timeout() ~= nil, "nothing to wait for")
        engine:step()
        rounds = rounds + 1
        assert.is_true(rounds < 100000, "the descriptor is readable for nothing")
      end
      assert.equal("ok", transfers[1]:result().reason)
      assert.equal(2000000, #transfers[2]:result().body)
      assert.equal("deadline", transfers[3]:result().reason)
    end)

    it("leaves the descriptor quiet when there is nothing to do", function()
      local fd = engine:fd()
      if not fd then return pending("this system has no pollable descriptor") end
      local watched = { getfd = function() return fd end, dirty = function() return false end }
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      server:await(engine, ("r%d"):format(server.last_id))
      for _ = 1, 20 do engine:step() end
      local quiet = false
      for _ = 1, 20 do
        quiet = quiet or socket.select({ watched }, nil, 0)[1] == nil
        engine:step()
      end
      assert.is_true(quiet)
      transfer:cancel()
    end)

    it("and knows the time that a deadline leaves", function()
      engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 5 }
      for _ = 1, 20 do engine:step() end
      local timeout = engine:timeout()
      assert.is_true(timeout >= 0 and timeout <= 5)
    end)
  end)

  describe("cancel", function()
    it("before anything was sent: no", function()
      local id = server:plan()
      local first = engine:start { method = "PUT", target = "/f/x", body = "{}" }
      -- Further starts wait for the next step, so this one has not even connected.
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      transfer:cancel()
      assert.is_true(transfer:done())
      local result = transfer:result()
      assert.equal("cancelled", result.reason)
      assert.equal("no", result.sent)
      assert.is_nil(result.status)
      assert.equal("ok", faults.finish(engine, first).reason)
      assert.equal(0, server:seen(id).started)
    end)

    it("after the request went out: maybe", function()
      local id = server:plan { act = "silent" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      server:await(engine, id)
      transfer:cancel()
      assert.equal("cancelled", transfer:result().reason)
      assert.equal("maybe", transfer:result().sent)
      assert.equal(0, engine:pending())
    end)

    it("in the middle of the answer: yes, with what there is", function()
      local id = server:plan { act = "drip" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      server:await(engine, id)
      -- The head of the answer follows the request at once.
      for _ = 1, 20 do engine:wait(0.02) end
      transfer:cancel()
      local result = transfer:result()
      assert.equal("cancelled", result.reason)
      assert.equal("yes", result.sent)
      assert.equal(200, result.status)
    end)

    it("twice, or once it is over, changes nothing", function()
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan() }
      local result = faults.finish(engine, transfer)
      transfer:cancel()
      assert.equal("ok", transfer:result().reason)
      assert.equal(result, transfer:result())
      transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" } }
      transfer:cancel()
      transfer:cancel()
      assert.equal("cancelled", transfer:result().reason)
    end)

    it("leaves the others and the engine alone", function()
      local other = engine:start { method = "GET", target = "/f/" .. server:plan { seconds = 0.05 } }
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { seconds = 0.05 } }
      engine:step()
      transfer:cancel()
      assert.equal("ok", faults.finish(engine, other).reason)
      assert.equal("ok", faults.request(engine, server:plan()).reason)
    end)
  end)

  describe("close", function()
    it("ends what is in flight, and results stay readable", function()
      local id = server:plan { act = "silent" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      local finished = engine:start { method = "GET", target = "/f/" .. server:plan() }
      faults.finish(engine, finished)
      server:await(engine, id)
      engine:close()
      assert.is_true(transfer:done())
      assert.equal("closed", transfer:result().reason)
      assert.equal("maybe", transfer:result().sent)
      assert.equal("ok", finished:result().reason)
      transfer:cancel()
      assert.equal("closed", transfer:result().reason)
    end)

    it("twice is silent; any other use raises", function()
      assert.is_true(engine:usable())
      engine:close()
      engine:close()
      assert.is_false(engine:usable())
      for _, use in ipairs { "start", "step", "wait", "fd", "timeout", "pending" } do
        local ok, message = pcall(function() return engine[use](engine, {}) end)
        assert.is_false(ok, use)
        assert.truthy(message:find("closed", 1, true), message)
      end
      assert.truthy(tostring(engine):find("closed", 1, true))
    end)

    it("happens by itself at the end of a block, where Lua has <close>", function()
      if not this_lua.closes then return end
      local source = "local make = ... local seen do local e <close> = make() seen = e end return seen"
      local seen = assert(load(source))(function() return new_engine {} end)
      assert.is_false(seen:usable())
    end)

    it("closes its connections", function()
      faults.request(engine, server:plan())
      assert.is_true(server:stats().open.http > 0)
      engine:close()
      local patience = os.time() + 30
      while server:stats().open.http > 0 do assert.is_true(os.time() < patience, "connections are left") end
    end)
  end)

  describe("and the collector", function()
    it("a transfer that nobody holds is cancelled", function()
      local id = server:plan { act = "silent" }
      do
        local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
        assert.is_false(transfer:done())
        transfer = nil -- luacheck: ignore
      end
      server:await(engine, id)
      collect()
      assert.equal(0, engine:pending())
      assert.equal("ok", faults.request(engine, server:plan()).reason)
    end)

    it("an engine that nobody holds ends its transfers, which know", function()
      local transfer
      do
        local short = new_engine {}
        transfer = short:start { method = "PUT", target = "/f/" .. server:plan { act = "silent" }, body = "{}" }
        short = nil -- luacheck: ignore
      end
      collect()
      assert.is_true(transfer:done())
      assert.equal("closed", transfer:result().reason)
    end)

    it("both at once, in any order, at any stage", function()
      for round = 1, 40 do
        local short = new_engine {}
        local kept = {}
        for i = 1, 5 do
          kept[i] = short:start { method = "PUT", target = "/f/" .. server:plan(), body = "{}", timeout = 20 }
        end
        for _ = 1, round % 5 do short:wait(0.001) end
        if round % 2 == 0 then kept[1]:cancel() end
        if round % 3 == 0 then short:close() end
        short, kept = nil, nil -- luacheck: ignore
        collectgarbage()
      end
    end)
  end)
end)
