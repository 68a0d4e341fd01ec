-- The client over the C core and real sockets: what becomes of a request that fails in each way.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local faults = require "spec.support.faults"
local thread = require "cqueues.thread"
local timekit = require "timekit"
local transport = require "timekit.transport.core"

local unpack = table.unpack or unpack -- luacheck: ignore 113

local KEY = "live_api_key_Zm9vYmFy"

describe("over real sockets", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  -- A handle whose first request meets `step`, and the id by which the server knows its requests.
  local function booking(step, options)
    local id = server:plan(step)
    local own = { app_key = KEY, retries = 0, uncertain = "report" }
    for name, value in pairs(options or {}) do own[name] = value end
    own.base_url = (own.base_url or server.url.http) .. "/f/" .. id
    return timekit.new(own):booking("b 1"), id
  end

  local CONFIRMED = '{"data":{"id":"b 1","graph":"confirm_decline","state":"confirmed","completed":false}}'

  it("an action arrives as it should and its answer comes back", function()
    local handle, id = booking({
      body = CONFIRMED, headers = { { "Timekit-Request-Id", "r1" }, { "X-RateLimit-Remaining", "599" } },
    }, { timezone = "Europe/Copenhagen", app_info = "shop/2.1" })
    local confirmed, info = assert(handle:confirm({ note = "x" }, { include = { "meta", "a&b" } }))
    assert.equal("confirmed", confirmed.state)
    assert.same({ 200, "r1", 599, 1, false },
      { info.status, info.request_id, info.rate_limit_remaining, info.attempts, info.reconciled })
    local seen = server:seen(id)
    assert.equal(1, seen.complete)
    local request = seen.requests[1]
    assert.equal("PUT", request.method)
    assert.equal("/f/" .. id .. "/bookings/b%201/confirm?include=meta,a%26b", request.target)
    assert.equal('{"confirm":{"note":"x"}}', request.body)
    local headers = request.headers
    assert.same({ "application/json", "application/json", "Europe/Copenhagen" },
      { headers.accept, headers["content-type"], headers["timekit-timezone"] })
    assert.equal("Basic OmxpdmVfYXBpX2tleV9abTl2WW1GeQ==", headers.authorization)
    assert.matches("^timekit%-lua/%S+ Lua/5%.%d curl/%S+ shop/2%.1$", headers["user-agent"])
  end)

  it("every failure has its kind, on an action and on a read", function()
    -- What happens to the request → the kind of a read's error; an action's is uncertain then.
    local cases = {
      { "network", { act = "fin" } }, { "network", { act = "reset" } }, { "network", { act = "fin", at = "headers" } },
      { "timeout", { act = "silent" } }, { "timeout", { act = "drip" } }, { "timeout", { act = "slow_head" } },
      { "response", { act = "truncate" } }, { "response", { act = "truncate", chunked = true } },
      { "response", { act = "truncate", how = "reset" } }, { "response", { act = "endless" } },
      { "response", { act = "bomb", size = 1000000 } }, { "response", { act = "header_flood", count = 20000 } },
      { "response", { act = "garbage" } }, { "response", { act = "endless_header" } },
      { "response", { status = 302, headers = { { "Location", server.url.http .. "/f/elsewhere" } } } },
      { "response", { body = "<html><title>Hello</title></html>" } }, { "response", { status = 204 } },
      { "server", { status = 500, body = "oops" } }, { "server", { status = 502, body = "<html>" } },
    }
    for index, case in ipairs(cases) do
      local kind, step = case[1], case[2]
      local options = { max_response = 100000, timeout = kind == "timeout" and 0.3 or 20 }
      local handle, id = booking(step, options)
      local none, err = handle:confirm()
      local about = ("case %d: %s"):format(index, tostring(err))
      assert.is_nil(none, about)
      assert.same({ "uncertain", kind }, { err.kind, err.cause and err.cause.kind }, about)
      assert.is_truthy(err.sent == "yes" or err.sent == "maybe", about)
      assert.equal(1, server:seen(id).started, about)

      handle, id = booking(step, options)
      none, err = handle:get()
      assert.is_nil(none, about)
      assert.equal(kind, err.kind, about)
      assert.equal(1, server:seen(id).started, about)
    end
    assert.equal(0, server:seen("elsewhere").started)
  end)

  it("an answer that refuses is read to its end", function()
    for status, kind in pairs {
      [401] = "auth", [403] = "auth", [404] = "not_found", [405] = "validation", [422] = "validation",
      [429] = "rate_limited",
    } do
      local handle = booking { status = status, body = '{"error":"no"}', headers = { { "Retry-After", "7" } } }
      local _, err = handle:confirm()
      assert.same({ kind, status, "yes", "no" }, { err.kind, err.status, err.sent, err.message })
      assert.equal(status == 429 and 7 or nil, err.retry_after)
    end
  end)

  it("what could not be sent was not sent", function()
    local unreachable = timekit.new { app_key = KEY, base_url = server.url.closed }:booking("b1")
    local _, err = unreachable:confirm()
    assert.same({ "network", "no", true }, { err.kind, err.sent, err.retryable })

    local handle, id = booking({}, { base_url = server.url.tls })
    _, err = handle:confirm()
    assert.same({ "network", "no" }, { err.kind, err.sent })
    assert.equal(0, server:seen(id).started)

    server:accept("tls", { act = "silent" }, 1)
    _, err = booking({}, { base_url = server.url.tls, ca_file = server.ca_file, timeout = 0.3 }):confirm()
    assert.same({ "timeout", "no" }, { err.kind, err.sent })

    server:accept("tls", { act = "silent" }, 1)
    _, err = booking({}, { base_url = server.url.tls, ca_file = server.ca_file, connect_timeout = 0.3 }):confirm()
    assert.same({ "timeout", "no" }, { err.kind, err.sent })
  end)

  it("TLS and HTTP/2 work when the authority is known", function()
    for _, http2 in ipairs { true, false } do
      local options = { base_url = server.url.tls, ca_file = server.ca_file, http2 = http2 }
      local handle, id = booking({ body = CONFIRMED }, options)
      assert.equal("confirmed", assert(handle:confirm()).state)
      assert.equal(http2 and "2" or "1.1", server:seen(id).requests[1].protocol)
    end
  end)

  it("two Lua states in one process, each with its client, know nothing of each other", function()
    local function confirm_many(_, path, cpath, url, key)
      package.path, package.cpath = path, cpath
      local own = require "timekit"
      local tk = own.new { app_key = key, base_url = url }
      for _ = 1, 50 do assert(tk:booking("b1"):confirm()) end
      tk:close()
      assert(not pcall(tk.booking, tk, "b1"))
    end
    local answers = {}
    for index = 1, 100 do answers[index] = { body = CONFIRMED } end
    local first, second = server:plan(unpack(answers)), server:plan(unpack(answers))
    local other = thread.start(confirm_many, package.path, package.cpath, server.url.http .. "/f/" .. first, "key_one")
    confirm_many(nil, package.path, package.cpath, server.url.http .. "/f/" .. second, "key_two")
    local _, problem = other:join(30)
    assert.is_nil(problem)
    for id, key in pairs { [first] = "OmtleV9vbmU=", [second] = "OmtleV90d28=" } do
      local seen = server:seen(id)
      assert.equal(50, seen.complete)
      for _, request in ipairs(seen.requests) do assert.equal("Basic " .. key, request.headers.authorization) end
    end
  end)

  it("an outcome keeps the transport contract", function()
    local id = server:plan()
    local connection = transport:connect { base_url = server.url.http, username = "", password = KEY, headers = {} }
    connection:step()
    connection:wait(0)
    assert.is_nil(connection:timeout())
    local transfer = connection:start { method = "GET", target = "/f/" .. id, timeout = 20 }
    assert.is_nil(transfer:result())
    while not transfer:done() do connection:wait(5) end
    local outcome = transfer:result()
    assert.equal(outcome, transfer:result())
    assert.same({ 200, "yes", "1.1", false, "application/json" },
      { outcome.status, outcome.sent, outcome.http_version, outcome.reused, outcome.headers["content-type"] })
    assert.is_nil(outcome.failure)
    assert.is_number(outcome.times.total)

    transfer = connection:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 20 }
    transfer:cancel()
    assert.is_true(transfer:done())
    assert.equal("cancelled", transfer:result().failure.kind)
    assert.is_string(transfer:result().failure.message)

    transfer = connection:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 20 }
    connection:close()
    connection:close()
    assert.is_true(transfer:done())
    assert.equal("cancelled", transfer:result().failure.kind)
    assert.matches("the connection is closed", blame(function() connection:start { method = "GET", target = "/" } end))
  end)
end)

describe("a connection of the C core", function()
  local real = core.engine

  after_each(function() core.engine = real end)

  it("makes its engine when it is needed, and a new one in a forked process", function()
    local made = {}
    core.engine = function(options)
      local engine = { options = options, closed = 0, is_usable = true }
      function engine.usable() return engine.is_usable end
      function engine:close() self.closed = self.closed + 1 end
      function engine.start() return engine.is_usable and {} or nil end
      function engine.step() end
      function engine:finished() return table.remove(self.ended) end
      engine.ended = {}
      made[#made + 1] = engine
      return engine
    end
    local options = { base_url = "https://example.com" }
    local connection = transport:connect(options)
    assert.equal(0, #made)
    connection:start {}
    connection:start {}
    assert.equal(1, #made)
    assert.equal(options, made[1].options)
    made[1].is_usable = false
    made[1].ended = { "of the parent" }
    connection:start {}
    connection:start {}
    assert.equal(2, #made)
    made[2].ended = { "its own" }
    assert.same({ "of the parent", "its own" }, { connection:finished(), connection:finished() })
    assert.is_nil(connection:finished())
    connection:close()
    assert.same({ 0, 1 }, { made[1].closed, made[2].closed })
  end)
end)
