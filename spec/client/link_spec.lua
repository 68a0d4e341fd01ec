-- Action links: booking:link, timekit.link.parse and verify, booking:customer_links.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local scripted = require "spec.support.scripted"
local signing = require "spec.support.signing"
local timekit = require "timekit"

local KEY = "test_api_key_Zm9vYmFy"
local ID = "58190fc6-1ec0-4ebb-b627-7ce6aa9fc703"
local BASE = "https://api.timekit.io/v2"
local HEADER = '{"alg":"HS256","typ":"JWT"}'

local function claims_of(id, action)
  return ('{"booking_id":"%s","action":"%s"}'):format(id, action)
end

-- A link whose token anybody may have made.
local function link_with(token, id, action)
  return ("%s/bookings/%s/external_action/%s?signature=%s"):format(BASE, id or ID, action or "cancel", token)
end

local function signed(header, claims, key)
  return link_with(signing.token(header or HEADER, claims or claims_of(ID, "cancel"), key or KEY))
end

local JUNK = {
  "", " ", "junk", "/", "?", "#", "http://", "https://", "https:///", BASE, "javascript:alert(1)", "\0", "\255\254",
  ("x"):rep(100000), ("%"):rep(1000), ("/bookings/"):rep(3000), BASE .. "/bookings/b1",
  BASE .. "/bookings/b1/external_action/cancel", BASE .. "/bookings//external_action/cancel?signature=a.b.c",
  BASE .. "/bookings/b1/external_action/?signature=a.b.c",
  BASE .. "/bookings/../external_action/cancel?signature=a.b.c",
  BASE .. "/bookings/%zz/external_action/cancel?signature=a.b.c", link_with(""), link_with("."), link_with(".."),
  link_with("..."), link_with("a.b"), link_with("a.b.c"), link_with("a.b.c.d"), link_with("%"), link_with("é.é.é"),
}
local NOT_TEXTS = { 42, true, false, {}, print, core.null, 0 / 0, { url = "x" } }

