-- The link to a Redis: answers, typed errors, and what becomes of commands when the server is away or slow.
local redis = require "spec.support.redis"
local redis_link = require "spec.support.redis_link"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a link", function()
  local server, at

  setup(function() server = redis.start() end)
  teardown(function() server:close() end)
  before_each(function() at = redis_link.open(server.address) end)
  after_each(function() at.close() end)

  it("asks, many commands at once", function()
    assert.equal("PONG", (at.ask { "PING" }))
    assert.equal("OK", (at.ask { "SET", "number", 1732957200123456 }))
    assert.equal("1732957200123456", (at.ask { "GET", "number" }))
    assert.is_false((at.ask { "GET", "nothing" }))
    local transfers = {}
    for index = 1, 10000 do transfers[index] = at.link:start { "ECHO", "n" .. index } end
    for index, transfer in ipairs(transfers) do
      while not transfer:done() do at.host.pump:wait(20) end
      assert.equal("n" .. index, transfer:result().value)
    end
  end)

  it("tells Redis's errors apart", function()
    local _, failure = at.ask { "INCR" }
    assert.same({ "server", "ERR", "yes" }, { failure.kind, failure.code, failure.sent })
    server:cli "config set maxmemory 1"
    _, failure = at.ask { "SET", "a", "b" }
    server:cli "config set maxmemory 0"
    assert.same({ "server", "OOM" }, { failure.kind, failure.code })
    server:cli "replicaof 127.0.0.1 1"
    _, failure = at.ask { "SET", "a", "b" }
    server:cli "replicaof no one"
    assert.equal("READONLY", failure.code)
  end)

  it("signs in, and says so where it may not", function()
    server:cli "config set requirepass secret"
    local right = redis_link.open((server.address:gsub("unix://", "unix://:secret@")))
    local wrong = redis_link.open((server.address:gsub("unix://", "unix://:other@")))
    assert.equal("PONG", (right.ask { "PING" }))
    local _, failure = wrong.ask { "PING" }
    server:cli "-a secret config set requirepass ''"
    right.close()
    wrong.close()
    assert.same({ "auth", "WRONGPASS" }, { failure.kind, failure.message:match("WRONGPASS") })
    assert.not_matches("other", failure.message)
  end)

  it("uses a database", function()
    local third = redis_link.open(server.address .. "?db=3")
    third.ask { "SET", "where", "three" }
    assert.is_false((at.ask { "GET", "where" }))
    assert.equal("three", server:cli "-n 3 get where")
    third.close()
  end)

  it("runs scripts, also when Redis has forgotten them", function()
    local function run(number)
      return (at.link:ask_script(at.host, "return { KEYS[1], ARGV[1] + 1 }", { "k" }, { number }, 20))
    end
    assert.same({ "k", 2 }, run(1))
    assert.same({ "k", 3 }, run(2))
    server:cli "script flush"
    assert.same({ "k", 4 }, run(3))
    assert.same({ "k", 5 }, run(4))
  end)

  it("gives up a connection that does not answer, and makes another", function()
    assert.equal("PONG", (at.ask { "PING" }))
    server:signal "STOP"
    local behind = at.link:start { "PING" }
    local _, failure = at.ask({ "PING" }, 0.05)
    server:signal "CONT"
    assert.same({ "timeout", "maybe" }, { failure.kind, failure.sent })
    assert.same({ "network", "maybe" }, { behind:result().failure.kind, behind:result().sent })
    assert.equal("PONG", (at.ask { "PING" }))
  end)

  it("lives on when the server was killed and has come back", function()
    at.ask { "SET", "kept", "yes" }
    server:kill()
    local _, failure = at.ask { "PING" }
    assert.equal("network", failure.kind)
    _, failure = at.ask { "PING" }
    assert.same({ "network", "no" }, { failure.kind, failure.sent })
    server:restart()
    local value
    repeat value = at.ask { "GET", "kept" } until value
    assert.equal("yes", value)
  end)

  it("drops the answer of a command that was cancelled", function()
    local transfer = at.link:start { "ECHO", "dropped" }
    transfer:cancel()
    assert.equal("cancelled", transfer:result().failure.kind)
    assert.equal("next", (at.ask { "ECHO", "next" }))
  end)

  it("ends its commands when it is closed", function()
    at.ask { "PING" }
    local transfer = at.link:start { "BLPOP", "nothing", 0 }
    at.host.pump:close()
    assert.equal("cancelled", transfer:result().failure.kind)
    local _, failure = at.ask { "PING" }
    assert.equal("cancelled", failure.kind)
  end)

  it("refuses answers that are larger than it takes", function()
    local small = redis_link.open(server.address, nil, { max_input = 100000 })
    server:cli("eval \"return redis.call('set', 'large', string.rep('x', 1000000))\" 0")
    local _, failure = small.ask { "GET", "large" }
    assert.same({ "network", "Redis: the answer is too large" }, { failure.kind, failure.message })
    assert.equal("PONG", (at.ask { "PING" }))
    small.close()
  end)
end)
