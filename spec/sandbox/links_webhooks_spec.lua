-- Action links and webhooks of the sandbox: API.md 5 and 6. Signatures are made and checked by the openssl program.
local core = require "timekit.core"
local sandbox = require "timekit.sandbox"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local socket = require "socket"
local support = require "spec.support.box"

local KEY = "test_api_key_1"

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

-- HMAC-SHA256 in hex, by openssl.
local function hmac(key, text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local digest = shell.must(("openssl dgst -sha256 -hmac '%s' %s"):format(key, path)):match("(%x+)%s*$")
  os.remove(path)
  return digest
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(bytes)
  local digits, bits, pending = {}, 0, 0
  for index = 1, #bytes do
    bits, pending = bits * 256 + bytes:byte(index), pending + 8
    while pending >= 6 do
      pending = pending - 6
      local unit = 2 ^ pending
      local digit = math.floor(bits / unit)
      bits = bits % unit
      digits[#digits + 1] = ALPHABET:sub(digit + 1, digit + 1)
    end
  end
  if pending > 0 then
    local digit = bits * 2 ^ (6 - pending)
    digits[#digits + 1] = ALPHABET:sub(digit + 1, digit + 1)
  end
  return table.concat(digits)
end

-- A signature as of API.md 5; `change` replaces header, claims or key.
local function token(id, action, change)
  change = change or {}
  local text = base64url(change.header or '{"alg":"HS256","typ":"JWT"}') .. "."
    .. base64url(change.claims or ('{"booking_id":"%s","action":"%s"}'):format(id, action))
  local bytes = hmac(change.key or KEY, text):gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
  return text .. "." .. base64url(bytes)
end

local function path_of(id, action, signature, redirect)
  return ("/v2/bookings/%s/external_action/%s%s%s"):format(id, action,
    signature and "?signature=" .. signature or "", redirect and "&redirect=" .. redirect or "")
end

describe("an action link in the sandbox", function()
  local api, id

  before_each(function()
    api = support.new { app_key = KEY }
    id = api:create("instant")
  end)

  local function click(target, method)
    return api.box:handle { method = method or "GET", target = target }
  end

  -- A page for people that says why, and nothing has changed.
  local function is_refused(status, answer)
    assert.equal(status, answer.status)
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.matches("<h1>This link does not work</h1><p>%u[^<]+%.</p>", answer.body)
    assert.is_nil(answer.headers.location)
    assert.equal("confirmed", api:get(id).state)
  end

  it("performs its action, without a key, and shows a page", function()
    local answer = click(path_of(id, "cancel", token(id, "cancel")))
    assert.equal(200, answer.status)
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.equal(tostring(#answer.body), answer.headers["content-length"])
    assert.matches("The booking is now &#39;cancelled&#39;.", answer.body, 1, true)
    assert.equal("no-referrer", answer.headers["referrer-policy"])
    assert.same({ "confirm:confirmed:api", "cancel:cancelled:link" }, api:history(id))
  end)

  it("works once", function()
    local target = path_of(id, "cancel", token(id, "cancel"), "https%3A%2F%2Fexample.com%2F")
    assert.equal(302, click(target).status)
    local answer = click(target)
    assert.equal(422, answer.status)
    assert.matches("used already.*&#39;cancelled&#39;", answer.body)
    assert.is_nil(answer.headers.location)
    assert.equal(2, #api:history(id))
  end)

  it("is refused with a signature that was not made for it", function()
    local other = api:create("instant")
    local genuine = token(id, "cancel")
    local head, claims, signature = genuine:match("^(.-)%.(.-)%.(.-)$")
    local forged = base64url(('{"booking_id":"%s","action":"cancel"}'):format(id))
    for name, bad in pairs {
      ["another key"] = token(id, "cancel", { key = "test_api_key_2" }),
      ["another booking"] = token(other, "cancel"),
      ["another action"] = token(id, "complete"),
      ["tampered claims"] = token(other, "cancel"):gsub("%.[^.]*%.", "." .. forged .. "."),
      ["a tampered signature"] = genuine:sub(1, -6) .. (genuine:sub(-5, -5) == "A" and "B" or "A") .. genuine:sub(-4),
      ["a shorter signature"] = genuine:sub(1, -2), ["a longer signature"] = genuine .. "A",
      ["padding"] = genuine .. "=", ["no signature"] = head .. "." .. claims .. ".",
      ["alg none, unsigned"] = base64url('{"alg":"none"}') .. "." .. claims .. ".",
      ["alg none, signed"] = token(id, "cancel", { header = '{"alg":"none"}' }),
      ["alg HS512"] = token(id, "cancel", { header = '{"alg":"HS512"}' }),
      ["no alg"] = token(id, "cancel", { header = "{}" }),
      ["a header that is a list"] = token(id, "cancel", { header = "[]" }),
      ["claims that are no JSON"] = token(id, "cancel", { claims = "cancel" }),
      ["claims that are a list"] = token(id, "cancel", { claims = '["cancel"]' }),
      ["no booking in the claims"] = token(id, "cancel", { claims = '{"action":"cancel"}' }),
      ["no action in the claims"] = token(id, "cancel", { claims = ('{"booking_id":"%s"}'):format(id) }),
      ["nothing"] = "", ["dots"] = "..", ["a fourth part"] = genuine .. ".x",
      ["the key itself"] = KEY,
      ["the digest in hex"] = head .. "." .. claims .. "." .. hmac(KEY, head .. "." .. claims),
      ["the signature alone"] = signature,
    } do
      local ok, problem = pcall(is_refused, 403, click(path_of(id, "cancel", bad)))
      assert(ok, name .. ": " .. tostring(problem))
    end
    is_refused(403, click(path_of(id, "cancel")))
    -- What it is not signed for it is not told about either.
    assert.equal(403, click(path_of("nobody", "cancel", genuine)).status)
    assert.equal(200, click(path_of(id, "cancel", genuine)).status)
  end)

  it("is refused when the action is not possible, or the booking is gone", function()
    is_refused(422, click(path_of(id, "decline", token(id, "decline"))))
    assert.equal(404, click(path_of("nobody", "cancel", token("nobody", "cancel"))).status)
  end)

  it("leads on to http and https, and nowhere else", function()
    for given, expected in pairs {
      ["https%3A%2F%2Fexample.com%2Fbye%3Fa%3D1%26b%3D2"] = "https://example.com/bye?a=1&b=2",
      ["HTTP://example.com"] = "http://example.com",
      ["https://[::1]:8080/"] = "https://[::1]:8080/",
      ["https://example.com/a+b%C3%A9%22%3E"] = "https://example.com/a%20b%C3%A9%22%3E",
    } do
      local booking = api:create("instant")
      local answer = click(path_of(booking, "cancel", token(booking, "cancel"), given))
      assert.equal(302, answer.status)
      assert.equal(expected, answer.headers.location)
      assert.equal("cancelled", api:get(booking).state)
    end
    for _, bad in ipairs {
      "javascript:alert(1)", "javascript://%0aalert(1)", "data:text/html,x", "//example.com", "/bye", "", "https:",
      "https://", "https:///x", "https:example.com", "%20https://example.com", "ftp://example.com",
      "https://example.com%0d%0aSet-Cookie:%20a=b", "https://example.com%00", "https://example.com%5c@evil.com",
      "xhttps://example.com", "file:///etc/passwd",
    } do
      is_refused(422, click(path_of(id, "cancel", token(id, "cancel"), bad)))
    end
  end)

  it("does nothing when it is only looked at", function()
    local target = path_of(id, "cancel", token(id, "cancel"))
    for method, allowed in pairs { HEAD = "GET", POST = "GET, HEAD", PUT = "GET, HEAD" } do
      local answer = click(target, method)
      assert.equal(method == "HEAD" and 405 or 401, answer.status)
      if method == "HEAD" then assert.equal(allowed, answer.headers.allow) end
    end
    assert.equal("confirmed", api:get(id).state)
  end)

  it("is replicated to related bookings, as the action is", function()
    local other = api:create("instant")
    api.box:relate { id, other }
    click(path_of(id, "cancel", token(id, "cancel")))
    assert.equal("cancelled", api:get(other).state)
  end)

  it("shows nothing of what it is given as a part of the page", function()
    local answer = click(path_of(id, "%3Cscript%3E", token(id, "<script>")))
    is_refused(422, answer)
    assert.is_nil(answer.body:find("script", 1, true))
  end)

  it("comes ready by include where the customer has an action left", function()
    local links = api:get(id, "customer_action_links").customer_action_links
    local expected = {}
    for _, action in ipairs { "cancel_by_customer", "reschedule_by_customer" } do
      expected[action] = "https://api.timekit.io" .. path_of(id, action, token(id, action))
    end
    assert.same(expected, links)
    assert.equal(200, click((links.cancel_by_customer:gsub("^https://[^/]*", ""))).status)
    assert.same({}, api:get(id, "customer_action_links").customer_action_links)
    local tentative = api:create("confirm_decline")
    assert.same({}, api:get(tentative, "customer_action_links").customer_action_links)
  end)

  it("is taken from any key that a box without one has met", function()
    api = support.new()
    id = api:create("instant")
    assert.equal(403, click(path_of(id, "cancel", token(id, "cancel", { key = "another" }))).status)
    assert.equal(200, click(path_of(id, "cancel", token(id, "cancel"))).status)
    local new = api:create("instant")
    for _ = 1, 20 do api:call("GET", "/bookings", nil, { Authorization = "Basic OmFub3RoZXI=" }) end -- :another
    assert.equal(200, click(path_of(new, "complete", token(new, "complete"))).status)
    new = api:create("instant")
    assert.equal(200, click(path_of(new, "complete", token(new, "complete", { key = "another" }))).status)
    new = api:create("instant")
    api.box:reset()
    assert.equal(403, click(path_of(new, "cancel", token(new, "cancel"))).status)
  end)

  it("leaves no key where the box can be looked at", function()
    local seen = {}
    local function look(value)
      assert.is_true(type(value) ~= "string" or not value:find(KEY, 1, true))
      if type(value) ~= "table" or seen[value] then return end
      seen[value] = true
      for key, item in pairs(value) do
        look(key)
        look(item)
      end
    end
    api.box:webhook { url = "http://localhost/", secret = KEY, graph = "instant", state = "cancelled" }
    click(path_of(id, "cancel", token(id, "cancel")))
    look(api.box)
    assert.equal(1, #api.box:deliveries())
  end)
end)

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
    api:call("POST", "/bookings/reserve", { start = support.START, ["end"] = support.END })
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
    served = server.start("http_proxy=http://127.0.0.1:1 KEY=" .. KEY)
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(PATIENCE)
    port = select(2, listener:getsockname())
  end)
  teardown(function()
    listener:close()
    served:close()
  end)
  before_each(function() assert.equal(200, (served:call("POST", "/_sandbox/reset"))) end)

  local BODY = ('{"graph":"instant","start":"%s","end":"%s","what":"%s"}'):format(
    support.START, support.END, ("long "):rep(2000))

  local function create()
    local status, answer = served:call("POST", "/v2/bookings", BODY)
    assert.equal(201, status)
    return answer.data.id
  end

  local function get(path)
    local connection = served:connect()
    assert(connection:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path)))
    local answer = assert(server.read(connection))
    connection:close()
    return answer
  end

  it("an action link is clicked, and clicked again", function()
    local id = create()
    local _, shown = served:call("GET", ("/v2/bookings/%s?include=customer_action_links"):format(id))
    local link = shown.data.customer_action_links.cancel_by_customer
    assert.equal(served.url .. path_of(id, "cancel_by_customer", token(id, "cancel_by_customer")):sub(4), link)
    local target = link:match("^http://[^/]*(.*)$")
    local answer = get(target .. "&redirect=http%3A%2F%2Flocalhost%2Fbye")
    assert.same({ 302, "http://localhost/bye" }, { answer.status, answer.headers.location })
    answer = get(target)
    assert.equal(422, answer.status)
    assert.matches("used already", answer.body)
    assert.equal(403, get(target:sub(1, -2)).status)
    assert.equal(401, get("/v2/bookings/" .. id).status)
  end)

  it("a booking is deleted, and the connection goes on", function()
    local id = create()
    local connection = served:connect()
    for _, request in ipairs { { "PUT", "/cancel", "{}", 200 }, { "DELETE", "", nil, 204 }, { "GET", "", nil, 404 } } do
      assert(connection:send(server.request(request[1], "/v2/bookings/" .. id .. request[2], request[3])))
      assert.equal(request[4], server.read(connection).status)
    end
    connection:close()
  end)

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
    return served:call("POST", "/_sandbox/webhooks", core.encode(hook))
  end

  -- The latest delivery, once it is no longer pending. Each question is an answer of the server's loop, which moves on.
  local function settled()
    local deadline = socket.gettime() + PATIENCE
    repeat
      local _, answer = served:call("GET", "/_sandbox/webhooks")
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
    assert.equal(200, (served:call("GET", "/v2/bookings/" .. id)))
    receive(404)
    local delivery = settled()
    assert.same({ "failed", 5, 404 }, { delivery.status, delivery.attempts, delivery.answered })
  end)

  it("a webhook is sent for what plays by itself when the clock is moved", function()
    add { state = "completed" }
    local id = create()
    served:call("POST", "/_sandbox/clock", '{"advance": 315360000}')
    assert.same({ id, "completed" }, { core.decode(receive(200).body).id, settled().state })
  end)

  it("a webhook is sent for what plays by itself though nobody asks", function()
    add { graph = "reservation", state = "expired" }
    local _, reserved = served:call("POST", "/v2/bookings/reserve",
      ('{"start":"%s","end":"%s","reservation_time":1}'):format(support.START, support.END))
    assert.equal(reserved.data.id, core.decode(receive(200).body).id)
  end)

  it("a webhook that is wrong is refused, and its secret is shown nowhere", function()
    assert.equal(400, (served:call("POST", "/_sandbox/webhooks", "x")))
    local status, answer = add { url = "http://example.com/" }
    assert.equal(422, status)
    assert.matches("loopback", answer.error)
    status, answer = add()
    assert.equal(200, status)
    assert.is_nil(core.encode(answer):find("s3cr3t", 1, true))
  end)
end)
