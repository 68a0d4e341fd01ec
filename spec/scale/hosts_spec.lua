-- The link, the limit and the queue work in every host as in a script, and the host goes on meanwhile.
local core = require "timekit.core"
local cqueues = require "cqueues"
local host = require "spec.support.loop_host"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local redis_host = require "spec.support.redis_host"
local this_lua = require "spec.support.this_lua"
local uv = require "luv"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local COMMANDS, AT_ONCE = 10000, 20

describe("with Redis", function()
  local server
  setup(function() server = redis_host.open() end)
  teardown(function() redis_host.close(server) end)
  before_each(host.reset)

  -- Asks so many commands, a part of them in each of several coroutines; `spawn` starts one. Returns a function that
  -- tells how many were answered rightly.
  local function ask_all(tk, spawn)
    local right, queue = 0, tk:queue { redis = server.address }
    for part = 1, AT_ONCE do
      spawn(function()
        for index = 1, COMMANDS / AT_ONCE do
          local at = { runtime = (tk.runner:here()), pump = tk.runner.pump }
          local text = part .. "." .. index
          if queue.jobs.link:ask(at, { "ECHO", text }, 20) == text then right = right + 1 end
        end
      end)
    end
    return function() return right end
  end

  it("10,000 commands in calls of a game", function()
    local tk = host.client()
    local right = ask_all(tk, function(fn) tk:start(fn) end)
    while tk:update(1) > 0 do end
    assert.equal(COMMANDS, right())
    tk:close()
  end)

  it("10,000 commands in coroutines of luv", function()
    local tk = host.client { runtime = "luv" }
    local right = ask_all(tk, function(fn)
      local thread = coroutine.create(fn)
      assert(coroutine.resume(thread))
    end)
    uv.run()
    assert.equal(COMMANDS, right())
    tk:close()
    uv.run()
  end)

  it("10,000 commands in coroutines of cqueues", function()
    local tk, queue = host.client { runtime = "cqueues" }, cqueues.new()
    local right = ask_all(tk, function(fn) queue:wrap(fn) end)
    assert(queue:loop())
    assert.equal(COMMANDS, right())
    tk:close()
  end)

  for _, name in ipairs { "luv", "cqueues" } do
    it("a worker in a coroutine of " .. name, function()
      local tk = host.client { runtime = name }
      local queue = tk:queue { redis = server.address, name = name }
      local ids, seen, ticks, over = host.create(6), 0, 0, false
      local function work()
        for _, id in ipairs(ids) do assert(queue:add(id, "confirm")) end
        assert(queue:work { on_job = function() seen = seen + 1 end, stop = function() return seen == #ids end })
        over = true
      end
      if name == "luv" then
        local timer = uv.new_timer()
        timer:start(1, 1, function()
          ticks = ticks + 1
          if over then timer:close() end
        end)
        assert(coroutine.resume(coroutine.create(work)))
        uv.run()
      else
        local loop = cqueues.new()
        loop:wrap(work)
        loop:wrap(function()
          while not over do
            ticks = ticks + 1
            cqueues.sleep(0.001)
          end
        end)
        assert(loop:loop())
      end
      host.assert_confirmed_once(ids)
      assert.is_true(ticks > 3)
      tk:close()
      uv.run()
    end)
  end

  it("a name lookup that never ends keeps no frame, and the call goes on without Redis", function()
    local command = "env LD_PRELOAD=build/c/slow_dns.so %s spec/support/redis_slow_dns.lua %s %s"
    local program = process.start(command:format(
      this_lua.command, host.url(), host.create()[1]))
    assert.equal("resolving", program.line)
    -- The resolver hangs for good: what waited for it would never end. It is asked again now and then, and by newer
    -- libcurls for IPv4 and IPv6 on their own.
    local line
    repeat line = program:read() until line ~= "resolving"
    assert.equal("many frames\ttentative", line)
    program:close()
  end)

  -- The longest frame of a call while Redis hangs.
  local function longest_frame()
    local tk = host.client { rate = { redis = server.address, name = "hung", per_second = 9, burst = 10 } }
    local id = host.create()[1]
    server:signal "STOP"
    local call = tk:start(function() return tk:booking(id):confirm() end)
    local longest, began = 0, core.now()
    while not call:done() and core.now() - began < 20 do
      local before = core.now()
      tk:update()
      longest = math.max(longest, core.now() - before)
      core.sleep(0.001)
    end
    server:signal "CONT"
    assert.equal("confirmed", call:result().state)
    tk:close()
    return longest
  end

  it("a Redis that hangs does not keep a frame", function()
    local longest
    -- On a busy machine another program may have the processor for a while. Redis would keep a frame each time.
    for _ = 1, 5 do
      longest = longest_frame()
      if longest < 0.1 then break end
    end
    assert.is_true(longest < 0.1, longest .. " s")
  end)
end)
