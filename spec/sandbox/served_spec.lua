local core = require "timekit.core"
local process = require "spec.support.process"
local server = require "spec.support.sandbox_server"

local AUTH, request, read = server.AUTH, server.request_text, server.read

local CREATE = [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]

describe("the sandbox over HTTP", function()
  local served

  setup(function() served = server.start() end)
  teardown(function() served:close() end)
  before_each(function() assert.equal(200, (served:request("POST", "/_sandbox/reset"))) end)

  local function is_alive()
    local status, answer = served:request("GET", "/_sandbox/health")
    assert.equal(200, status)
    assert.same({ data = { status = "ok" } }, answer)
  end

  it("prints its address first", function()
    assert.matches("^timekit sandbox on http://127%.0%.0%.1:%d+/v2$", served.line)
  end)

  it("performs actions", function()
    local status, created = served:request("POST", "/v2/bookings?include=available_actions", CREATE)
    assert.equal(201, status)
    assert.same({ "confirm", "decline" }, created.data.available_actions)
    local path = ("/v2/bookings/%s/decline"):format(created.data.id)
    local declined
    status, declined = served:request("PUT", path, '{"decline":{"message":"Fully booked"}}')
    assert.equal(200, status)
    assert.equal("declined", declined.data.state)
    local _, refused = served:request("PUT", path, "{}")
    assert.same({ error = "Cannot apply action 'decline' to current state 'declined'" }, refused)
  end)

  it("serves the client", function()
    local timekit = require "timekit"
    local tk = timekit.new { app_key = "test_api_key_1", base_url = served.url }
    local booking = assert(tk:create_booking(core.decode(CREATE)))
    assert.equal("confirmed", assert(tk:booking(booking.id):action("confirm")).state)
    local _, err = tk:booking(booking.id):action("decline", { message = "x" })
    assert.equal("transition", err.kind)
    tk:close()
  end)

  it("keeps connections", function()
    local connection = served:connect()
    for _ = 1, 20 do
      connection:send(request("POST", "/v2/bookings", CREATE))
      assert.equal(201, read(connection).status)
      connection:send(request("HEAD", "/v2/bookings"))
      local head = read(connection, true)
      assert.equal(200, head.status)
      assert.is_true(tonumber(head.headers["content-length"]) > 0)
      connection:send(request("GET", "/v2/nothing"))
      assert.equal(404, read(connection).status)
    end
    connection:close()
    local _, listed = served:request("GET", "/v2/bookings")
    assert.equal(20, listed.total)
  end)

  it("answers requests sent at once in their order", function()
    local connection = served:connect()
    local texts = {}
    for index = 1, 30 do texts[index] = request("GET", "/v2/bookings?limit=" .. index) end
    connection:send(table.concat(texts))
    for index = 1, 30 do assert.equal(tostring(index), core.decode(read(connection).body).per_page) end
    connection:close()
  end)

  it("closes a connection when asked to, and after HTTP/1.0", function()
    for version, header in pairs { ["1.1"] = "Connection: close\r\n", ["1.0"] = "" } do
      local connection = served:connect()
      connection:send(("GET /v2/bookings HTTP/%s\r\n%s%s\r\n"):format(version, AUTH, header))
      local answer = read(connection)
      assert.equal(200, answer.status)
      assert.equal(version, answer.version)
      assert.is_nil(read(connection))
      connection:close()
    end
  end)

  it("reads chunked bodies, and waits for none without being told to send it", function()
    local connection = served:connect()
    local head = ("POST /v2/bookings HTTP/1.1\r\nHost: 127.0.0.1\r\n%sTransfer-Encoding: chunked\r\n\r\n"):format(AUTH)
    connection:send(head .. ("%x\r\n%s\r\n"):format(10, CREATE:sub(1, 10)))
    connection:send(("%x\r\n%s\r\n0\r\n\r\n"):format(#CREATE - 10, CREATE:sub(11)))
    assert.equal(201, read(connection).status)
    connection:send(("POST /v2/bookings HTTP/1.1\r\n%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"):format(
      AUTH, #CREATE))
    assert.equal(100, read(connection).status)
    connection:send(CREATE)
    assert.equal(201, read(connection).status)
    connection:close()
  end)

  it("answers unknown methods", function()
    local connection = served:connect()
    for _, method in ipairs { "BREW", "DELETE", "PATCH", "OPTIONS", "TRACE" } do
      connection:send(request(method, "/v2/bookings"))
      local answer = read(connection)
      assert.equal(405, answer.status)
      assert.equal("GET, HEAD, POST", answer.headers.allow)
    end
    connection:close()
  end)

  it("checks keys, and sends Timekit's headers", function()
    local connection = served:connect()
    connection:send("GET /v2/bookings HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert.equal(401, read(connection).status)
    connection:send(request("GET", "/v2/bookings"))
    local answer = read(connection)
    assert.equal("true", answer.headers["timekit-testmode"])
    assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", answer.headers["timekit-request-id"])
    assert.matches("^%d+$", answer.headers["x-ratelimit-remaining"])
    connection:close()
  end)

  it("gives addresses of pages where it is reached", function()
    for _ = 1, 2 do served:request("POST", "/v2/bookings", CREATE) end
    local _, listed = served:request("GET", "/v2/bookings?limit=1")
    assert.equal(served.url .. "/bookings?limit=1&page=2", listed.next_page_url)
  end)

  describe("refuses", function()
    -- Sends it, and reads the answer, which must be the last.
    local function refused(text)
      local connection = served:connect()
      connection:send(text)
      local answer = read(connection)
      if answer then assert.is_nil(read(connection)) end
      connection:close()
      return answer
    end

    local POST = "POST /v2/bookings HTTP/1.1\r\n" .. AUTH

    it("what is not HTTP, and lives on", function()
      for _, text in ipairs {
        "hello\r\n\r\n", "\22\3\1\2\0\1\0\1\252\3\3 xx\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n", "GET /v2/bookings HTTP/1.1\n\n", "M-SEARCH / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nfoo bar\r\n\r\n",
        "GET / HTTP/1.1\r\nfoo : bar\r\n\r\n", "GET / HTTP/1.1\r\nfoo: " .. ("a"):rep(100000) .. "\r\n\r\n",
        "GET /" .. ("a"):rep(100000) .. " HTTP/1.1\r\n\r\n", POST .. "Content-Length: -5\r\n\r\nhello",
        POST .. "Content-Length: abc\r\n\r\nhello", POST .. "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        POST .. "Transfer-Encoding: ,,\r\n\r\nhello", POST .. "Transfer-Encoding: gzip\r\n\r\nhello",
        POST .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
      } do
        local answer = refused(text)
        assert.equal(400, answer.status)
        assert.equal("string", type(core.decode(answer.body).error))
        is_alive()
      end
    end)

    it("too many headers", function()
      assert.equal(431, refused("GET / HTTP/1.1\r\n" .. ("a: b\r\n"):rep(300) .. "\r\n").status)
      is_alive()
    end)

    it("bodies beyond a mebibyte", function()
      local large = ("x"):rep(1024 * 1024 + 1)
      local chunk = ("%x\r\n%s\r\n"):format(#large - 1, large:sub(2))
      for _, text in ipairs {
        POST .. ("Content-Length: %d\r\n\r\n"):format(#large) .. large,
        POST .. "Content-Length: 99999999999999999999\r\n\r\nx",
        POST .. "Transfer-Encoding: chunked\r\n\r\n" .. chunk .. chunk .. "0\r\n\r\n",
        POST .. "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" .. large:rep(3),
      } do
        assert.equal(413, refused(text).status)
        is_alive()
      end
    end)

    it("no body of a mebibyte", function()
      local body = '{"x":"' .. ("x"):rep(1024 * 1024 - 8) .. '"}'
      assert.equal(422, (served:request("POST", "/v2/bookings", body)))
    end)

    it("to do anything for a request that broke off", function()
      local _, created = served:request("POST", "/v2/bookings", CREATE)
      local text = request("PUT", ("/v2/bookings/%s/confirm"):format(created.data.id), '{"confirm":{}}')
      for length = 1, #text - 1, 7 do
        local connection = served:connect()
        connection:send(text:sub(1, length))
        connection:shutdown("send")
        local answer = read(connection)
        assert.is_true(answer == nil or answer.status == 400)
        connection:close()
      end
      local _, shown = served:request("GET", "/v2/bookings/" .. created.data.id)
      assert.equal("tentative", shown.data.state)
    end)
  end)

  describe("is controlled by", function()
    it("the clock", function()
      local body = CREATE:gsub("confirm_decline", "instant_payment")
      local _, created = served:request("POST", "/v2/bookings", body)
      local _, before = served:request("GET", "/_sandbox/clock")
      local status, moved = served:request("POST", "/_sandbox/clock", '{"advance":3600}')
      assert.equal(200, status)
      assert.is_true(moved.data.now >= before.data.now + 3600)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%+0000$", moved.data.time)
      assert.equal(1, #moved.data.played)
      assert.equal("timeout", moved.data.played[1].action)
      local _, shown = served:request("GET", "/v2/bookings/" .. created.data.id)
      assert.equal("unpaid", shown.data.state)
    end)

    it("the clock, which refuses nonsense", function()
      for body, status in pairs {
        ["{}"] = 422, ['{"advance":-1}'] = 422, ['{"advance":"x"}'] = 422, ['{"advance":1e300}'] = 422,
        ['{"advnce":1}'] = 422, ["[1]"] = 400, ["{"] = 400, [""] = 400,
      } do
        assert.equal(status, (served:request("POST", "/_sandbox/clock", body)), body)
      end
      local _, answer = served:request("POST", "/_sandbox/clock", '{"advnce":1}')
      assert.matches("did you mean 'advance'", answer.errors.advnce[1], 1, true)
    end)

    it("the requests and the bookings", function()
      local _, created = served:request("POST", "/v2/bookings", CREATE)
      served:request("PUT", ("/v2/bookings/%s/confirm"):format(created.data.id), "{}")
      served:request("GET", "/v2/bookings/\255")
      local connection = served:connect()
      connection:send("GET /_sandbox/requests HTTP/1.1\r\n\r\n")
      local answer = read(connection)
      connection:close()
      assert.is_nil(answer.body:find("test_api_key", 1, true))
      local requests = core.decode(answer.body).data
      assert.equal(3, #requests)
      assert.equal("PUT", requests[2].method)
      assert.equal(200, requests[2].status)
      assert.equal(400, requests[3].status)
      local _, bookings = served:request("GET", "/_sandbox/bookings")
      assert.equal("confirm", bookings.data[1].history[2].action)
      served:request("POST", "/_sandbox/reset")
      _, bookings = served:request("GET", "/_sandbox/bookings")
      assert.same({ data = {} }, bookings)
    end)

    it("nothing else", function()
      local status, answer = served:request("GET", "/_sandbox/helth")
      assert.equal(404, status)
      assert.matches("did you mean 'health'", answer.error, 1, true)
      assert.equal(405, (served:request("GET", "/_sandbox/reset")))
      assert.equal(200, (served:request("HEAD", "/_sandbox/health")))
    end)
  end)
end)

describe("the sandbox's program", function()
  -- What it says and how it ends, when it does so by itself.
  local function run(environment, before, input)
    local pipe = io.popen(("timeout 20 %s < %s 2>&1; echo status $?"):format(
      server.command(environment, before), input or "/dev/null"))
    local output = pipe:read("*a")
    pipe:close()
    return output
  end

  it("takes only the key that it is given", function()
    for environment, expected in pairs {
      ["KEY=test_api_key_1"] = 200, ["TIMEKIT_APP_KEY=test_api_key_1"] = 200, ["KEY= TIMEKIT_APP_KEY="] = 200,
      ["KEY=other TIMEKIT_APP_KEY=test_api_key_1"] = 401, ["TIMEKIT_APP_KEY=other"] = 401,
    } do
      local served = server.start(environment)
      assert.equal(expected, (served:request("GET", "/v2/bookings")))
      served:close()
    end
  end)

  -- With its process id on a line before its own first one.
  local function start_signalled(redirection)
    local program = process.start(("sh -c 'echo $$; exec %s %s'"):format(
      server.command("PORT=0"):gsub("'", "'\\''"), redirection or ""))
    local port = program:read():match(":(%d+)/v2$")
    return program, program.line, setmetatable({ port = port, host = "127.0.0.1:" .. port }, server)
  end

  it("ends when it is told to, by either signal", function()
    for _, signal in ipairs { "INT", "TERM" } do
      local program, pid, served = start_signalled()
      assert.equal(200, (served:request("GET", "/v2/bookings")))
      local idle = served:connect()
      assert(os.execute(("kill -%s %s"):format(signal, pid)))
      assert.equal(("console for people on http://%s/"):format(served.host), program:read())
      assert.is_nil(program:read())
      idle:close()
      program:close()
    end
  end)

  it("goes on without a standard input", function()
    local program, pid, served = start_signalled("< /dev/null")
    for _ = 1, 3 do assert.equal(200, (served:request("GET", "/v2/bookings"))) end
    assert(os.execute("kill " .. pid))
    program:close()
  end)

  it("ends with its standard input when asked to, whatever that is", function()
    for _, input in ipairs { "/dev/null", "Makefile" } do
      local output = run("PORT=0 UNTIL_EOF=1", nil, input)
      assert.matches("status 0", output)
    end
  end)

  it("has nothing to complain about when clients break off", function()
    local errors = os.tmpname()
    local served = server.start(nil, "2> " .. errors)
    local text = "\r\n" .. request("POST", "/v2/bookings", CREATE)
    for length = 2, #text - 1, 3 do
      local connection = served:connect()
      connection:send(text:sub(1, length))
      if length % 2 == 0 then
        connection:shutdown("send")
        read(connection)
      end
      connection:close()
    end
    assert.equal(200, (served:request("GET", "/_sandbox/health")))
    served:close()
    local file = assert(io.open(errors))
    assert.equal("", file:read("*a"))
    file:close()
    os.remove(errors)
  end)

  it("says why it cannot serve", function()
    local served = server.start()
    local output = run("PORT=" .. served.port)
    served:close()
    assert.matches("cannot listen on 127.0.0.1:" .. served.port .. ": .*in use", output)
    assert.matches("status 1", output)
    for _, port in ipairs { "x", "65536", "-1", "1.5" } do
      output = run("PORT=" .. port)
      assert.matches("PORT: expected a number up to 65535, got " .. port, output, 1, true)
      assert.matches("status 1", output)
    end
  end)

  it("says which package is missing", function()
    local output = run("PORT=0", [[package.preload["http.server"] = function() error("nowhere to be found") end]])
    assert.matches("apt-get install lua-http", output, 1, true)
    assert.matches("nowhere to be found", output, 1, true)
    assert.matches("status 1", output)
  end)
end)

describe("sandbox.server.serve", function()
  it("raises for wrong options", function()
    local serve = require("timekit.sandbox.server").serve
    assert.has_error(function() serve { prot = 1 } end, "prot: unknown, did you mean 'port'?")
    assert.has_error(function() serve { port = "1" } end, "port: expected an integer, got a string")
  end)
end)
