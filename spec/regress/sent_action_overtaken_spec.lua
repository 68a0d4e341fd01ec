-- A user saw: an action with an early `at` went before one on the same booking that may have been sent already
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("an action that may have been sent", function()
  setup(host.open)
  teardown(host.close)
  before_each(host.reset)

  it("stays before those that are added later, whatever their time", function()
    local server, tk = redis.start(), host.client()
    local queue = tk:queue { redis = server.address }
    local at = { runtime = require "timekit.runtime.blocking", pump = tk.runner.pump }
    local id = host.create()[1]
    local first = assert(queue:add(id, "confirm"))
    local before = assert(queue:add(id, "explode", nil, { at = os.time() - 3600 }))
    assert.equal(before.id, queue.jobs:take(at, "worker", 9, 60)[1].id)
    assert(queue.jobs:again(at, { id = before.id, fence = "1" }, 3600, true, "{}"))
    assert(queue:add(id, "cancel", nil, { at = os.time() - 7200 }))
    -- The one that backs off holds up both.
    assert.same({}, (queue.jobs:take(at, "worker", 9, 60)))
    assert.is_true(queue:get(first.id).state == "wait")
    tk:close()
    server:close()
  end)
end)
