-- `timekit queue` and `timekit worker`: what is added is carried out, and SIGTERM finishes what is in flight.
local core = require "timekit.core"
local program = require "spec.support.program"
local redis = require "spec.support.redis"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("timekit queue", function()
  local world, server
  setup(function()
    world = program.new()
    server = redis.start()
    world.prelude = world.prelude .. "\nexport TIMEKIT_REDIS=" .. server.address
  end)
  teardown(function()
    world:close()
    server:close()
  end)

  local function run(command)
    local status, out, err = world:run(command)
    return status, out, err
  end

  local function json(command)
    local status, out, err = run(command .. " -o json")
    assert.equal(0, status, err)
    return assert(core.decode(out))
  end

  -- Runs a worker until so many jobs are done, and ends it by SIGTERM. Returns its status and what it printed.
  local function work_until(name, done)
    return run(([[
      timekit worker --name %s & pid=$!
      until timekit queue stats --name %s -o json | grep -q '"done":%d\b'; do kill -0 $pid || exit 99; done
      kill $pid
      wait $pid]]):format(name, name, done))
  end

  it("adds, tells and cancels", function()
    local id = world:booking()
    local job = json(("timekit queue add %s confirm --key k1 --name one"):format(id))
    assert.same({ "new", "wait" }, { job.what, job.state })
    assert.equal("exists", json(("timekit queue add %s confirm --key k1 --name one"):format(id)).what)
    assert.equal(1, json("timekit queue stats --name one").ready)
    assert.equal("confirm", json(("timekit queue get %s --name one"):format(job.id)).action)
    assert.equal(0, (run(("timekit queue cancel %s --name one"):format(job.id))))
    assert.equal("cancelled", json(("timekit queue get %s --name one"):format(job.id)).state)
    assert.equal(5, (run "timekit queue get unknown --name one"))
  end)

  it("adds the lines of a file, which a worker carries out", function()
    local lines, ids = {}, {}
    for index = 1, 5 do
      ids[index] = world:booking()
      lines[index] = ('{"id":"%s","action":"confirm","key":"row-%d"}\n'):format(ids[index], index)
    end
    world:write("rows.jsonl", table.concat(lines))
    assert.equal(0, (run "timekit queue add rows.jsonl --name two"))
    assert.equal(0, (run "timekit queue add rows.jsonl --name two"))
    assert.equal(5, json("timekit queue stats --name two").added)
    local status, out = work_until("two", 5)
    assert.equal(0, status)
    assert.equal(5, select(2, out:gsub('"what":"done"', "")))
  end)

  it("says what is wrong", function()
    local status, _, err = run "timekit queue stats --redis http://x"
    assert.equal(2, status)
    assert.matches("redis: expected an address", err)
    status, _, err = run "TIMEKIT_REDIS= timekit queue stats"
    assert.equal(2, status)
    assert.matches("no Redis", err)
    status = run "timekit queue stats --redis unix:///nonexistent"
    assert.equal(6, status)
  end)
end)
