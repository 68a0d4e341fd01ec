-- What the queue's script does in Redis: takes are fair to bulk and write nothing when there is nothing, leases end,
-- and each job is added once.
local blocking = require "timekit.runtime.blocking"
local redis = require "spec.support.redis"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a queue in Redis", function()
  local server, tk, queue, jobs, at

  setup(function() server = redis.start() end)
  teardown(function() server:close() end)
  before_each(function()
    server:cli "flushall"
    tk = timekit.new { app_key = "x" }
    queue = tk:queue { redis = server.address }
    jobs, at = queue.jobs, { runtime = blocking, pump = tk.runner.pump }
  end)
  after_each(function() tk:close() end)

  local function take(most, lease) return assert(jobs:take(at, "worker", most or 1, lease or 60)) end

  local function add(booking, priority)
    return assert(queue:add(booking, "confirm", nil, { priority = priority })).id
  end

  it("begins a take with bulk every tenth time", function()
    for index = 1, 30 do
      add("normal" .. index)
      add("bulk" .. index, "bulk")
    end
    local order = {}
    for index = 1, 20 do order[index] = take()[1].is_bulk and "b" or "n" end
    assert.equal("nnnnnnnnnbnnnnnnnnnb", table.concat(order))
  end)

  it("writes nothing when it takes nothing", function()
    local function changes() return server:cli("info persistence"):match "rdb_changes_since_last_save:(%d+)" end
    add "a"
    take()
    add "a"
    local before = changes()
    for _ = 1, 10 do assert.same({}, take(9)) end
    assert.equal(before, changes())
  end)

  it("takes one of a booking's jobs at once", function()
    for _ = 1, 3 do add "a" end
    add "b"
    local list = take(9)
    assert.equal(2, #list)
    assert.same({}, take(9))
    assert.equal(1, jobs:finish(at, list[1].booking == "a" and list[1] or list[2], "done", "{}"))
    assert.equal("a", take(9)[1].booking)
  end)

  -- Redis 7.0.15 leaves that when its file was cut off in the middle of a verb.
  it("takes up again a job that neither waits nor has a lease, once another is added or somebody cancels it", function()
    for _, notice in ipairs { function() add "a" end, function(id) assert(not queue:cancel(id)) end } do
      server:cli "flushall"
      local id = add "a"
      assert.equal(1, jobs:mark(at, take()[1], 60))
      server:cli("zrem timekit:{default}:queue:run " .. id)
      assert.same({}, take())
      notice(id)
      local again = take()[1]
      assert.same({ id, "2", true }, { again.id, again.fence, again.sent })
    end
  end)

  it("gives a lease, within which nobody else has the job, and after which its taker has lost it", function()
    add "kept"
    take()
    assert.same({}, take())
    local id = add "a"
    local first = take(1, 0.05)[1]
    local second
    repeat second = take()[1] until second
    assert.same({ id, "1", "2" }, { second.id, first.fence, second.fence })
    for _, verb in ipairs { "mark", "finish", "again" } do
      assert.equal(0, (jobs[verb](jobs, at, first, verb == "mark" and 60 or verb == "again" and 0 or "done",
        verb == "again" and false or "{}", "{}")))
    end
    assert.equal(1, jobs:mark(at, second, 60))
    assert.equal(1, jobs:finish(at, second, "done", "{}"))
    -- Its answer was lost, and it is told again.
    assert.equal(1, jobs:finish(at, second, "done", "{}"))
    assert.equal(0, jobs:finish(at, second, "failed", "{}"))
    assert.equal(1, queue:stats().reaped)
  end)

  it("has room for jobs that are due in centuries, one behind the other", function()
    local ids, far, near = {}, "2500-01-01T00:00:00Z", "2200-01-01T00:00:00Z"
    for index, time in ipairs { far, far, near, near, far } do
      ids[index] = assert(queue:add("a", "confirm", nil, { at = time })).id
    end
    local order = {}
    for id in server:cli("zrange timekit:{default}:queue:b:a 0 -1"):gmatch "%S+" do order[#order + 1] = id end
    assert.same({ ids[3], ids[4], ids[1], ids[2], ids[5] }, order)
  end)

  it("has jobs with an id that no other action can have", function()
    local first = assert(queue:add("a", "confirm", nil, { id = "one" }))
    assert.same(first, (queue:add("a", "confirm", nil, { id = "one" })))
    for _, other in ipairs { { "b", "confirm" }, { "a", "decline" } } do
      local job, err = queue:add(other[1], other[2], nil, { id = "one" })
      assert.is_nil(job)
      assert.same({ "server", "TAKEN", "one" }, { err.kind, err.code, err.id })
    end
    assert.equal(1, queue:stats().added)
  end)

  it("adds the same action on the same booking as a job of its own, unless a key says that it is one", function()
    local first, second = add "a", add "a"
    assert.not_equal(first, second)
    assert.equal(2, queue:stats().open)
    local one = assert(queue:add("b", "confirm", nil, { key = "row-1" }))
    local other = assert(queue:add("b", "confirm", nil, { key = "row-1" }))
    assert.same({ one.id, "exists" }, { other.id, other.what })
    assert.equal(3, queue:stats().open)
  end)
end)
