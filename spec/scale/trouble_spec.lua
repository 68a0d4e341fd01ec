-- A Redis that is full, loading, demoted or locked, or none that is fit: the error says so, nothing is lost, and
-- workers go on once it is well again.
local core = require "timekit.core"
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"
local socket = require "socket"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a queue whose Redis", function()
  local server, tk, queue

  setup(host.open)
  teardown(host.close)
  before_each(function()
    host.reset()
    server = redis.start()
    tk = host.client { retries = 0 }
    queue = tk:queue { redis = server.address }
  end)
  after_each(function()
    tk:close()
    server:close()
  end)

  -- Adds actions on new bookings. Returns the bookings.
  local function add(count)
    local ids = host.create(count)
    for _, id in ipairs(ids) do assert(queue:add(id, "confirm")) end
    return ids
  end

  -- Works until so many jobs are over. `heal` is called once there was trouble with this word of Redis's (nil: of any
  -- kind). Returns what was told of it.
  local function work(count, heal, code)
    local over, told = 0, {}
    assert(queue:work {
      stop = function() return over == count end,
      on_job = function(event) if event.what ~= "again" then over = over + 1 end end,
      on_trouble = function(err)
        told[#told + 1] = err
        if heal and (not code or err.code == code) then
          heal()
          heal = nil
        end
      end,
    })
    return told
  end

  it("is full takes no more, and workers still work it off", function()
    local ids = add(3)
    local lost = assert(queue.jobs:take({ runtime = require "timekit.runtime.blocking", pump = tk.runner.pump },
      "lost", 1, 0))
    assert.equal(1, #lost)
    server:cli "config set maxmemory 1"
    local job, err = queue:add(ids[1], "cancel")
    assert.is_nil(job)
    assert.same({ "server", "OOM", true }, { err.kind, err.code, err.retryable })
    assert.equal(0, #work(3))
    host.assert_confirmed_once(ids)
    local stats = queue:stats()
    assert.same({ 3, 3, 0 }, { stats.added, stats.done, stats.open })
  end)

  it("is reading its data is waited for", function()
    local ids = add(2)
    server:cli "config set rdbcompression no"
    server:cli "eval \"for i = 1, 3000 do redis.call('set', 'filler' .. i, string.rep('x', 1024)) end\" 0"
    server:cli "bgrewriteaof"
    repeat until server:cli("info persistence"):find "aof_rewrite_in_progress:0"
    server:kill()
    -- 3,000 keys of 10 ms each: longer than a command asks again, however slow the machine. It answers once a
    -- kilobyte is read.
    server.options = server.options .. " --key-load-delay 10000 --loading-process-events-interval-bytes 1024"
    server.ready = "LOADING"
    server:restart()
    local _, err = queue:add(ids[1], "cancel")
    assert.same({ "server", "LOADING", true }, { err.kind, err.code, err.retryable })
    server:cli "config set key-load-delay 0"
    work(2)
    host.assert_confirmed_once(ids)
  end)

  it("is made a replica is said to be one", function()
    local ids = add(2)
    server:cli "replicaof 127.0.0.1 1"
    local _, err = queue:add(ids[1], "cancel")
    assert.same({ "server", "READONLY", "yes" }, { err.kind, err.code, err.sent })
    local told = work(2, function() server:cli "replicaof no one" end)
    assert.equal("READONLY", told[1].code)
    host.assert_confirmed_once(ids)
  end)

  it("wants a password from now on is named", function()
    local ids = add(2)
    server:cli "config set requirepass secret"
    server:cli "-a secret client kill type normal skipme yes"
    local told = work(2, function() server:cli "-a secret config set requirepass ''" end, "NOAUTH")
    assert.equal("auth", told[#told].kind)
    host.assert_confirmed_once(ids)
  end)

  it("hangs keeps nobody longer than the client's timeout", function()
    local id = host.create()[1]
    assert(queue:stats())
    local hasty = host.client { timeout = 0.4 }
    local own = hasty:queue { redis = server.address }
    server:signal "STOP"
    local began = core.now()
    local _, err = own:stats()
    assert.equal("timeout", err.kind)
    own.warnings = {}
    _, err = own:add(id, "confirm")
    local seconds = core.now() - began
    server:signal "CONT"
    assert.same({ "timeout", "string" }, { err.kind, type(err.id) })
    -- Each took 0.4 seconds. With the tries that a longer timeout allows it would have been 13.
    assert.is_true(seconds < 6, seconds .. " s")
    hasty:close()
  end)

  it("goes away is told of once", function()
    local ids = add(2)
    server:kill()
    local told = work(2, function()
      for _ = 1, 100 do core.sleep(0.005) end
      server:restart()
    end)
    assert.is_true(#told >= 1 and #told <= 3, #told .. " times")
    assert.equal("network", told[1].kind)
    host.assert_confirmed_once(ids)
  end)
end)

describe("a server that", function()
  -- Asks one that gives the answers one after the other.
  local function problem_with(...)
    local answers, listener = { ... }, assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(0)
    local _, port = listener:getsockname()
    local tk = timekit.new { app_key = "x" }
    local call = tk:start(function() return tk:queue({ redis = "redis://127.0.0.1:" .. port }):stats() end)
    local peer
    while not call:done() do
      tk:update(0.01)
      peer = peer or listener:accept()
      if peer then
        peer:settimeout(0)
        local _, _, heard = peer:receive "*a"
        if heard and heard ~= "" and answers[1] then peer:send(table.remove(answers, 1)) end
      end
    end
    local _, err = call:result()
    tk:close()
    listener:close()
    if peer then peer:close() end
    return err
  end

  local function info(text) return ("$%d\r\n%s\r\n"):format(#text, text) end

  it("is too old is refused", function()
    local err = problem_with(info "# Server\r\nredis_version:5.0.14\r\nrole:master\r\n")
    assert.same({ "server", "UNFIT", "this Redis is 5.0.14: a queue needs 6.0 or a later one" },
      { err.kind, err.code, err.message })
  end)

  it("is part of a cluster is refused, whatever it answers", function()
    local err = problem_with(
      info "redis_version:7.0.15\r\nrole:master\r\ncluster_enabled:1\r\nmaxmemory_policy:noeviction\r\n")
    assert.equal("this Redis is part of a cluster", err.message)
    err = problem_with "-MOVED 3999 127.0.0.1:6381\r\n"
    assert.same({ "server", "MOVED" }, { err.kind, err.code })
  end)

  it("is no Redis is refused", function()
    local err = problem_with "HTTP/1.1 400 Bad Request\r\n\r\n"
    assert.equal("response", err.kind)
    assert.matches("not an answer of Redis", err.message)
  end)
end)
