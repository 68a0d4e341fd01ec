-- Action links of the sandbox (spec/api.md 5). Signatures are made by the openssl program.
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local signing = require "spec.support.signing"
local support = require "spec.support.box"

local KEY = "test_api_key_1"
local hmac, base64url = signing.by_openssl, signing.base64url

-- A signature (spec/api.md 5); `change` replaces header, claims or key.
local function token(id, action, change)
  change = change or {}
  local text = base64url(change.header or '{"alg":"HS256","typ":"JWT"}') .. "."
    .. base64url(change.claims or ('{"booking_id":"%s","action":"%s"}'):format(id, action))
  return text .. "." .. base64url(signing.bytes(hmac(change.key or KEY, text)))
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
      ["claims that are not JSON"] = token(id, "cancel", { claims = "cancel" }),
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
    for _ = 1, 20 do api:request("GET", "/bookings", nil, { Authorization = "Basic OmFub3RoZXI=" }) end -- :another
    assert.equal(200, click(path_of(new, "complete", token(new, "complete"))).status)
    new = api:create("instant")
    assert.equal(200, click(path_of(new, "complete", token(new, "complete", { key = "another" }))).status)
    new = api:create("instant")
    api.box:reset()
    assert.equal(403, click(path_of(new, "cancel", token(new, "cancel"))).status)
  end)

  it("leaves no key where the box can be looked at", function()
    api.box:webhook { url = "http://localhost/", secret = KEY, graph = "instant", state = "cancelled" }
    click(path_of(id, "cancel", token(id, "cancel")))
    assert.is_false(support.holds(api.box, KEY))
    assert.equal(1, #api.box:deliveries())
  end)
end)

describe("over HTTP", function()
  local served

  setup(function() served = server.start("KEY=" .. KEY) end)
  teardown(function() served:close() end)

  local function create()
    local status, answer = served:request("POST", "/v2/bookings", core.encode(support.fields()))
    assert.equal(201, status)
    return answer.data.id
  end

  local function get(path)
    local connection = served:connect()
    assert(connection:send(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):format(path)))
    local answer = assert(server.read(connection))
    connection:close()
    return answer
  end

  it("an action link is clicked, and clicked again", function()
    local id = create()
    local _, shown = served:request("GET", ("/v2/bookings/%s?include=customer_action_links"):format(id))
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
      assert(connection:send(server.request_text(request[1], "/v2/bookings/" .. id .. request[2], request[3])))
      assert.equal(request[4], server.read(connection).status)
    end
    connection:close()
  end)
end)
