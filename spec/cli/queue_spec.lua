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

  -- Runs a worker until so many jobs are done, and ends it by SIGTERM. Returns its status and what it printed. `queue`
  -- is the name of the queue, where `name` has more options.
  local function work_until(name, done, queue)
    return run(([[
      timekit worker --name %s & pid=$!
      until timekit queue stats --name %s -o json | grep -q '"done":%d\b'; do kill -0 $pid || exit 99; done
      kill $pid
      wait $pid]]):format(name, queue or name, done))
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

  it("finishes what is in flight when SIGTERM comes, and takes nothing more", function()
    local ids = { world:booking(), world:booking() }
    world.box:request("POST", "/_sandbox/faults", core.encode {
      match = "PUT /v2/bookings/*/confirm", what = "stall", when = "after", seconds = 2, times = 1,
    })
    for _, id in ipairs(ids) do json(("timekit queue add %s confirm --name term"):format(id)) end
    -- Starting the program to look would take too much of the two seconds on a slow machine.
    local status, out = run(([[
      timekit worker --name term --concurrency 1 & pid=$!
      until curl -s %s/_sandbox/requests | grep -q '/%s/confirm'; do
        kill -0 $pid || exit 99
      done
      kill -TERM $pid
      wait $pid]]):format(world.box.url:match "^(.*)/v2$", ids[1]))
    assert.equal(0, status)
    assert.matches('"what":"done"', out)
    local stats = json "timekit queue stats --name term"
    assert.same({ 1, 1, 0, 0 }, { stats.done, stats.ready, stats.running, stats.reaped })
  end)

  it("adds none of a file's rows if one of them is wrong", function()
    for row, message in pairs {
      ['{"id":5}'] = "id: expected a text", ['{"id":"x"}'] = "no action",
      ['{"id":"","action":"x"}'] = "the id: expected a name",
      ['{"id":"x","action":"x","at":"soon"}'] = "at: expected a time",
      ['{"id":"x","action":"x","key":"a b"}'] = "key: expected a name",
      ['{"id":"x","action":"x","inputs":5}'] = "inputs: expected a table",
    } do
      world:write("wrong.jsonl", ('{"id":"%s","action":"confirm"}\n%s\n'):format(world:booking(), row))
      local status, _, err = run "timekit queue add wrong.jsonl --name wrong"
      assert.equal(2, status)
      assert.matches("line 2: " .. message, err)
    end
    world:write("wrong.jsonl", ('{"id":"%s","action":"confirm"}\n'):format(world:booking()))
    for _, more in ipairs { "confirm message=hello", "--key k", "--job-id j" } do
      assert.equal(2, (run("timekit queue add wrong.jsonl --name wrong " .. more)))
    end
    local status, _, err = run "timekit queue add . --name wrong"
    assert.equal(2, status)
    assert.matches("cannot read .: Is a directory", err)
    assert.equal(0, json("timekit queue stats --name wrong").added)
  end)

  it("adds more rows than a client has connections", function()
    local lines = {}
    for index = 1, 100 do lines[index] = ('{"id":"b%d","action":"confirm"}\n'):format(index) end
    world:write("many.jsonl", table.concat(lines))
    local status, _, err = run "timekit queue add many.jsonl --name many"
    assert.equal(0, status, err)
    assert.equal(100, json("timekit queue stats --name many").added)
  end)

  it("takes Unix seconds for a time, but not a date without its signs", function()
    local job = json "timekit queue add x confirm --at 4070908800 --name times"
    assert.equal(4070908800, json(("timekit queue get %s --name times"):format(job.id)).due)
    assert.equal(2, (run "timekit queue add x confirm --at 20990101 --name times"))
  end)

  it("says what may have been added, and how to add it only once", function()
    local id = world:booking()
    json "timekit queue stats --name lost"
    -- Redis holds back what writes, and Ctrl-C gives it up.
    local status, _, err = run(([[
      redis-cli -s %s client pause 60000 write >/dev/null
      timekit queue add %s confirm --name lost & pid=$!
      until redis-cli -s %s info clients | grep -q blocked_clients:1; do kill -0 $pid || exit 99; done
      kill -INT $pid
      wait $pid
      code=$?
      redis-cli -s %s client unpause >/dev/null
      exit $code]]):format(server.socket, id, server.socket, server.socket))
    assert.equal(130, status, err)
    assert.matches("interrupted; it may have been done", err)
    local job = err:match "it may have been added, as the job (%x+): with %-%-job%-id %x+ it is not added twice"
    assert.is_string(job, err)
    for _ = 1, 2 do
      assert.equal(job, json(("timekit queue add %s confirm --name lost --job-id %s"):format(id, job)).id)
    end
    assert.equal(1, json("timekit queue stats --name lost").added)
  end)

  it("shares the rate with others", function()
    world:write("shared.jsonl", ('{"id":"%s"}\n'):format(world:booking()))
    local status, _, err = run("timekit bulk shared.jsonl confirm --rate-name shop --redis " .. server.address)
    assert.equal(0, status, err)
    assert.equal("1", server:cli "exists timekit:{shop}:rate")
    assert.not_equal("0", server:cli "hget timekit:{shop}:rate bulk_at")
    json(("timekit queue add %s confirm --name rated"):format(world:booking()))
    assert.equal(0, (work_until("rated --rate 588/min", 1, "rated")))
    assert.equal("1", server:cli "exists timekit:{rated}:rate")
    status, _, err = run "timekit worker --rate 600/min"
    assert.equal(2, status)
    assert.matches("burst %+ 60 × per_second is 610", err)
    status = run "timekit bulk shared.jsonl confirm --rate-name shop"
    assert.equal(2, status)
    world:write("alone.jsonl", ('{"id":"%s"}\n'):format(world:booking()))
    status, _, err = run "timekit bulk alone.jsonl confirm --redis unix:///nonexistent"
    assert.equal(0, status)
    assert.matches("there is no socket at this path; without it this run uses a part of the rate", err, 1, true)
  end)

  it("tells of a Redis that is away, and goes on when it is back", function()
    local id = world:booking()
    json(("timekit queue add %s confirm --name away"):format(id))
    local folder = world.folder
    local status, _, err = run(([[
      redis-cli -s %s config set requirepass secret >/dev/null
      (TIMEKIT_REDIS=%s timekit worker --name away 2>%s/trouble) & pid=$!
      until grep -q working %s/trouble; do kill -0 $pid || exit 99; done
      redis-cli -s %s -a secret config set requirepass other 2>/dev/null >/dev/null
      redis-cli -s %s -a other client kill type normal 2>/dev/null >/dev/null
      until grep -q WRONGPASS %s/trouble; do kill -0 $pid || exit 98; done
      redis-cli -s %s -a other config set requirepass '' 2>/dev/null >/dev/null
      kill $pid
      wait $pid]]):format(server.socket, server.address:gsub("unix://", "unix://:secret@"), folder, folder,
      server.socket, server.socket, folder, server.socket))
    assert.equal(0, status, err)
  end)

  it("reaches a Redis over TLS whose certificate others do not know, and takes one that is not durable", function()
    local secure = redis.start_tls(nil, "--appendonly no")
    local options = ("--redis %s --redis-ca %s"):format(secure.secure, secure.ca_file)
    local status, _, err = run("timekit queue stats --redis " .. secure.secure)
    assert.equal(6, status)
    assert.matches("certificate", err)
    status, _, err = run("timekit queue stats " .. options)
    assert.equal(1, status)
    assert.matches("appendonly is off", err)
    assert.equal(0, json("timekit queue stats --not-durable " .. options).open)
    secure:close()
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
    for _, number in ipairs { "0", "10001", "1.5", "x" } do
      local code, _, problem = run("timekit worker --concurrency " .. number)
      assert.equal(2, code)
      assert.matches("--concurrency: expected a whole number from 1 to 10000, got '" .. number, problem, 1, true)
    end
  end)
end)