describe("a link", function()
  local transport, tk, booking

  before_each(function()
    transport = scripted.new {}
    tk = timekit.new { app_key = KEY, transport = transport }
    booking = tk:booking(ID)
  end)

  after_each(function() assert.equal(0, #transport.requests) end)

  it("is made here, as spec/api.md and its fixture say", function()
    local url = assert(booking:link("cancel", { redirect = "https://example.com/bye?a=b&c=d%20e" }))
    local shown = core.decode(fixture "action-link-jwt")
    local expected = shown.url:gsub("%b{}", {
      ["{bookingId}"] = ID, ["{action}"] = "cancel", ["{JWT}"] = signing.token(HEADER, claims_of(ID, "cancel"), KEY),
      ["{urlencoded url}"] = "https%3A%2F%2Fexample.com%2Fbye%3Fa%3Db%26c%3Dd%2520e",
    })
    assert.equal(expected, url)
    local found = assert(timekit.link.parse(url))
    assert.same(shown.header, found.header)
    assert.same({ booking_id = ID, action = shown.payload.action }, found.claims)
  end)

  it("is signed as openssl dgst and another implementation sign", function()
    for _, key in ipairs { "k", KEY, ("long_key_"):rep(20), "\195\169 key" } do
      local other = timekit.new { app_key = key, transport = scripted.new {} }
      for _, action in ipairs { "cancel", "confirm", "reschedule_by_customer" } do
        local token = assert(other:booking(ID):link(action)):match("signature=(.*)$")
        local head, signature = token:match("^(.*)%.(.*)$")
        assert.equal(signing.base64url_by_openssl(HEADER) .. "."
          .. signing.base64url_by_openssl(claims_of(ID, action)), head)
        assert.equal(signing.base64url_by_openssl(signing.bytes(signing.by_openssl(key, head))), signature)
        assert.equal(signing.token(HEADER, claims_of(ID, action), key), token)
      end
    end
  end)

  it("has a redirect only if asked for, and nothing of the key", function()
    local url = assert(booking:link "cancel")
    assert.is_nil(url:find("redirect", 1, true))
    assert.is_nil(url:find(KEY, 1, true))
    assert.equal(url, assert(booking:link("cancel", {})))
    assert.equal(url .. "&redirect=https%3A%2F%2Fx.example",
      assert(booking:link("cancel", { redirect = "https://x.example" })))
  end)

  it("goes to the client's own address", function()
    local other = timekit.new { app_key = KEY, transport = scripted.new {}, base_url = "http://127.0.0.1:8808/v2/" }
    assert.matches("^http://127%.0%.0%.1:8808/v2/bookings/b1/external_action/cancel%?",
      other:booking("b1"):link "cancel")
  end)

  it("is signed with the test key where a sandbox needs none", function()
    local getenv = os.getenv
    os.getenv = function() return nil end -- luacheck: ignore 122
    local made, boxed = pcall(timekit.new, { transport = timekit.sandbox.new() })
    os.getenv = getenv -- luacheck: ignore 122
    assert(made, boxed)
    assert.is_true(timekit.link.verify(boxed:booking(ID):link "cancel", "test_api_key"))
  end)

  it("takes any id that a request takes, and comes back from it", function()
    for _, id in ipairs { "a/b", "a b", 'a"b\\', "a?b=c&d#e", "%41", "\195\169", "...", ("x"):rep(1024) } do
      local url = assert(tk:booking(id):link "cancel")
      assert.matches("^[A-Za-z0-9%-._~:/?=%%]+$", url)
      local good, found = timekit.link.verify(url, KEY)
      assert.is_true(good, found)
      assert.equal(id, found.booking_id)
    end
    local message = blame(function() tk:booking("a\255b"):link "cancel" end)
    assert.matches("booking:link: the id: ", message, 1, true)
  end)

  it("is refused for an action that no known graph has", function()
    for _, action in ipairs { "cancle", "destroy", "Cancel", "cancel ", "a/b" } do
      local url, err = booking:link(action)
      assert.is_nil(url)
      assert.same({ "input", "no", action }, { err.kind, err.sent, err.action })
      assert.matches("no known graph has an action", err.message, 1, true)
    end
    local _, err = booking:link "cancle"
    assert.matches("did you mean 'cancel'?", err.message, 1, true)
  end)

  it("is refused for an action that the booking's graph lacks, if it is known", function()
    local url, err = tk:booking({ id = ID, graph = "instant", state = "confirmed" }):link "decline"
    assert.is_nil(url)
    assert.same({ "input", "instant", "no" }, { err.kind, err.graph, err.sent })
    assert.matches("graph 'instant' has no action 'decline'", err.message, 1, true)
    assert(tk:booking({ id = ID, graph = "instant", state = "confirmed" }):link "cancel")
    -- Whether it is possible is for Timekit to say when the link is used.
    assert(tk:booking({ id = ID, graph = "instant", state = "cancelled", completed = true }):link "cancel")
  end)

  it("is made for every action of the known graphs, a defined one included", function()
    for _, graph in pairs(timekit.graphs) do
      for _, action in ipairs(graph.actions) do
        assert.is_true(timekit.link.verify(assert(booking:link(action.name)), KEY))
      end
    end
    assert.is_nil(booking:link "wave_goodbye")
    timekit.graphs.define {
      name = "link_spec", initial = "initialized", first = "wave_goodbye",
      states = { initialized = {}, gone = { final = true } },
      actions = { { name = "wave_goodbye", from = "initialized", to = "gone" } },
    }
    finally(function() rawset(timekit.graphs, "link_spec", nil) end)
    assert(booking:link "wave_goodbye")
  end)

  it("takes an http or https redirect, and gives it back", function()
    for _, redirect in ipairs {
      "https://example.com", "http://example.com/", "HTTPS://EXAMPLE.COM/a?b=c&d=e%20f+g#h", "http://127.0.0.1:8080/x",
      "http://[::1]:8080/x", "http://localhost/", "https://example.com/\195\169", "https://b\195\188cher.example/",
      "https://example.com/a@b:c", "https://example.com:443",
    } do
      local url = assert(booking:link("cancel", { redirect = redirect }))
      assert.equal(redirect, timekit.link.parse(url).redirect)
      assert.is_nil(url:match("redirect=(.*)$"):find("[^A-Za-z0-9%-._~%%]"))
    end
  end)

  it("raises on any other redirect", function()
    for _, redirect in ipairs {
      "", "example.com", "//example.com", "/thanks", "javascript:alert(1)", "JavaScript://example.com/%0Aalert(1)",
      "data:text/html,x", "ftp://example.com", "file:///etc/passwd", "https:example.com", "https:/example.com",
      "https://", "https:///x", "https://?x", "https://:80/", "http://example.com:99999/", "http://example.com:x/",
      "https://user@example.com/", "https://user:password@example.com/", "https://a@b@c/", "https://example.com/a b",
      "https://example.com/\n", "https://example.com/\r\nX: 1", "https://example.com/\0", "https://exam\tple.com/",
      " https://example.com", "https://example.com\\@evil.example/", "https://example.com/\194\133", "https://[::1",
      "https://example.com/\"><script>", "https://example.com/" .. ("x"):rep(5000), 42, true, {}, print, core.null,
    } do
      local message = blame(function() booking:link("cancel", { redirect = redirect }) end, tostring(redirect))
      assert.matches("booking:link: redirect: expected ", message, 1, true)
    end
    local message = blame(function() booking:link("cancel", { redirect = "https://user:passwort@example.com/" }) end)
    assert.is_nil(message:find("passwort", 1, true))
  end)

  it("raises on wrong use", function()
    for _, case in ipairs {
      { "the action's name: expected a string, got nil", function() booking:link() end },
      { "the action's name: ", function() booking:link "" end },
      { "the action's name: ", function() booking:link "a\nb" end },
      { "unknown option 'redirct', did you mean 'redirect'?",
        function() booking:link("cancel", { redirct = "x" }) end },
      { "expected a table of options", function() booking:link("cancel", "https://example.com") end },
      { "call it with a colon", function() booking.link("cancel") end },
    } do
      assert.matches("booking:link: " .. case[1], blame(case[2], case[1]), 1, true)
    end
    tk:close()
    assert.matches("booking:link: the client is closed", blame(function() booking:link "cancel" end), 1, true)
  end)

  it("takes an app key: a client that signs in as a resource has none", function()
    local other = timekit.new {
      resource_email = "marty@timekit.io", resource_key = "resource_key_1", app = "slug", transport = scripted.new {},
    }
    local message = blame(function() other:booking(ID):link "cancel" end)
    assert.matches("booking:link: links are signed with the app key; this client has none", message, 1, true)
    assert.is_nil(message:find("resource_key_1", 1, true))
  end)

  it("works in a call that keeps nobody waiting", function()
    local call = tk:start(function() return booking:link "cancel" end)
    assert.is_true(call:done())
    assert.equal(booking:link "cancel", (call:result()))
  end)
end)

describe("link.parse", function()
  local url = signed() .. "&redirect=https%3A%2F%2Fexample.com%2Fa+b%3F"

  it("takes a link apart", function()
    assert.same({
      base_url = BASE, booking_id = ID, action = "cancel", redirect = "https://example.com/a?",
      header = { alg = "HS256", typ = "JWT" }, claims = { booking_id = ID, action = "cancel" },
    }, timekit.link.parse((url:gsub("%+b", ""))))
  end)

  it("takes the path and query that a server gets, and forgets a fragment", function()
    local path = signed():sub(#"https://api.timekit.io" + 1)
    local found = assert(timekit.link.parse(path .. "#top"))
    assert.same({ "/v2", ID, "cancel" }, { found.base_url, found.booking_id, found.action })
    assert.is_true(timekit.link.verify(path, KEY))
  end)

  it("overlooks parameters that it does not know, and takes them in any order", function()
    local token = signed():match("signature=(.*)$")
    local other = ("%s/bookings/%s/external_action/cancel?utm=1&redirect=http%%3A%%2F%%2Fa&x&signature=%s"):format(
      BASE, ID, token)
    assert.equal("http://a", assert(timekit.link.parse(other)).redirect)
    assert.is_true(timekit.link.verify(other, KEY))
  end)

  it("says nothing about who signed", function()
    assert.equal("cancel", assert(timekit.link.parse(signed(nil, nil, "another key"))).action)
  end)

  it("refuses a parameter that stands there twice, and a redirect elsewhere than to the web", function()
    for extra, reason in pairs {
      ["&signature=a.b.c"] = "twice", ["&redirect=http://a&redirect=http://b"] = "twice",
      ["&sign%61ture=a.b.c"] = "twice",
      ["&redirect=javascript:alert(1)"] = "its redirect: expected an http or https URL",
      ["&redirect=%zz"] = "percent sign", ["&redirect="] = "its redirect: ",
      ["&redirect=http%3A%2F%2Fa%0A"] = "its redirect: ",
      ["&redirect=http://a@b"] = "credentials",
    } do
      local found, problem = timekit.link.parse(signed() .. extra)
      assert.is_nil(found)
      assert.matches(reason, problem, 1, true)
      assert.is_false((timekit.link.verify(signed() .. extra, KEY)))
    end
  end)

  it("refuses a link that is longer than any that is made", function()
    local found, problem = timekit.link.parse(signed() .. "&x=" .. ("x"):rep(33000))
    assert.is_nil(found)
    assert.matches("longer than", problem, 1, true)
  end)

  it("gives nil and a reason for junk, and never raises", function()
    local function refuses(value)
      local found, problem = timekit.link.parse(value)
      assert.is_nil(found)
      assert.is_string(problem)
      local good, why = timekit.link.verify(value, KEY)
      assert.is_false(good)
      assert.equal(problem, why)
    end
    refuses(nil)
    for _, value in ipairs(JUNK) do refuses(value) end
    for _, value in ipairs(NOT_TEXTS) do refuses(value) end
    for _, part in ipairs { "[]", "1", "null", '"x"', "{", "", "\255", ("["):rep(2000) } do
      refuses(signed(part))
      refuses(signed(nil, part))
    end
  end)
end)

describe("link.verify", function()
  it("takes what the client made, and gives its parts", function()
    local tk = timekit.new { app_key = KEY, transport = scripted.new {} }
    local url = tk:booking(ID):link("cancel", { redirect = "https://example.com/" })
    local good, found = timekit.link.verify(url, KEY)
    assert.is_true(good)
    assert.same(timekit.link.parse(url), found)
  end)

  it("takes what another implementation made, blanks and further claims in it", function()
    local claims = '{ "action" : "cancel", "iat": 1, "booking_id" : "' .. ID .. '" }'
    assert.is_true(timekit.link.verify(signed('{"typ":"JWT", "alg":"HS256"}', claims), KEY))
    assert.is_true(timekit.link.verify(signed('{"alg":"HS256"}'), KEY))
  end)

  local function refused(url, reason, key)
    local good, problem = timekit.link.verify(url, key or KEY)
    assert.is_false(good)
    assert.matches(reason, problem, 1, true)
  end

  it("refuses another key", function()
    refused(signed(), "its signature is wrong", "test_api_key")
    refused(signed(nil, nil, KEY .. " "), "its signature is wrong")
  end)

  it("refuses every other algorithm, none first of all", function()
    local token = signing.token('{"alg":"none","typ":"JWT"}', claims_of(ID, "cancel"), KEY)
    refused(link_with(token), "it is not signed with HS256")
    refused(link_with((token:gsub("[^.]*$", ""))), "it is not signed with HS256")
    for _, alg in ipairs {
      '"None"', '"NONE"', '""', '"HS384"', '"HS512"', '"RS256"', '"hs256"', '"HS256 "', "null", "1", "{}", '["HS256"]',
    } do
      refused(signed(('{"alg":%s,"typ":"JWT"}'):format(alg)), "it is not signed with HS256")
    end
    refused(signed '{"typ":"JWT"}', "it is not signed with HS256")
    refused(signed '{"alg":"HS256","crit":["exp"],"exp":1}', "crit")
  end)

  it("refuses a token for another booking or another action", function()
    local token = signing.token(HEADER, claims_of(ID, "cancel"), KEY)
    refused(link_with(token, "58190fc6-1ec0-4ebb-b627-7ce6aa9fc704"), "for another booking")
    refused(link_with(token, nil, "confirm"), "for another action")
    for _, claims in ipairs {
      "{}", '{"action":"cancel"}', '{"booking_id":1,"action":"cancel"}', '{"booking_id":null}',
    } do
      refused(signed(nil, claims), "for another booking")
    end
    refused(signed(nil, ('{"booking_id":"%s"}'):format(ID)), "for another action")
    refused(signed(nil, ('{"booking_id":"%s","action":["cancel"]}'):format(ID)), "for another action")
  end)

  it("refuses a tampered payload under the old signature", function()
    local header, _, signature = signing.token(HEADER, claims_of(ID, "cancel"), KEY):match("^(.*)%.(.*)%.(.*)$")
    local token = ("%s.%s.%s"):format(header, signing.base64url(claims_of(ID, "confirm")), signature)
    refused(link_with(token, nil, "confirm"), "its signature is wrong")
  end)

  it("refuses a signature of another length, or written otherwise", function()
    local head, signature = signing.token(HEADER, claims_of(ID, "cancel"), KEY):match("^(.*%.)(.*)$")
    for length = 0, #signature - 1 do refused(link_with(head .. signature:sub(1, length)), "its signature is wrong") end
    refused(link_with(head .. signature .. "A"), "its signature is wrong")
    refused(link_with(head .. signature .. signature), "its signature is wrong")
    refused(link_with(head .. signature .. "="), "its token: expected three parts")
    refused(link_with(head .. signature:upper()), "its signature is wrong")
    -- The hexadecimal form of the right one.
    refused(link_with(head .. signing.by_openssl(KEY, head:sub(1, -2))), "its signature is wrong")
  end)

  it("refuses a link that was changed at any place", function()
    local url = signed()
    local begin = url:find("/bookings/", 1, true)
    for index = begin, #url do
      for _, char in ipairs { "A", "z", "_", "%", "/" } do
        if char ~= url:sub(index, index) then
          local changed = url:sub(1, index - 1) .. char .. url:sub(index + 1)
          local good = timekit.link.verify(changed, KEY)
          assert.is_false(good, changed)
        end
      end
      assert.is_false((timekit.link.verify(url:sub(1, index - 1) .. url:sub(index + 1), KEY)))
      assert.is_false((timekit.link.verify(url:sub(1, index - 1), KEY)))
    end
  end)

  it("compares in constant time", function()
    local compared
    local equal = core.equal
    core.equal = function(a, b)
      compared = { a, b }
      return equal(a, b)
    end
    local url = signed()
    local good = timekit.link.verify(url, KEY)
    core.equal = equal
    assert.is_true(good)
    local signature = url:match("[^.]*$")
    assert.same({ signature, signature }, compared)
  end)

  it("raises on a key that is none", function()
    for _, key in ipairs { "", 42, true, {}, core.null } do
      local message = blame(function() timekit.link.verify(signed(), key) end)
      assert.matches("timekit.link.verify: key: expected the app key, got ", message, 1, true)
    end
    blame(function() timekit.link.verify(signed()) end)
  end)
end)

describe("customer_links", function()
  local CANCEL = BASE .. "/bookings/b1/external_action/cancel_by_customer?signature=e30.e30.x"
  local RESCHEDULE = BASE .. "/bookings/b1/external_action/reschedule_by_customer?signature=e30.e30.x"
  local ELSEWHERE = "https://app.timekit.io/l/abc"

  local function ask(links, options)
    local transport = scripted.new {
      scripted.booking("confirmed", "instant", links and ',"customer_action_links":' .. links or ""),
    }
    local booking = timekit.new({ app_key = KEY, transport = transport, retries = 0 }):booking("b1")
    local found, info = booking:customer_links(options)
    return found, info, transport.requests, booking
  end

  it("asks for them by include, once", function()
    local found, info, requests, booking = ask(('{"cancel_by_customer":"%s"}'):format(CANCEL), { timeout = 3 })
    assert.same({ cancel_by_customer = CANCEL }, found)
    assert.equal(200, info.status)
    assert.equal(1, #requests)
    assert.same({ "GET", "/bookings/b1?include=customer_action_links", 3 },
      { requests[1].method, requests[1].target, requests[1].timeout })
    assert.same({ "instant", "confirmed" }, { booking.graph, booking.state })
  end)

  it("reads them whatever their shape", function()
    local both = { cancel_by_customer = CANCEL, reschedule_by_customer = RESCHEDULE }
    for _, shape in ipairs {
      '{"cancel_by_customer":"%s","reschedule_by_customer":"%s"}',
      '{"cancel_by_customer":{"url":"%s"},"reschedule_by_customer":{"href":"%s","method":"GET"}}',
      '[{"action":"cancel_by_customer","url":"%s"},{"action":"reschedule_by_customer","url":"%s"}]',
      '[{"name":"cancel_by_customer","link":"%s"},{"name":"reschedule_by_customer","link":"%s"}]',
      '[{"cancel_by_customer":"%s"},{"reschedule_by_customer":"%s"}]', '["%s","%s"]', '{"data":["%s","%s"]}',
      '{"cancel":"%s","reschedule":"%s"}', '{"links":{"a":{"url":"%s"},"b":[{"link":"%s"}]}}',
      '{"cancel_by_customer":"%s","reschedule_by_customer":"%s","confirm":null,"decline":false}',
    } do
      assert.same(both, (ask(shape:format(CANCEL, RESCHEDULE))), shape)
    end
  end)

  it("goes by the names where the links do not tell what they do", function()
    for _, shape in ipairs {
      '{"cancel_by_customer":"%s"}', '[{"action":"cancel_by_customer","url":"%s","redirect":"https://example.com"}]',
      '{"cancel_by_customer":{"link":"%s"}}', '[{"name":"cancel_by_customer","href":"%s"}]',
    } do
      assert.same({ cancel_by_customer = ELSEWHERE }, (ask(shape:format(ELSEWHERE))), shape)
    end
  end)

  it("is empty where none is offered", function()
    for _, none in ipairs { "[]", "{}", "null", "false", '{"cancel_by_customer":null}' } do
      assert.same({}, (ask(none)), none)
    end
    assert.same({}, (ask()))
  end)

  it("is an error where there is something that is no link", function()
    for _, junk in ipairs {
      "1", "true", '"x"', '""', '["x"]', "[1]", ('["%s"]'):format(ELSEWHERE), '{"cancel":"javascript:alert(1)"}',
      '{"cancel":""}', '[{"action":"cancel","url":"/relative"}]', '[{"url":"https://a@b/"}]',
    } do
      local found, err = ask(junk)
      assert.is_nil(found, junk)
      assert.same({ "response", "yes", 200 }, { err.kind, err.sent, err.status })
    end
  end)

  it("fails as every read does", function()
    local transport = scripted.new { scripted.answer(404, '{"error":"Resource does not exist"}') }
    local tk = timekit.new { app_key = KEY, transport = transport }
    local found, err = tk:booking("b1"):customer_links()
    assert.is_nil(found)
    assert.equal("not_found", err.kind)
  end)

  it("raises on wrong use", function()
    local tk = timekit.new { app_key = KEY, transport = scripted.new {} }
    local message = blame(function() tk:booking("b1"):customer_links { include = "event" } end)
    assert.matches("booking:customer_links: unknown option 'include'", message, 1, true)
    tk:close()
    local booking = tk.closed and pcall(tk.booking, tk, "b1")
    assert.is_false(booking)
  end)

  it("waits without keeping its host waiting", function()
    local transport = scripted.new { scripted.booking("confirmed", "instant", ',"customer_action_links":[]') }
    local tk = timekit.new { app_key = KEY, transport = transport }
    local call = tk:start(function() return tk:booking("b1"):customer_links() end)
    while tk:update(1) > 0 do end
    assert.same({}, (call:result()))
  end)
end)
