-- In nginx: actions are added in handlers and carried out by a worker in a timer, and a Redis that hangs keeps nobody.
local app = require "spec.support.nginx_app"
local process = require "spec.support.process"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local INIT = [[
  client = timekit.new { timeout = 10, rate = { redis = "REDIS", name = "nginx", per_second = 9.8, burst = 10 } }
  queue = client:queue { redis = "REDIS", name = "nginx" }
  function asked(value, err)
    return require("timekit.core").encode(value or { kind = err.kind, message = err.message })
  end
]]

local LOCATIONS = [[
  location = /add { content_by_lua_block {
    ngx.print(asked(queue:add(ngx.var.arg_id, "confirm", nil, { key = ngx.var.arg_key })))
  } }
  location = /stats { content_by_lua_block { ngx.print(asked(queue:stats())) } }
  location = /work { content_by_lua_block {
    ngx.timer.at(0, function()
      queue:work { stop = ngx.worker.exiting }
    end)
    ngx.print "{}"
  } }
  location = /many { content_by_lua_block {
    local right = 0
    local host = { runtime = client.runner.runtime, pump = client.runner.pump }
    for index = 1, 1000 do
      if queue.jobs.link:ask(host, { "ECHO", "n" .. index }, 20) == "n" .. index then right = right + 1 end
    end
    ngx.print('{"right":' .. right .. '}')
  } }
  location = /sleep { content_by_lua_block { ngx.sleep(1) ngx.print("slept") } }
  location = /get { content_by_lua_block { ngx.print(plain(client:booking(ngx.var.arg_id):get())) } }
]]

describe("in nginx, Redis", function()
  local server

  setup(app.open)
  teardown(app.close)
  before_each(function()
    server = redis.start()
    app.start(LOCATIONS, { init = (INIT:gsub("REDIS", server.address)) })
  end)
  after_each(function()
    app.stop()
    server:close()
  end)

  it("carries a queue: handlers add, and a timer works", function()
    local ids = {}
    for index = 1, 5 do
      ids[index] = app.book()
      assert.equal("new", app.get("/add?key=k" .. index .. "&id=" .. ids[index]).what)
      assert.equal("exists", app.get("/add?key=k" .. index .. "&id=" .. ids[index]).what)
    end
    app.get "/work"
    program.await("the jobs are not done", function() return app.get("/stats").done == 5 end)
    local times = app.confirmed()
    for _, id in ipairs(ids) do assert.equal(1, times[id]) end
    assert.equal("", app.running:complaints())
  end)

  for name, what in pairs { QUIT = "quits", HUP = "is replaced at a reload" } do
    it("finishes what is in flight when a worker " .. what, function()
      local ids = { app.book(), app.book() }
      app.slow_down(1, #ids)
      for _, id in ipairs(ids) do app.get("/add?id=" .. id) end
      app.get "/work"
      for _, id in ipairs(ids) do app.wait_until_under_way(id) end
      app.running:signal(name)
      if name == "QUIT" then app.running:wait() end
      local tk = timekit.new { app_key = "x" }
      local queue = tk:queue { redis = server.address, name = "nginx" }
      program.await("the jobs are not done", function() return queue:stats().done == #ids end)
      -- Nobody else had to take them.
      assert.equal(0, queue:stats().reaped)
      tk:close()
      local times = app.confirmed()
      for _, id in ipairs(ids) do assert.equal(1, times[id]) end
      assert.equal("", app.running:complaints())
    end)
  end

  it("answers 10,000 commands of 10 requests", function()
    local connections = {}
    for index = 1, 10 do connections[index] = app.running:ask "/many" end
    for _, connection in ipairs(connections) do
      assert.equal(1000, app.decode(app.running.answer(connection)).right)
    end
    assert.equal("", app.running:complaints())
  end)

  -- The worst latency of others, in milliseconds, while five requests for this path wait for `expected`.
  local function worst_beside(path, expected)
    local probe = process.start(("%s spec/support/latency_probe.lua %d /fast"):format(
      this_lua.command, app.running.port))
    local connections = {}
    for index = 1, 5 do connections[index] = app.running:ask(path) end
    for _, connection in ipairs(connections) do
      assert.matches(expected, (app.running.answer(connection)))
    end
    probe:say "enough"
    local worst = tonumber(probe:read():match "^(%S+)")
    probe:close()
    return worst
  end

  it("keeps nobody when it hangs", function()
    local path = "/get?id=" .. app.book()
    assert.equal("tentative", app.get(path).state)
    local worst, longest
    -- The goal is 5 ms. On a busy machine it is as long as nginx itself lets others wait, and it gets further tries.
    for _ = 1, 5 do
      longest = math.max(5, 1.5 * worst_beside("/sleep", "slept"))
      server:signal "STOP"
      worst = worst_beside(path, '"state":"tentative"')
      server:signal "CONT"
      if worst < longest then break end
    end
    assert.is_true(worst < longest, ("%.1f ms, and not %.1f"):format(worst, longest))
  end)
end)
