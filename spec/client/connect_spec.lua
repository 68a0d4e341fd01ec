-- tk:connect: a connection for later, and what it must not do.
local core = require "timekit.core"
local cqueues = require "cqueues"
local faults = require "spec.support.faults"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"
local uv = require "luv"

local BOOKING = '{"data":{"id":"b1","graph":"confirm_decline","state":"confirmed"}}'

describe("Client:connect", function()
  local server, tk, id

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  after_each(function()
    if tk then tk:close() end
    tk = nil
  end)

  -- A client of the TLS server. The steps are for its requests, one after the other.
  local function client(steps, settings)
    settings = settings or {}
    id = server:plan(steps[1], steps[2], steps[3])
    settings.base_url = ("%s/f/%s"):format(server.url[settings.listener or "tls"], id)
    settings.listener = nil
    settings.ca_file = server.ca_file
    if not settings.resource_key then settings.app_key = "live_api_key_1" end
    tk = timekit.new(settings)
    return tk
  end

  local function handshakes(work)
    local before = server:stats().connections.tls
    work()
    return server:stats().connections.tls - before
  end

  for _, http2 in ipairs { false, true } do
    it("makes the connection that the first action then uses" .. (http2 and ", with HTTP/2" or ""), function()
      client({ {}, { body = BOOKING } }, { http2 = http2 })
      local connected, info
      assert.equal(1, handshakes(function() connected, info = tk:connect() end))
      assert.is_true(connected)
      assert.same({ 200, 1 }, { info.status, info.attempts })
      assert.equal(0, handshakes(function() assert(tk:booking("b1"):confirm()) end))
      local requests = server:seen(id).requests
      assert.equal(2, #requests)
      assert.equal(requests[1].connection, requests[2].connection)
    end)
  end

  it("sends the HEAD without the key, and the action with it", function()
    client { {}, { body = BOOKING } }
    assert(tk:connect())
    assert(tk:booking("b1"):confirm())
    local head, put = server:seen(id).requests[1], server:seen(id).requests[2]
    assert.same({ "HEAD", ("/f/%s/"):format(id) }, { head.method, head.target })
    assert.is_nil(head.headers.authorization)
    assert.is_nil(head.headers["content-length"])
    assert.equal("PUT", put.method)
    assert.is_truthy(put.headers.authorization:find "^Basic ")
    assert.equal(head.headers["user-agent"], put.headers["user-agent"])
  end)

  it("sends no resource's key either", function()
    client({ {} }, { resource_email = "a@example.com", resource_key = "resource_key_1", app = "shop" })
    assert(tk:connect())
    assert.is_nil(server:seen(id).requests[1].headers.authorization)
  end)

  it("is content with any status", function()
    for _, status in ipairs { 204, 301, 401, 404, 429, 500, 503 } do
      client { { status = status } }
      local connected, info = tk:connect()
      assert.is_true(connected)
      assert.same({ status, 1 }, { info.status, info.attempts })
      tk:close()
      tk = nil
    end
  end)

  it("uses the connection that is there", function()
    client { { body = BOOKING } }
    assert(tk:booking("b1"):confirm())
    assert.equal(0, handshakes(function() assert(tk:connect()) assert(tk:connect()) end))
  end)

  it("tells why there is none", function()
    tk = timekit.new { app_key = "live_api_key_1", base_url = server.url.closed, retries = 0 }
    local connected, err = tk:connect()
    assert.is_nil(connected)
    assert.same({ "network", "no", 1 }, { err.kind, err.sent, err.attempts })
    tk:close()
    client({ {} }, { listener = "self_signed", retries = 0 })
    assert.equal("network", select(2, tk:connect()).kind)
    tk:close()
    client({ { act = "silent" } })
    connected, err = tk:connect { timeout = 0.1 }
    assert.is_nil(connected)
    assert.equal("timeout", err.kind)
    tk:close()
    client({ { act = "garbage" } }, { retries = 0 })
    assert.equal("response", select(2, tk:connect()).kind)
  end)

  it("tries again like a read", function()
    client { { act = "fin" }, { act = "reset" } }
    local connected, info = tk:connect()
    assert.is_true(connected)
    assert.equal(3, info.attempts)
  end)

  it("works in calls, and can be cancelled", function()
    client { {} }
    local call = tk:start(function() return tk:connect() end)
    while not call:done() do tk:update(1) end
    assert.is_true((call:result()))
    client { { act = "silent" } }
    call = tk:start(function() return tk:connect() end)
    tk:update()
    call:cancel()
    local connected, err = call:result()
    assert.is_nil(connected)
    assert.equal("cancelled", err.kind)
  end)

  it("works in luv and in cqueues", function()
    local connected
    client({ {} }, { runtime = "luv" })
    coroutine.wrap(function() connected = tk:connect() end)()
    assert.is_nil(connected)
    uv.run()
    assert.is_true(connected)
    tk:close()

    client({ {} }, { runtime = "cqueues" })
    local queue, others = cqueues.new(), 0
    connected = nil
    queue:wrap(function() connected = tk:connect() end)
    queue:wrap(function()
      repeat
        others = others + 1
        cqueues.sleep(0)
      until connected
    end)
    assert(queue:loop())
    assert.is_true(connected)
    assert.is_true(others > 1)
  end)
end)

describe("Client:connect", function()
  it("is seen by hooks as a HEAD", function()
    local event
    local tk = timekit.new {
      app_key = "live_api_key_1", transport = scripted.new { scripted.answer(401) },
      after = function(told) event = told end,
    }
    assert(tk:connect())
    assert.same({ "HEAD", "/", 401, "yes" }, { event.method, event.route, event.status, event.sent })
    assert.is_nil(event.kind)
  end)

  it("takes a time and a trace context", function()
    local transport = scripted.new { scripted.answer(200), scripted.answer(200) }
    local tk = timekit.new { app_key = "live_api_key_1", transport = transport }
    local trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert(tk:connect { timeout = 3, traceparent = trace })
    local request = transport.requests[1]
    assert.is_true(request.timeout <= 3)
    assert.equal(trace, request.headers.traceparent)
    assert.is_false(request.authorize)
    assert.is_nil(request.body)
  end)

  it("counts for the client's own rate", function()
    local tk = timekit.new {
      app_key = "live_api_key_1", transport = scripted.new { scripted.answer(200), scripted.answer(200) },
      rate = { per_second = 0.01, burst = 1 },
    }
    assert(tk:connect())
    local connected, err = tk:connect()
    assert.is_nil(connected)
    assert.equal("rate_limited", err.kind)
  end)

  it("needs no network with a sandbox", function()
    local tk = timekit.new { transport = timekit.sandbox.new() }
    assert.is_true((tk:connect()))
  end)

  it("raises on wrong use", function()
    local tk = timekit.new { app_key = "live_api_key_1", transport = scripted.new {} }
    assert.has_error(function() tk:connect { tiemout = 1 } end, "client:connect: unknown option 'tiemout', "
      .. "did you mean 'timeout'?")
    assert.has_error(function() tk:connect { timeout = -1 } end)
    assert.has_error(function() tk.connect() end, "client:connect: call it with a colon, as in tk:connect(…)")
    tk:close()
    assert.has_error(function() tk:connect() end, "client:connect: the client is closed")
  end)
end)

describe("the engine", function()
  local server
  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  it("sends other requests after a HEAD as before", function()
    local engine = core.engine { base_url = server.url.http, username = "", password = "key" }
    for _, method in ipairs { "GET", "DELETE", "PUT", "POST", "GET" } do
      local head_id = server:plan()
      local head = faults.finish(engine, engine:start { method = "HEAD", target = "/f/" .. head_id, authorize = false })
      assert.same({ "ok", 200, "" }, { head.reason, head.status, head.body })
      assert.is_truthy(tonumber(head.headers["content-length"]) > 0)
      local id = server:plan()
      local body = method:find "^P" and "{}" or nil
      local result = faults.finish(engine, engine:start { method = method, target = "/f/" .. id, body = body })
      assert.same({ "ok", true }, { result.reason, result.reused })
      assert.is_truthy(result.body:find(id, 1, true))
      assert.same({ method, true }, {
        server:seen(id).requests[1].method, server:seen(id).requests[1].headers.authorization ~= nil,
      })
    end
  end)

  it("leaves Authorization out of any request, and keeps its other headers", function()
    local engine = core.engine {
      base_url = server.url.http, username = "", password = "key", headers = { ["X-Client"] = "1" },
    }
    for _, headers in ipairs { {}, { ["X-Own"] = "2" }, { ["Content-Type"] = "application/json" } } do
      local id = server:plan()
      local request = { method = "PUT", target = "/f/" .. id, body = "{}", headers = headers, authorize = false }
      assert.equal("ok", faults.finish(engine, engine:start(request)).reason)
      local seen = server:seen(id).requests[1].headers
      assert.is_nil(seen.authorization)
      assert.equal("1", seen["x-client"])
      for name, value in pairs(headers) do assert.equal(value, seen[name:lower()]) end
    end
  end)

  it("refuses a HEAD with a body", function()
    local engine = core.engine { base_url = server.url.http }
    assert.has_error(function() engine:start { method = "HEAD", target = "/", body = "x" } end,
      "body: a HEAD has none")
  end)
end)
