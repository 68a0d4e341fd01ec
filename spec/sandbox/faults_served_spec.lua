local cases = require "spec.support.fault_cases"
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local transport = require "timekit.transport.core"

local read = server.read

local CREATE = [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]
local CREATED, CONFIRMED = { "create:tentative" }, { "create:tentative", "confirm:confirmed" }

describe("faults over HTTP", function()
  local served, connection, id

  setup(function() served = server.start() end)
  teardown(function() served:close() end)

  before_each(function()
    assert.equal(200, (served:request("POST", "/_sandbox/reset")))
    local _, created = served:request("POST", "/v2/bookings", CREATE)
    id = created.data.id
    connection = transport:connect { base_url = served.url, username = "", password = "test_api_key" }
  end)
  after_each(function() connection:close() end)

  local function plan(...)
    local body = assert(core.encode { faults = core.array { ... } })
    local status, answer = served:request("POST", "/_sandbox/faults", body)
    assert.equal(200, status, answer.error)
  end

  local function confirm_path()
    return ("/v2/bookings/%s/confirm"):format(id)
  end

  local function start(method, target, timeout)
    return connection:start { method = method, target = target, body = method == "PUT" and "{}" or nil,
      timeout = timeout or 20 }
  end

  local function finish(transfer)
    while not transfer:done() do connection:wait(20) end
    return transfer:result()
  end

  local function confirm(timeout)
    return finish(start("PUT", ("/bookings/%s/confirm"):format(id), timeout))
  end

  local function show()
    return finish(start("GET", "/bookings/" .. id))
  end

  local function history()
    local _, bookings = served:request("GET", "/_sandbox/bookings")
    local texts = {}
    for index, step in ipairs(bookings.data[1].history) do texts[index] = step.action .. ":" .. step.to end
    return texts
  end

  local function requests()
    local _, answer = served:request("GET", "/_sandbox/requests")
    return answer.data
  end

  for name, case in pairs(cases) do
    it("of the kind " .. name .. " do on the wire what they do in the process", function()
      -- So that the fault hits a connection that was used before.
      assert.equal(200, show().status)
      plan(case.fault)
      local outcome = confirm(case.timeout)
      assert.equal(case.failure, (outcome.failure or {}).kind)
      assert.equal(case.status, outcome.status)
      assert.equal(case.sent, outcome.sent)
      if case.body then assert.matches(case.body, outcome.body) end
      for header, value in pairs(case.headers or {}) do assert.equal(value, outcome.headers[header]) end
      assert.same(case.applied and CONFIRMED or CREATED, history())

      assert.equal(200, show().status)
      local entry
      for _, request in ipairs(requests()) do
        if request.method == "PUT" then entry = request else assert.is_nil(request.fault) end
      end
      assert.equal(case.fault.what, entry.fault.what)
      local carried_out = case.applied or case.fault.what == "late"
      assert.equal(carried_out and 200 or nil, entry.status)
      assert.same(carried_out and CONFIRMED or CREATED, history())
    end)
  end

  it("are the client's to deal with", function()
    local timekit = require "timekit"
    local tk = timekit.new { app_key = "test_api_key_1", base_url = served.url, uncertain = "report" }
    plan { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    local none, err = tk:booking(id):action("confirm")
    assert.is_nil(none)
    assert.equal("uncertain", err.kind)
    assert.equal("network", err.cause.kind)
    assert.same(CONFIRMED, history())
    tk:close()
  end)

  it("keep a connection where nothing is wrong with it", function()
    local raw = served:connect()
    plan({ what = "status", status = 500 }, { what = "status", status = 204 }, { what = "garbage", body = "" },
      { what = "stall", seconds = 0.01 }, { what = "status", status = 304, headers = { etag = "x" } })
    for _, status in ipairs { 500, 204, 200, 200, 304, 200 } do
      raw:send(server.request_text("GET", "/v2/bookings"))
      assert.equal(status, read(raw).status)
    end
    plan { what = "status", status = 503, body = "x" }
    raw:send(server.request_text("HEAD", "/v2/bookings"))
    local answer = read(raw, true)
    assert.equal(503, answer.status)
    assert.equal("1", answer.headers["content-length"])
    raw:send(server.request_text("HEAD", "/v2/bookings"))
    assert.equal(200, read(raw, true).status)
    raw:close()
  end)

  it("end a connection without a byte, or in the middle of a body", function()
    for _, version in ipairs { "1.0", "1.1" } do
      for _, when in ipairs { "before", "after" } do
        plan({ what = "close", when = when }, { what = "truncate", when = when, body = "0123456789" },
          { what = "truncate", when = when })
        local function ask(method)
          local raw = served:connect()
          raw:send(("%s /v2/bookings HTTP/%s\r\n%s\r\n"):format(method, version, server.AUTH))
          local text, problem, part = raw:receive("*a")
          raw:close()
          assert(text or problem == "closed", problem)
          return text or part
        end
        assert.equal("", ask("GET"))
        local head, body = ask("GET"):match("^(.-\r\n)\r\n(.*)$")
        assert.matches("^HTTP/" .. version .. " 200 OK\r\n", head)
        assert.matches("\r\ncontent%-length: 10\r\n", head)
        assert.equal("01234", body)
        assert.equal("", ask("HEAD"))
      end
    end
  end)

  it("hold only the connection that they hit", function()
    plan({ match = "PUT /v2/bookings/*/confirm", what = "stall", times = 2 })
    local raw, transfer = served:connect(), start("PUT", ("/bookings/%s/confirm"):format(id))
    raw:send(server.request_text("PUT", confirm_path(), "{}"))
    -- It has arrived once the plan is used up.
    local planned
    repeat
      connection:step()
      planned = select(2, served:request("GET", "/_sandbox/faults")).data
    until #planned == 0
    for _ = 1, 5 do assert.equal(200, (served:request("GET", "/v2/bookings"))) end
    assert.equal(200, (served:request("PUT", confirm_path(), "{}")))
    assert.is_false(transfer:done())
    raw:settimeout(0)
    assert.equal("timeout", select(2, raw:receive(1)))
    raw:close()
    transfer:cancel()
    assert.equal("cancelled", transfer:result().failure.kind)
    assert.same(CONFIRMED, history())
  end)

  it("drop a request whose client went away while it was stalled", function()
    plan({ match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.5 },
      { match = "GET /v2/bookings", what = "stall", seconds = 0.51 })
    local raw = served:connect()
    raw:send(server.request_text("PUT", confirm_path(), "{}"))
    raw:close()
    -- Its time is over when this one's is, which came after it.
    repeat until #requests() == 2
    assert.equal(200, (served:request("GET", "/v2/bookings")))
    assert.same(CREATED, history())
  end)

  it("keep the order of requests that were sent at once", function()
    plan({ match = "GET /v2/bookings", what = "stall", seconds = 0.5 },
      { match = "GET /v2/bookings/b", what = "close" })
    local raw = served:connect()
    raw:send(server.request_text("GET", "/v2/bookings") .. server.request_text("GET", "/v2/bookings/a")
      .. server.request_text("GET", "/v2/bookings/b") .. server.request_text("GET", "/v2/bookings/c"))
    assert.equal(200, read(raw).status)
    assert.equal(404, read(raw).status)
    assert.is_nil(read(raw))
    raw:close()
    local targets = {}
    for index, entry in ipairs(requests()) do targets[index] = entry.target:match("/bookings(.*)") end
    assert.same({ "", "", "/a", "/b" }, targets)
    plan { what = "stall", seconds = 0.05 }
    raw = served:connect()
    raw:send(server.request_text("GET", "/v2/bookings") .. "PUT / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
    assert.equal(200, read(raw).status)
    assert.equal(413, read(raw).status)
    raw:close()
  end)

  it("have nothing to complain about, however it ends", function()
    local errors = os.tmpname()
    local other = server.start(nil, "2> " .. errors)
    for _, case in pairs(cases) do
      for _, keep in ipairs { true, false } do
        other:request("POST", "/_sandbox/faults", assert(core.encode(case.fault)))
        local raw = other:connect()
        raw:send(server.request_text("GET", "/v2/bookings"):rep(keep and 2 or 1))
        if keep then raw:shutdown("send") end
        raw:settimeout(0.01)
        raw:receive("*a")
        raw:close()
      end
    end
    -- A client that goes away while its second request, or a part of it, waits for the first one.
    for _, second in ipairs {
      server.request_text("GET", "/v2/bookings/b"), "GET /v2/boo", "PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}",
      "PUT / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
    } do
      other:request("POST", "/_sandbox/reset")
      other:request("POST", "/_sandbox/faults", '{"what":"stall","times":2}')
      local raw = other:connect()
      raw:send(server.request_text("GET", "/v2/bookings/a") .. second)
      local deadline = core.now() + 20
      repeat
        assert(core.now() < deadline, "the sandbox has not seen the request")
      until #select(2, other:request("GET", "/_sandbox/requests")).data == 1
      raw:close()
    end
    assert.equal(200, (other:request("GET", "/_sandbox/health")))
    other:close()
    local file = assert(io.open(errors))
    assert.equal("", file:read("*a"))
    file:close()
    os.remove(errors)
  end)

  describe("are planned by", function()
    it("one object, or a list of them", function()
      local status, answer = served:request("POST", "/_sandbox/faults",
        '{"match":"PUT /v2/bookings/*/confirm","when":"after","what":"close","times":"always"}')
      assert.equal(200, status)
      local first = { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close", times = "always" }
      assert.same({ data = { first } }, answer)
      status, answer = served:request("POST", "/_sandbox/faults",
        '{"faults":[{"what":"late","after_requests":2},{"what":"status","status":500,"headers":{"a":"b"}}]}')
      assert.equal(200, status)
      local planned = {
        first,
        { what = "late", when = "before", times = 1, after_requests = 2 },
        { what = "status", when = "before", status = 500, headers = { a = "b" }, times = 1 },
      }
      assert.same({ data = planned }, answer)
      for _ = 1, 3 do
        confirm()
        answer = select(2, served:request("GET", "/_sandbox/faults"))
        assert.same({ data = planned }, answer)
      end
      status, answer = served:request("DELETE", "/_sandbox/faults")
      assert.equal(200, status)
      assert.same({ data = {} }, answer)
      assert.equal(200, show().status)
    end)

    it("nothing that is wrong, and then none of a list", function()
      for body, expected in pairs {
        [""] = { 400, "expected a JSON object" },
        ["[]"] = { 400, "expected a JSON object" },
        ["{}"] = { 422, "^fault.what: required$" },
        ['{"waht":"close"}'] = { 422, "fault.waht: unknown, did you mean 'what'?" },
        ['{"what":"refuse"}'] = { 422, "^fault.what: 'refuse' is possible only in the process$" },
        ['{"what":"close","times":"allways"}'] = { 422, "fault.times: expected a number, got a string" },
        ['{"what":"close","match":null}'] = { 422, "fault.match: expected a string, got null" },
        ['{"faults":{"what":"close"}}'] = { 422, "faults: expected a list" },
        ['{"faults":[],"what":"close"}'] = { 422, "nothing beside it" },
        ['{"faults":[{"what":"close"},7]}'] = { 422, "^faults%[2%]: expected a table, got a number$" },
        ['{"faults":[{"what":"close"},{"what":"stall","seconds":0}]}'] = { 422, "^faults%[2%].seconds: expected" },
      } do
        local status, answer = served:request("POST", "/_sandbox/faults", body)
        assert.equal(expected[1], status, body)
        assert.matches(expected[2], answer.error)
      end
      assert.same({ data = {} }, select(2, served:request("GET", "/_sandbox/faults")))
      assert.equal(405, (served:request("PUT", "/_sandbox/faults", "{}")))
    end)

    it("nobody who resets the box", function()
      plan { what = "close", times = 5 }
      served:request("POST", "/_sandbox/reset")
      assert.equal(200, (served:request("GET", "/v2/bookings")))
    end)

    it("somebody whose own requests never meet one", function()
      plan { what = "close", times = 1000000 }
      for _, name in ipairs { "health", "clock", "faults", "requests", "bookings" } do
        assert.equal(200, (served:request("GET", "/_sandbox/" .. name)))
      end
    end)
  end)
end)
