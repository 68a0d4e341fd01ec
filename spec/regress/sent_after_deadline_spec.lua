-- A user saw: a game did not update for a while, and its action was sent after its timeout. It ended as "it is not
-- known whether the action was applied".
local core = require "timekit.core"
local faults = require "spec.support.faults"
local socket = require "socket"
local timekit = require "timekit"

local TIMEOUT = 0.05

local function pass_deadline() core.sleep(TIMEOUT * 1.2) end

describe("a deadline that passes while the connection is made", function()
  local listener, url

  before_each(function()
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(10)
    url = ("http://127.0.0.1:%d"):format((select(2, listener:getsockname())))
  end)
  after_each(function() listener:close() end)

  -- What arrived on the connection until it ended; nil: there was none.
  local function received()
    listener:settimeout(1)
    local peer = listener:accept()
    if not peer then return nil end
    peer:settimeout(10)
    local text, _, partial = peer:receive "*a"
    peer:close()
    return text or partial
  end

  it("keeps the request from being sent", function()
    local engine = core.engine { base_url = url }
    local transfer = engine:start { method = "PUT", target = "/f/a", body = "{}", timeout = TIMEOUT }
    pass_deadline()
    local result = faults.finish(engine, transfer)
    assert.same({ "deadline", "no", "timeout" }, { result.reason, result.sent, result.failure.kind })
    assert.is_nil(result.status)
    engine:close()
    assert.equal("", received() or "")
  end)

  it("says so for an action, which may then be tried again", function()
    local tk = timekit.new { app_key = "live_api_key_1", base_url = url }
    local call = tk:booking("b1"):start("confirm", nil, { timeout = TIMEOUT })
    pass_deadline()
    while not call:done() do tk:update(1) end
    local booking, err = call:result()
    assert.is_nil(booking)
    assert.same({ "timeout", "no" }, { err.kind, err.sent })
    tk:close()
    assert.equal("", received() or "")
  end)

  it("is no different for requests that wait for their turn", function()
    local engine, transfers = core.engine { base_url = url }, {}
    for i = 1, 20 do
      transfers[i] = engine:start { method = "PUT", target = "/f/" .. i, body = "{}", timeout = TIMEOUT }
    end
    pass_deadline()
    for i = 1, 20 do assert.equal("no", faults.finish(engine, transfers[i]).sent) end
    engine:close()
  end)

  it("leaves requests alone that are in time", function()
    local engine = core.engine { base_url = url }
    local transfer = engine:start { method = "PUT", target = "/f/a", body = "{}", timeout = 20 }
    local peer
    listener:settimeout(0)
    repeat
      engine:step()
      peer = peer or listener:accept()
    until peer
    peer:settimeout(0)
    local line
    repeat
      engine:step()
      line = peer:receive "*l"
    until line
    assert.equal("PUT /f/a HTTP/1.1", line)
    transfer:cancel()
    assert.equal("maybe", transfer:result().sent)
    peer:close()
  end)
end)

describe("the same over TLS", function()
  local server
  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  for _, http2 in ipairs { false, true } do
    it("keeps the request from being sent" .. (http2 and ", with HTTP/2" or ""), function()
      local engine = core.engine { base_url = server.url.tls, ca_file = server.ca_file, http2 = http2 }
      local id = server:plan()
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}", timeout = TIMEOUT }
      pass_deadline()
      local result = faults.finish(engine, transfer)
      assert.same({ "deadline", "no" }, { result.reason, result.sent })
      assert.equal(0, server:seen(id).started)
    end)
  end
end)
