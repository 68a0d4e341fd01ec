-- Requests of one's own: what is sent, what is refused, and what an answer is taken for.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local socket = require "socket"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure

local function client(...)
  local transport = scripted.new { ... }
  return timekit.new { app_key = "test_key", transport = transport, retries = 0 }, transport
end

local function targets(transport)
  local list = {}
  for index, request in ipairs(transport.requests) do list[index] = request.target end
  return list
end

describe("a request of one's own", function()
  it("is sent as it is meant", function()
    local tk, transport = client(answer(200, '{"data":{"id":"r"},"meta":{"n":1},"total":5}'), answer(201, '{"a":1}'))
    local opts = {
      query = { b = "x&y=z", a = 1, list = { "p", true } }, include = { "c", "d" }, timeout = 3,
      headers = { ["X-Mine"] = "1", ["Timekit-Timezone"] = "Europe/Copenhagen" },
    }
    local data, info = tk:request("GET", "/resources/a b", opts)
    assert.same({ id = "r" }, data)
    assert.same({ meta = { n = 1 }, total = 5 }, info.envelope)
    assert.same({ 200, 1 }, { info.status, info.attempts })
    local request = transport.requests[1]
    assert.same({ "GET", "/resources/a%20b?a=1&b=x%26y%3Dz&list=p&list=true&include=c,d", 3 },
      { request.method, request.target, request.timeout })
    assert.same(opts.headers, request.headers)
    data, info = tk:request("POST", "/x", {
      body = { list = timekit.array {} }, headers = { ["content-type"] = "a/b" },
    })
    assert.same({ a = 1 }, data)
    assert.same({}, info.envelope)
    assert.equal('{"list":[]}', transport.requests[2].body)
    assert.same({ ["content-type"] = "a/b" }, transport.requests[2].headers)
  end)

  it("takes whatever the answer holds", function()
    for body, expected in pairs {
      ['{"data":[]}'] = {}, ['{"data":null}'] = core.null, ["[1]"] = { 1 }, ['"x"'] = "x", ["null"] = core.null,
      ["7"] = 7, ['{"data":false}'] = false, ["{}"] = {},
    } do
      local data, info = client(answer(200, body)):request("GET", "/x")
      assert.same(expected, data)
      assert.equal(200, info.status)
    end
  end)

  it("needs no content in its answer where there is none to be expected", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(core.null, (client(answer(204)):request(method, "/x")))
    end
    assert.equal(core.null, (client(answer(200)):request("DELETE", "/x")))
    assert.equal("response", select(2, client(answer(200)):request("GET", "/x")).kind)
    assert.equal("uncertain", select(2, client(answer(200)):request("PUT", "/x")).kind)
  end)

  it("reads again what is a read, and nothing else after a doubt", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      for _, lost in ipairs { failure("network", "maybe"), answer(500), answer(502), answer(503), answer(200, "<") } do
        local clock = clocks.install()
        local transport = scripted.new { lost, answer(200, '{"data":1}') }
        local tk = timekit.new { app_key = "test_key", transport = transport }
        local data, info = tk:request(method, "/x")
        clock:remove()
        if method == "GET" then
          assert.same({ 1, 2 }, { data, info.attempts })
        else
          assert.is_nil(data)
          assert.same({ "uncertain", 1 }, { info.kind, #transport.requests })
          assert.matches(("it is not known whether %s /x took effect"):format(method), info.message, 1, true)
        end
      end
      for _, unsent in ipairs { failure("network", "no"), answer(429) } do
        local clock = clocks.install()
        local tk = timekit.new {
          app_key = "test_key", transport = scripted.new { unsent, answer(200, '{"data":1}') },
        }
        local data, info = tk:request(method, "/x")
        clock:remove()
        assert.same({ 1, 2 }, { data, info.attempts })
      end
    end
  end)

  it("has the errors of everything else, without the key", function()
    for status, kind in pairs { [401] = "auth", [403] = "auth", [404] = "not_found", [422] = "validation" } do
      local none, err = client(answer(status, '{"error":"not with test_key_83"}')):request("PUT", "/x")
      assert.is_nil(none)
      assert.same({ kind, "yes", status }, { err.kind, err.sent, err.status })
    end
    local transport = scripted.new { answer(403, '{"error":"no such key: live_key_83"}') }
    local tk = timekit.new { app_key = "live_key_83", transport = transport }
    local _, err = tk:request("GET", "/x")
    assert.is_nil(tostring(err):find("live_key_83", 1, true))
    _, err = tk:request("POST", "/x", { body = { text = ("x"):rep(2 ^ 20) } })
    assert.same({ "input", "no" }, { err.kind, err.sent })
  end)

  it("tells hooks its route without ids", function()
    local seen
    local tk = timekit.new {
      app_key = "test_key", transport = scripted.new { answer(204) },
      before = function(event) seen = { event.method, event.route } end,
    }
    assert(tk:request("DELETE", "/bookings/58190fc6-1ec0-4ebb-b627-7ce6aa9fc703/x"))
    assert.same({ "DELETE", "/bookings/{id}/x" }, seen)
  end)

  it("never becomes another one", function()
    local tk, transport = client()
    for _, path in ipairs {
      "", "/", "bookings", "//host/x", "/a//b", "/a/", "/..", "/a/../b", "/./a", "/%2e%2e/a", "/%2E./a", "/a?b=c",
      "/a#b", "/a\r\nX: 1", "/a\0", "/a%0d%0aX", "/a%00", "/a%", "/a%2", "/a%zz", "/a\\b", "/%5c..", "http://host/",
      "/" .. ("x"):rep(5000),
    } do
      assert.matches("^client:request: path: ", blame(function() tk:request("GET", path) end, path))
    end
    for _, path in ipairs { 7, {}, true, print } do
      assert.matches("^client:request: path: expected", blame(function() tk:request("GET", path) end))
    end
    assert.matches("^client:request: path: expected", blame(function() tk:request("GET") end))
    for _, method in ipairs { "get", "HEAD", "GET /x HTTP/1.1\r\n", "", 7, {} } do
      assert.matches("^client:request: method: expected", blame(function() tk:request(method, "/x") end))
    end
    for _, headers in ipairs {
      { Authorization = "Basic eDp5" }, { AUTHORIZATION = "x" }, { Host = "evil" }, { ["Content-Length"] = "0" },
      { ["Transfer-Encoding"] = "chunked" }, { ["X\r\nY"] = "1" }, { ["X:"] = "1" }, { [""] = "1" }, { "x" },
      { X = "a\r\nY: b" }, { X = "a\0" }, { X = "" }, { X = " a" }, { X = 7 }, { X = "1", x = "2" }, { Cookie = "a=b" },
    } do
      assert.matches("^client:request: headers: ", blame(function() tk:request("GET", "/x", { headers = headers }) end))
    end
    for _, query in ipairs {
      "a=b", { "x" }, { [""] = 1 }, { a = { {} } }, { a = { b = 1 } }, { a = print }, { a = 0 / 0 }, { ["a\n"] = 1 },
    } do
      assert.matches("^client:request: query: ", blame(function() tk:request("GET", "/x", { query = query }) end))
    end
    assert.matches("query: include is an option of its own",
      blame(function() tk:request("GET", "/x", { query = { include = "a" }, include = "b" }) end), 1, true)
    assert.matches("body: a GET has none", blame(function() tk:request("GET", "/x", { body = {} }) end), 1, true)
    assert.matches("body.f", blame(function() tk:request("PUT", "/x", { body = { f = print } }) end), 1, true)
    assert.matches("body: expected a table", blame(function() tk:request("PUT", "/x", { body = "{}" }) end), 1, true)
    assert.matches("unknown option 'qeury'", blame(function() tk:request("GET", "/x", { qeury = {} }) end), 1, true)
    assert.equal(0, #transport.requests)
  end)

  it("replaces the client's headers by its own, over HTTP", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(20)
    local _, port = listener:getsockname()
    local tk = timekit.new {
      app_key = "test_key", base_url = ("http://127.0.0.1:%d"):format(port), timezone = "Europe/Paris", timeout = 20,
    }
    local call = tk:start(function()
      return tk:request("POST", "/x", {
        body = {},
        headers = {
          ["timekit-timezone"] = "Asia/Tokyo", ["user-agent"] = "mine", ACCEPT = "a/b", ["Content-type"] = "c/d",
        },
      })
    end)
    -- The connection is made in the updates, and the backlog takes it.
    while not call:done() and not socket.select({ listener }, nil, 0)[1] do tk:update(0.01) end
    local connection = assert(listener:accept())
    connection:settimeout(0)
    local received = ""
    while not received:find("\r\n\r\n{}", 1, true) and not call:done() do
      tk:update(0.01)
      local all, _, part = connection:receive(65536)
      received = received .. (all or part)
    end
    connection:send("HTTP/1.1 204 No Content\r\n\r\n")
    while not call:done() do tk:update(1) end
    assert.equal(core.null, (call:result()))
    local found = {}
    for name, value in received:gmatch("\n([%w-]+): ?([^\r]*)") do
      local lower = name:lower()
      assert.is_nil(found[lower], lower)
      found[lower] = value
    end
    assert.same({ "Asia/Tokyo", "mine", "a/b", "c/d", "Basic OnRlc3Rfa2V5" },
      { found["timekit-timezone"], found["user-agent"], found.accept, found["content-type"], found.authorization })
    connection:close()
    listener:close()
    tk:close()
  end)

  it("keeps what may stand in a path", function()
    local tk, transport = client(answer(204), answer(204))
    assert(tk:request("GET", "/a%2Fb/c:d@e,f;g=1/...x/~y"))
    assert(tk:request("GET", "/\195\169/\"<>|"))
    assert.same({ "/a%2Fb/c:d@e,f;g=1/...x/~y", "/%C3%A9/%22%3C%3E%7C" }, targets(transport))
  end)
end)
