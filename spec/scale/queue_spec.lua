-- The queue: what is added ends once, in order, and says how; whatever happens to workers.
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"
local redis_host = require "spec.support.redis_host"
local socket = require "socket"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a queue", function()
  local server, tk, queue
  local names = 0

  setup(function() server = redis_host.open() end)
  teardown(function() redis_host.close(server) end)
  before_each(function()
    host.reset()
    names = names + 1
    tk = host.client { retries = 0 }
    queue = tk:queue { redis = server.address, name = "n" .. names }
  end)
  after_each(function() tk:close() end)

  -- Works until there were so many events.
  local function work(count, options)
    local events, all = {}, { stop = function() return false end }
    for name, value in pairs(options or {}) do all[name] = value end
    all.on_job = function(event)
      events[#events + 1] = event
      -- The bell wakes a worker that would wait for up to a second before it asks whether to stop.
      if #events >= count then server:cli(("lpush %s:bell 1"):format(queue.jobs.keys[1])) end
    end
    all.stop = function() return #events >= count end
    assert(queue:work(all))
    return events
  end

  local function add(...)
    local job, err = queue:add(...)
    return assert(job, tostring(err))
  end

  it("carries out what was added", function()
    local ids = host.create(5)
    local jobs = {}
    for index, id in ipairs(ids) do jobs[index] = add(id, "confirm") end
    assert.same({ "new", "wait" }, { jobs[1].what, jobs[1].state })
    assert.equal(5, queue:stats().ready)
    for _, event in ipairs(work(5)) do assert.equal("done", event.what) end
    host.assert_confirmed_once(ids)
    local job = queue:get(jobs[1].id)
    assert.same({ "done", "confirm", ids[1], 1, "confirmed" },
      { job.state, job.action, job.booking, job.tries, job.outcome.state })
    assert.same({ 0, 5 }, { queue:stats().open, queue:stats().done })
  end)

  it("works in a call of start, beside others", function()
    local ids, stop, seen = host.create(3), false, 0
    for _, id in ipairs(ids) do add(id, "confirm") end
    local call = tk:start(function()
      return queue:work { stop = function() return stop end, on_job = function() seen = seen + 1 end }
    end)
    local other = tk:start(function() return tk:booking(ids[1]):get() end)
    while seen < 3 do tk:update(1) end
    stop = true
    while not call:done() do tk:update(1) end
    assert.is_true((call:result()))
    assert.is_true(other:done())
    host.assert_confirmed_once(ids)
  end)

  it("keeps the order of a booking's actions", function()
    local id = host.create()[1]
    add(id, "confirm")
    add(id, "cancel")
    assert.equal(1, queue:stats().ready)
    local events = work(2, { concurrency = 4 })
    assert.same({ "confirm", "cancel" }, { events[1].action, events[2].action })
    assert.same({ "done", "done" }, { events[1].what, events[2].what })
  end)

  it("adds the same once: by its id, and by its key", function()
    local id = host.create()[1]
    local first = add(id, "confirm", nil, { key = "order-1" })
    local function expect(what, state, opts)
      assert.same({ id = first.id, what = what, state = state }, add(id, "confirm", nil, opts))
    end
    expect("new", "wait", { id = first.id, key = "order-1" })
    expect("exists", "wait", { key = "order-1" })
    work(1)
    expect("exists", "done", { key = "order-1" })
    assert.equal(1, queue:stats().added)
  end)

  it("waits for a time", function()
    local id = host.create()[1]
    local job = add(id, "confirm", nil, { at = os.time() + 3600 })
    assert.equal(0, queue:stats().ready)
    assert.is_true(queue:get(job.id).due > os.time() + 3000)
    add(id, "confirm", nil, { at = "2020-01-01T00:00:00Z" })
    assert.equal(1, queue:stats().ready)
    -- It has waited since it was added.
    assert.is_true(queue:stats().oldest < 1000)
    assert.equal("done", work(1)[1].what)
    assert.equal("wait", queue:get(job.id).state)
  end)

  it("takes bulk last", function()
    local ids = host.create(2)
    add(ids[1], "confirm", nil, { priority = "bulk" })
    add(ids[2], "confirm")
    local events = work(2, { concurrency = 1 })
    assert.same({ ids[2], ids[1] }, { events[1].booking, events[2].booking })
  end)

  it("is bounded", function()
    local small = tk:queue { redis = server.address, name = "small" .. names, most = 1 }
    assert(small:add("a", "confirm"))
    local job, err = small:add("b", "confirm")
    assert.is_nil(job)
    assert.same({ "server", "FULL" }, { err.kind, err.code })
  end)

  it("keeps what is over for a part of a second too", function()
    queue = tk:queue { redis = server.address, name = "brief" .. names, keep = 0.5 }
    local job = add(host.create()[1], "confirm", nil, { key = "k" })
    assert.equal("done", work(1)[1].what)
    assert.same({ 0, 1 }, { queue:stats().open, queue:stats().done })
    repeat until not queue:get(job.id)
    assert.equal("new", add("other", "confirm", nil, { key = "k" }).what)
  end)

  it("asks the rules before anything is stored", function()
    local job, err = queue:add({ id = "x", graph = "confirm_decline", state = "cancelled" }, "confirm")
    assert.is_nil(job)
    assert.equal("transition", err.kind)
    job, err = queue:add({ id = "x", graph = "confirm_decline", state = "tentative" }, "confirmed")
    assert.is_nil(job)
    assert.equal("input", err.kind)
    assert.equal(0, queue:stats().added)
  end)

  it("counts what is done already as done, and refusals as failed", function()
    local ids = host.create(2)
    assert(tk:booking(ids[1]):confirm())
    local again, wrong = add(ids[1], "confirm"), add(ids[2], "cancel_by_nobody")
    work(2)
    assert.equal("done", queue:get(again.id).state)
    local job = queue:get(wrong.id)
    assert.equal("failed", job.state)
    assert.is_string(job.outcome.message)
  end)

  it("tries again what certainly had no effect", function()
    local ids = host.create()
    host.plan { match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" }
    add(ids[1], "confirm")
    local events = work(2)
    assert.same({ "again", "done" }, { events[1].what, events[2].what })
    host.assert_confirmed_once(ids)
  end)

  it("finds out what became of an action that was in doubt", function()
    local ids = host.create()
    host.plan({ match = "PUT /v2/bookings/*/confirm", what = "close", when = "after" })
    add(ids[1], "confirm")
    assert.equal("done", work(1)[1].what)
    host.assert_confirmed_once(ids)
  end)

  it("cancels what waits", function()
    local id = host.create()[1]
    local job = add(id, "confirm")
    assert.is_true(queue:cancel(job.id))
    assert.equal("cancelled", queue:get(job.id).state)
    assert.is_true(queue:cancel(job.id))
    local done = add(id, "confirm")
    work(1)
    local _, err = queue:cancel(done.id)
    assert.same({ "transition", "done" }, { err.kind, err.state })
    _, err = queue:cancel("unknown")
    assert.equal("not_found", err.kind)
    _, err = queue:get("unknown")
    assert.equal("not_found", err.kind)
  end)

  -- Plays the worker by hand.
  local function script(...)
    local jobs = queue.jobs
    local at = { runtime = require "timekit.runtime.blocking", pump = tk.runner.pump }
    local verb = ...
    return jobs[verb](jobs, at, select(2, ...))
  end

  it("gives a job whose worker is gone to another one, which looks first", function()
    local ids = host.create()
    local job = add(ids[1], "confirm")
    local lost = script("take", "lost", 1, 0)[1]
    assert.equal(1, script("mark", lost, 0))
    assert(tk:booking(ids[1]):confirm())
    local event = work(1)[1]
    assert.equal("done", event.what)
    assert.is_true(event.info.reconciled)
    -- The one that was lost comes back.
    assert.equal(0, script("mark", lost, 10))
    assert.equal(0, script("finish", lost, "failed", "{}"))
    local found = queue:get(job.id)
    assert.same({ "done", 1 }, { found.state, found.tries })
    host.assert_confirmed_once(ids)
  end)

  it("gives up on a job that five workers were lost on", function()
    local ids = host.create()
    local first = add(ids[1], "confirm")
    local behind = add(ids[1], "cancel")
    for _ = 1, 5 do assert.equal(1, #script("take", "lost", 1, 0)) end
    assert.equal(0, #script("take", "next", 1, 10))
    assert.equal("dead", queue:get(first.id).state)
    assert.equal(first.id, queue:dead()[1].id)
    assert.equal("wait", queue:get(behind.id).state)
    local _, err = queue:cancel(first.id)
    assert.equal("dead", err.state)
    assert.is_true(queue:resolve(first.id, "again"))
    work(2)
    assert.same({ "done", "done" }, { queue:get(first.id).state, queue:get(behind.id).state })
    _, err = queue:resolve(first.id, "drop")
    assert.equal("transition", err.kind)
  end)

  it("takes nothing while the key is refused", function()
    local id = host.create()[1]
    local stranger = host.client { app_key = "wrong", retries = 0 }
    host.plan { match = "PUT /v2/bookings/*/confirm", what = "status", status = 401, when = "before" }
    add(id, "confirm")
    local event = work(1)[1]
    assert.same({ "again", "auth" }, { event.what, event.info.kind })
    stranger:close()
  end)

  it("adds again after a lost answer, by the error's id", function()
    local id = host.create()[1]
    assert(queue:stats())
    server:signal "STOP"
    local hasty = timekit.new { app_key = host.KEY, base_url = host.url() }
    local call = hasty:start(function()
      local own = hasty:queue { redis = server.address, name = "n" .. names }
      own.warnings = {}
      return own:add(id, "confirm")
    end)
    hasty:update(0.05)
    call:cancel()
    while not call:done() do hasty:update(0.05) end
    server:signal "CONT"
    local _, err = call:result()
    assert.is_string(err.id)
    add(id, "confirm", nil, { id = err.id })
    add(id, "confirm", nil, { id = err.id })
    assert.equal(1, queue:stats().added)
    hasty:close()
  end)

  it("needs two connections, however many queues a client has made and worked off", function()
    local function count() return tonumber(server:cli("info clients"):match "connected_clients:(%d+)") end
    local before = count()
    -- The engine has room for 64, and keeps each.
    for index, id in ipairs(host.create(3)) do
      queue = tk:queue { redis = server.address, name = ("n%d.%d"):format(names, index % 2) }
      -- A worker that waits for it listens on the other one.
      add(id, "confirm", nil, { at = socket.gettime() + 0.05 })
      assert.equal("done", work(1)[1].what)
    end
    assert.equal(before + 2, count())
  end)

  it("raises on wrong options", function()
    assert.error_matches(function() tk:queue {} end, "redis: expected the address")
    assert.error_matches(function() tk:queue { redis = "http://x" } end, "expected an address such as")
    assert.error_matches(function() queue:add("x", "confirm", nil, { key = "a b" }) end, "key: expected a name")
    assert.error_matches(function() queue:add("x", "confirm", nil, { at = "soon" }) end, "at: expected a time")
    assert.error_matches(function() queue:add("x", "confirm", nil, { prio = 1 }) end, "unknown option 'prio'")
    assert.error_matches(function() queue:add("", "confirm") end, "queue:add")
    assert.error_matches(function() queue:work { concurrency = 0 } end, "concurrency")
    assert.error_matches(function() queue:resolve("x", "maybe") end, "how: expected")
    assert.error_matches(function() queue.add("x", "confirm") end, "colon")
  end)
end)

describe("a Redis that is not fit for a queue", function()
  local function problem_with(options, given)
    local server = redis.start(options)
    local tk = timekit.new { app_key = "x" }
    local all = { redis = server.address }
    for name, value in pairs(given or {}) do all[name] = value end
    local stats, err = tk:queue(all):stats()
    tk:close()
    server:close()
    return err and err.message, stats and stats.warnings
  end

  it("is refused", function()
    assert.matches("appendonly is off", (problem_with ""))
    assert.matches("noeviction", (problem_with(redis.DURABLE .. " --maxmemory-policy allkeys-lru")))
    assert.matches("replica", (problem_with(redis.DURABLE .. " --replicaof 127.0.0.1 1")))
    assert.matches("cluster", (problem_with(redis.DURABLE .. " --port 0 --cluster-enabled yes")))
  end)

  it("is warned of", function()
    local _, warnings = problem_with "--appendonly yes"
    assert.matches("appendfsync is everysec", warnings[1])
    _, warnings = problem_with(redis.DURABLE .. " --rename-command CONFIG ''")
    assert.matches("CONFIG is forbidden", warnings[1])
    local refused
    refused, warnings = problem_with("", { durable = false })
    assert.is_nil(refused)
    assert.same({}, warnings)
  end)
end)
