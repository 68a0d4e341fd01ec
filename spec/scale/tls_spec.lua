-- A Redis that is reached over TLS: the link and the queue work, and no byte goes to a server that cannot prove who it
-- is.
local core = require "timekit.core"
local daemon = require "spec.support.daemon"
local host = require "spec.support.loop_host"
local redis = require "spec.support.redis"
local redis_link = require "spec.support.redis_link"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

describe("a Redis over TLS", function()
  local server, at

  local function start(...)
    server = redis.start_tls(...)
    at = redis_link.open(server.secure, nil, { ca_file = server.ca_file })
  end

  after_each(function()
    at.close()
    server:close()
  end)

  -- What a server that is no good gets.
  local function refused(address, ca_file)
    local stranger = redis_link.open(address, nil, { ca_file = ca_file })
    local _, failure = stranger.ask { "SET", "secret", "1" }
    stranger.close()
    assert.same({ "network", "no" }, { failure.kind, failure.sent })
    assert.equal("", server:cli "get secret")
    return failure.message
  end

  it("answers commands, 10,000 at once among them", function()
    start()
    assert.equal("PONG", (at.ask { "PING" }))
    local transfers = {}
    for index = 1, 10000 do transfers[index] = at.link:start { "ECHO", "n" .. index } end
    for index, transfer in ipairs(transfers) do
      while not transfer:done() do at.host.pump:wait(20) end
      assert.equal("n" .. index, transfer:result().value)
    end
  end)

  it("gets large commands while it hardly reads, and gives large answers", function()
    start()
    local text = ("0123456789abcdef"):rep(64 * 1024)
    assert.equal("PONG", (at.ask { "PING" }))
    server:signal "STOP"
    local transfers = {}
    for index = 1, 6 do transfers[index] = at.link:start { "SET", "k" .. index, text .. index } end
    for _ = 1, 20 do at.host.pump:wait(0.001) end
    -- The kernel took a part of it, so what follows begins with a write that was cut short.
    local left = at.link.queued - at.link.stream:written()
    assert.is_true(left > 0 and left < at.link.queued)
    server:signal "CONT"
    for index = 1, 6 do transfers[6 + index] = at.link:start { "GET", "k" .. index } end
    for index, transfer in ipairs(transfers) do
      while not transfer:done() do at.host.pump:wait(20) end
      assert.equal(index <= 6 and "OK" or text .. index - 6, transfer:result().value)
    end
  end)

  it("may close in the middle of a command and of an answer", function()
    start()
    local text = ("x"):rep(8 * 1024 * 1024)
    assert.equal("PONG", (at.ask { "PING" }))
    server:signal "STOP"
    local cut, behind = at.link:start { "SET", "k", text }, at.link:start { "PING" }
    for _ = 1, 20 do at.host.pump:wait(0.001) end
    server:kill()
    while not (cut:done() and behind:done()) do at.host.pump:wait(20) end
    assert.same({ "network", "maybe" }, { cut:result().failure.kind, cut:result().sent })
    assert.same({ "network", "no" }, { behind:result().failure.kind, behind:result().sent })
    server:restart()
    repeat until at.ask { "PING" }
    local small = redis_link.open(server.secure, nil, { ca_file = server.ca_file })
    server:cli("eval \"return redis.call('set', 'k', string.rep('x', 20000000))\" 0")
    local answer = small.link:start { "GET", "k" }
    while not answer:done() and not (small.link.decoder and small.link.decoder.waiting > 0) do
      small.host.pump:wait(20)
    end
    server:kill()
    while not answer:done() do small.host.pump:wait(20) end
    small.close()
    assert.same({ "network", "maybe" }, { answer:result().failure.kind, answer:result().sent })
  end)

  it("is refused if others have signed its certificate", function()
    start()
    assert.matches("certificate", refused(server.secure))
    assert.matches("certificate", refused(server.secure, server.folder .. "/other_ca.pem"))
  end)

  it("is refused if its certificate is another host's", function()
    start "wrong_host"
    assert.matches("localhost", refused(server.secure, server.ca_file))
  end)

  it("is refused if its certificate has expired", function()
    start "expired"
    assert.matches("expired", refused(server.secure, server.ca_file))
  end)

  it("is refused where it speaks no TLS", function()
    -- It takes the handshake for a command that is not whole yet, and waits.
    local port = daemon.free_port()
    start(nil, "--port " .. port)
    local stranger = redis_link.open("rediss://localhost:" .. port, nil, { ca_file = server.ca_file })
    local _, failure = stranger.ask({ "PING" }, 0.2)
    stranger.close()
    assert.same({ "timeout", "no" }, { failure.kind, failure.sent })
    assert.matches("no connection to Redis .* TLS", failure.message)
  end)

  it("says so where a command in plain text meets TLS", function()
    start()
    local plain = redis_link.open("redis://localhost:" .. server.tls_port)
    local _, failure = plain.ask { "PING" }
    plain.close()
    assert.is_string(failure.message)
    assert.is_true(failure.kind == "network" or failure.kind == "response")
  end)

  it("says so where it wants a client's certificate", function()
    start(nil, "--tls-auth-clients yes")
    local _, failure = at.ask { "PING" }
    assert.equal("network", failure.kind)
    -- Which of these it is depends on who was faster.
    assert.is_truthy(failure.message:find "certificate" or failure.message:find "the server closed the connection"
      or failure.message:find "reset by peer", failure.message)
  end)

  it("carries a queue and a limit, with a password", function()
    host.open()
    start()
    server:cli "config set requirepass s@cret"
    local secure = server.secure:gsub("rediss://", "rediss://:s%%40cret@")
    local tk = host.client {
      rate = { redis = secure, ca_file = server.ca_file, name = "tls", per_second = 9, burst = 10 },
    }
    local queue = tk:queue { redis = secure, ca_file = server.ca_file, name = "tls" }
    local ids, done = host.create(2), 0
    for _, id in ipairs(ids) do assert(queue:add(id, "confirm")) end
    assert(queue:work { on_job = function() done = done + 1 end, stop = function() return done == 2 end })
    host.assert_confirmed_once(ids)
    local stranger = host.client()
    local _, err = stranger:queue({ redis = secure }):add(ids[1], "confirm")
    assert.equal("network", err.kind)
    assert.matches("certificate", err.message)
    assert.not_matches("cret", core.encode { err.message })
    stranger:close()
    tk:close()
    host.close()
  end)
end)
