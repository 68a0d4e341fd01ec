-- Webhooks of the sandbox (spec/api.md 6). Signatures are checked by the openssl program.
local core = require "timekit.core"
local sandbox = require "timekit.sandbox"
local server = require "spec.support.sandbox_server"
local socket = require "socket"
local support = require "spec.support.box"

local hmac = require("spec.support.signing").by_openssl

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

describe("a webhook in the sandbox", function()
  local HOOK = { url = "http://127.0.0.1:1/hook", secret = "s3cr3t", graph = "instant", state = "confirmed" }
  local api

  before_each(function() api = support.new() end)

  local function hook(change)
    local copy = {}
    for name, value in pairs(HOOK) do copy[name] = value end
    for name, value in pairs(change or {}) do copy[name] = value end
    return copy
  end

  it("is made and signed when a booking enters its state, and for no other", function()
    api.box:webhook(hook())
    local id = api:create("instant", { customer = { name = "Marty" }, meta = { a = 1 } })
    api:act(api:create("confirm_decline"), "confirm")
    api:act(id, "cancel")
    local sent = api.box:deliveries()
    assert.equal(1, #sent)
    assert.same({ HOOK.url, "instant", "confirmed", id, "pending", 0 }, { sent[1].url, sent[1].graph, sent[1].state,
      sent[1].booking_id, sent[1].status, sent[1].attempts })
    assert.same({ ["content-type"] = "application/json", ["x-timekit-signature"] = hmac("s3cr3t", sent[1].body) },
      sent[1].headers)
    local booking = assert(core.decode(sent[1].body))
    assert.same({ id, "confirmed", "instant", false, "Marty", 1 }, { booking.id, booking.state, booking.graph,
      booking.completed, booking.customers[1].name, booking.meta.a })
    assert.is_nil(booking.isTest)
    assert.is_nil(booking.data)
  end)

  it("is made for what plays by itself, what follows a group, and what expires", function()
    for graph, state in pairs {
      instant = "completed", group_customer = "cancelled_by_owner", reservation = "expired",
    } do
      api.box:webhook(hook { graph = graph, state = state })
    end
    local owner = api:create("group_owner")
    api:create("instant")
    api:join(owner)
    api:act(owner, "cancel")
    api:request("POST", "/bookings/reserve", { start = support.START, ["end"] = support.END })
    api.box:advance(support.ENDS + 3600 - support.NOW)
    local states = {}
    for index, delivery in ipairs(api.box:deliveries()) do states[index] = core.decode(delivery.body).state end
    assert.same({ "cancelled_by_owner", "expired", "completed" }, states)
  end)

  it("can be a test", function()
    api.box:webhook(hook { is_test = true })
    api:create("instant")
    assert.is_true(core.decode(api.box:deliveries()[1].body).isTest)
    assert.same({ { url = HOOK.url, graph = "instant", state = "confirmed", is_test = true } }, api.box:webhooks())
    api.box:reset()
    assert.same({}, api.box:webhooks())
    assert.same({}, api.box:deliveries())
  end)

  it("keeps the latest thousand", function()
    local box = sandbox.new()
    box:webhook(hook())
    for number = 1, 1005 do
      box:handle { method = "POST", target = "/v2/bookings", headers = { Authorization = support.AUTH },
        body = core.encode { graph = "instant", start = support.START, ["end"] = support.END, meta = { n = number } } }
    end
    local sent = box:deliveries()
    assert.equal(1000, #sent)
    assert.equal(6, core.decode(sent[1].body).meta.n)
    assert.equal(1005, core.decode(sent[1000].body).meta.n)
    assert.equal(1000, #box:take_deliveries())
    assert.equal(0, #box:take_deliveries())
  end)

  it("is refused where it is wrong", function()
    for _, case in ipairs {
      { "url: expected an http URL of a loopback address", hook { url = "https://127.0.0.1/" } },
      { "url: expected an http URL of a loopback address", hook { url = "http://example.com/" } },
      { "url: expected an http URL of a loopback address", hook { url = "http://127.0.0.1.example.com/" } },
      { "url: expected an http URL of a loopback address", hook { url = "http://localhost@example.com/" } },
      { "url: expected an http URL of a loopback address", hook { url = "http://localhost/a b" } },
      { "url: expected an http URL of a loopback address", hook { url = "http://localhost/\r\nX: y" } },
      { "secret: expected a text", hook { secret = "" } }, { "secret: expected a string", hook { secret = 7 } },
      { "graph: no such graph, did you mean 'instant'?", hook { graph = "instnat" } },
      { "state: graph 'instant' has no such state, did you mean 'confirmed'?", hook { state = "confirmd" } },
      { "is_test: expected a boolean", hook { is_test = 1 } },
      { "sate: unknown, did you mean 'state'?", hook { sate = "x" } },
    } do
      local ok, problem = pcall(api.box.webhook, api.box, case[2])
      assert.is_false(ok)
      assert.matches(case[1], problem, 1, true)
    end
    assert.has_error(function() api.box:webhook() end)
    assert.same({}, api.box:webhooks())
  end)
end)

describe("over HTTP", function()
  local served, listener, port

  setup(function()
    -- Webhooks go to this machine, whatever proxy there is.
    served = server.start("http_proxy=http://127.0.0.1:1")
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(PATIENCE)
    port = select(2, listener:getsockname())
  end)
  teardown(function()
    listener:close()
    served:close()
  end)
  before_each(function() assert.equal(200, (served:request("POST", "/_sandbox/reset"))) end)

  local BODY = ('{"graph":"instant","start":"%s","end":"%s","what":"%s"}'):format(
    support.START, support.END, ("long "):rep(2000))

  local function create()
    local status, answer = served:request("POST", "/v2/bookings", BODY)
    assert.equal(201, status)
    return answer.data.id
  end

  -- The next delivery, which is answered with `status`; nil closes the connection instead.
  local function receive(status)
    local connection = assert(listener:accept())
    connection:settimeout(PATIENCE)
    local request_line, headers = assert(connection:receive("*l")), {}
    for line in function() return connection:receive("*l") end do
      if line == "" then break end
      local name, value = line:match("^([^:]+): (.*)$")
      headers[name:lower()] = value
    end
    local body = assert(connection:receive(tonumber(headers["content-length"])))
    if status then
      connection:send(("HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):format(status))
    end
    connection:close()
    return { request_line = request_line, headers = headers, body = body }
  end

  local function add(change)
    local hook = {
      url = ("http://127.0.0.1:%d/hook?a=1"):format(port), secret = "s3cr3t", graph = "instant", state = "confirmed",
    }
    for name, value in pairs(change or {}) do hook[name] = value end
    return served:request("POST", "/_sandbox/webhooks", core.encode(hook))
  end

  -- The latest delivery, once it is no longer pending. Each question is an answer of the server's loop, which moves on.
  local function settled()
    local deadline = socket.gettime() + PATIENCE
    repeat
      local _, answer = served:request("GET", "/_sandbox/webhooks")
      local latest = answer.data.deliveries[#answer.data.deliveries]
      if latest.status ~= "pending" then return latest, answer.data end
    until socket.gettime() > deadline
    error("the delivery is still pending")
  end

  it("a webhook arrives, signed, and is tried again until it is taken", function()
    local status, answer = add()
    assert.equal(200, status)
    assert.same({ { url = ("http://127.0.0.1:%d/hook?a=1"):format(port), graph = "instant", state = "confirmed",
      is_test = false } }, answer.data.webhooks)
    local id = create()
    local first, second, third = receive(500), receive(nil), receive(204)
    assert.equal("POST /hook?a=1 HTTP/1.1", first.request_line)
    assert.equal("application/json", first.headers["content-type"])
    assert.is_nil(first.headers.authorization)
    assert.is_nil(first.headers.expect)
    assert.equal(hmac("s3cr3t", first.body), first.headers["x-timekit-signature"])
    assert.equal(id, core.decode(first.body).id)
    for _, again in ipairs { second, third } do
      assert.equal(first.body, again.body)
      assert.equal(first.headers["x-timekit-signature"], again.headers["x-timekit-signature"])
    end
    local delivery = settled()
    assert.same({ "delivered", 3, 204 }, { delivery.status, delivery.attempts, delivery.answered })
  end)

  it("a webhook that nobody takes is given up, and nothing else suffers", function()
    add()
    local id = create()
    for _ = 1, 4 do receive(302) end
    assert.equal(200, (served:request("GET", "/v2/bookings/" .. id)))
    receive(404)
    local delivery = settled()
    assert.same({ "failed", 5, 404 }, { delivery.status, delivery.attempts, delivery.answered })
  end)

  it("a webhook is sent for what plays by itself when the clock is moved", function()
    add { state = "completed" }
    local id = create()
    served:request("POST", "/_sandbox/clock", '{"advance": 315360000}')
    assert.same({ id, "completed" }, { core.decode(receive(200).body).id, settled().state })
  end)

  it("a webhook is sent for what plays by itself though nobody asks", function()
    add { graph = "reservation", state = "expired" }
    local _, reserved = served:request("POST", "/v2/bookings/reserve",
      ('{"start":"%s","end":"%s","reservation_time":1}'):format(support.START, support.END))
    assert.equal(reserved.data.id, core.decode(receive(200).body).id)
  end)

  it("a webhook that is wrong is refused, and its secret is shown nowhere", function()
    assert.equal(400, (served:request("POST", "/_sandbox/webhooks", "x")))
    local status, answer = add { url = "http://example.com/" }
    assert.equal(422, status)
    assert.matches("loopback", answer.error)
    status, answer = add()
    assert.equal(200, status)
    assert.is_nil(core.encode(answer):find("s3cr3t", 1, true))
  end)
end)
