-- Calls and coroutines that a program drops half way are collected, with whatever they held.
local collect = require "spec.support.collect"
local cqueues = require "cqueues"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local uv = require "luv"

local client, create, silent_server = loop_host.client, loop_host.create, loop_host.silent_server
local descriptors, kilobytes = loop_host.descriptors, loop_host.kilobytes

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

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
    -- A few kept connections more or less are not a leak.
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
    local rounds = 0
    stays_small(function()
      rounds = rounds + 1
      local queue = cqueues.new()
      for _ = 1, 3 do queue:wrap(function() tk:booking(ids[1]):get() end) end
      queue:step(0)
      queue = nil -- luacheck: ignore 311
      -- Now and then, since in the whole suite's memory each time takes a third of a second on a busy machine.
      if rounds % 5 == 0 then collect() end
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
