-- How the jobs of a queue end when it is in doubt what became of their actions, and when they may not be sent.
local blocking = require "timekit.runtime.blocking"
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"
local redis_host = require "spec.support.redis_host"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a job", function()
  local server, tk, queue
  local names = 0

  setup(function() server = redis_host.open() end)
  teardown(function() redis_host.close(server) end)
  local function open(options)
    names = names + 1
    tk = host.client(options)
    queue = tk:queue { redis = server.address, name = "n" .. names }
  end
  before_each(host.reset)
  after_each(function() tk:close() end)

  local function add(id, action) return assert(queue:add(id, action or "confirm")).id end

  -- Works until there were so many events.
  local function work(count)
    local events = {}
    assert(queue:work {
      concurrency = 1, stop = function() return #events >= count end,
      on_job = function(event) events[#events + 1] = event end,
    })
    return events
  end

  -- A worker that takes the job, marks it, and is not heard of again.
  local function be_lost()
    local at = { runtime = blocking, pump = tk.runner.pump }
    local job = assert(queue.jobs:take(at, "lost", 1, 0))[1]
    assert.equal(1, queue.jobs:mark(at, job, 0))
  end

  it("is dead when the booking went elsewhere while its action was in doubt, and holds up what is behind it", function()
    open { retries = 0 }
    local id = host.create()[1]
    local first, behind = add(id), add(id, "cancel")
    be_lost()
    assert(tk:booking(id):decline())
    local event = work(1)[1]
    assert.same({ "dead", "uncertain", "declined" }, { event.what, event.info.kind, event.info.state })
    assert.same({ "dead", "wait" }, { queue:get(first).state, queue:get(behind).state })
    assert.equal(1, queue:stats().dead)
    assert.is_true(queue:resolve(first, "drop"))
    assert.same({ "cancelled", true }, { queue:get(first).state, queue:get(first).sent })
    -- A cancel of what is declined is refused for good.
    assert.equal("failed", work(1)[1].what)
    assert.equal(0, queue:stats().open)
  end)

  it("is tried again when nothing was seen, and begins with the look", function()
    open { retries = 0 }
    local id = host.create()[1]
    local job = add(id)
    host.plan({ match = "PUT /v2/bookings/*/confirm", what = "close", when = "after" },
      { match = "GET /v2/bookings/*", what = "close", when = "before" })
    local event = work(1)[1]
    assert.same({ "again", "uncertain" }, { event.what, event.info.kind })
    assert.is_true(queue:get(job).sent)
    local _, err = queue:cancel(job)
    assert.same({ "transition", "wait" }, { err.kind, err.state })
    event = work(1)[1]
    assert.equal("done", event.what)
    assert.is_true(event.info.reconciled)
    assert.equal(0, event.info.attempts)
    host.assert_confirmed_once { id }
  end)

  it("is sent when the look shows that it did nothing", function()
    open { retries = 0 }
    local id = host.create()[1]
    add(id)
    be_lost()
    assert.equal("done", work(1)[1].what)
    host.assert_confirmed_once { id }
  end)

  it("is not sent while Redis cannot note that it is", function()
    local is_held, sends = false, 0
    open {
      retries = 0,
      before = function(event)
        if event.method ~= "PUT" then return end
        sends = sends + 1
        if not is_held then server:signal "STOP" end
      end,
      after = function(event)
        if event.method ~= "PUT" or is_held then return end
        is_held = true
        assert.is_nil(event.status)
        server:signal "CONT"
      end,
    }
    local id = host.create()[1]
    local job = add(id)
    local events = work(2)
    assert.same({ "again", "done" }, { events[1].what, events[2].what })
    assert.equal("no", events[1].info.sent)
    assert.equal(2, sends)
    assert.equal("done", queue:get(job).state)
    host.assert_confirmed_once { id }
  end)

  it("is tried again within an hour, whatever Retry-After says", function()
    open { retries = 0 }
    local id = host.create()[1]
    local job = add(id)
    host.plan { match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before",
      headers = { ["Retry-After"] = "99999999999" } }
    assert.equal("again", work(1)[1].what)
    local due = queue:get(job).due - os.time()
    assert.is_true(due > 3000 and due < 3700, due)
  end)

  it("waits while Timekit refuses the key, and so do the others", function()
    open { retries = 0 }
    local ids, events, looks = host.create(2), {}, 0
    for _, id in ipairs(ids) do add(id) end
    host.plan { match = "PUT /v2/bookings/*/confirm", what = "status", status = 401, when = "before", times = 2 }
    assert(queue:work {
      concurrency = 1,
      stop = function()
        if events[1] then looks = looks + 1 end
        return looks > 2
      end,
      on_job = function(event) events[#events + 1] = event end,
    })
    assert.equal(1, #events)
    assert.same({ "again", "auth" }, { events[1].what, events[1].info.kind })
    assert.equal(2, queue:stats().open)
  end)
end)
