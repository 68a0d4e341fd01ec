local cases = require "spec.support.fault_cases"
local core = require "timekit.core"
local support = require "spec.support.box"

local CREATED, CONFIRMED = { "create:tentative:api" }, { "create:tentative:api", "confirm:confirmed:api" }

local api, box, connection, id

local function connect()
  return box:connect { base_url = "https://api.timekit.io/v2", username = "", password = "test_api_key", headers = {} }
end

before_each(function()
  api = support.new()
  box = api.box
  connection = connect()
  id = api:create("confirm_decline")
end)

local function start(method, target, timeout)
  return connection:start { method = method, target = target, body = method == "PUT" and "{}" or nil,
    timeout = timeout or 30 }
end

local function send(method, target, timeout)
  local transfer = start(method, target, timeout)
  if not transfer:done() then connection:wait(60) end
  assert.is_true(transfer:done())
  return transfer:result()
end

local function confirm(timeout)
  return send("PUT", ("/bookings/%s/confirm"):format(id), timeout)
end

local function show()
  return send("GET", "/bookings/" .. id)
end

describe("a fault", function()
  for name, case in pairs(cases) do
    it("of the kind " .. name .. " gives its outcome, and is told of", function()
      box:fault(case.fault)
      local outcome = confirm(case.timeout)
      assert.equal(case.status, outcome.status)
      assert.equal(case.failure, (outcome.failure or {}).kind)
      if outcome.failure then assert.matches("^[^\n]+ %(a planned fault%)$", outcome.failure.message) end
      assert.equal(case.sent, outcome.sent)
      assert.equal(case.body == nil, outcome.body == nil)
      if case.body then assert.matches(case.body, outcome.body) end
      for header, value in pairs(case.headers or {}) do assert.equal(value, outcome.headers[header]) end
      assert.same(case.applied and CONFIRMED or CREATED, api:history(id))
      assert.same({}, box:faults())

      assert.equal(200, show().status)
      local entry
      for _, request in ipairs(box:requests()) do
        if request.method == "PUT" then entry = request else assert.is_nil(request.fault) end
      end
      assert.equal(case.fault.what, entry.fault.what)
      assert.equal(case.fault.when or "before", entry.fault.when)
      local carried_out = case.applied or case.fault.what == "late"
      assert.equal(carried_out and 200 or nil, entry.status)
      assert.same(carried_out and CONFIRMED or CREATED, api:history(id))
    end)
  end

  it("is met once unless it is to be met more often", function()
    for _, times in ipairs { 1, 3, math.huge } do
      box:fault { match = "PUT /v2/bookings/*/confirm", what = "status", status = 500, times = times }
      for _ = 1, math.min(times, 50) do assert.equal(500, confirm().status) end
      box:clear_faults()
      assert.equal(200, show().status)
    end
    assert.same(CREATED, api:history(id))
    box:fault { what = "status", status = 500, times = 2 }
    show()
    assert.equal(1, box:faults()[1].times)
    show()
    assert.same({}, box:faults())
    assert.equal(200, confirm().status)
  end)

  it("is chosen in the order of the plan, among those that match", function()
    local function plan(match, status) box:fault { match = match, what = "status", status = status } end
    plan("PUT /v2/bookings/*/decline", 501)
    plan("PUT /v2/bookings/" .. id .. "/confirm", 502)
    plan("* /v2/bookings/*/confirm", 503)
    plan("PUT /v2/bookings/*/*", 504)
    plan(nil, 505)
    plan("GET /v2/bookings", 506)
    local seen = {}
    for index = 1, 5 do seen[index] = confirm().status end
    assert.same({ 502, 503, 504, 505, 200 }, seen)
    assert.equal(501, send("PUT", "/bookings/other/decline?include=meta").status)
    assert.equal(506, send("GET", "/bookings?limit=1").status)
    assert.same(CONFIRMED, api:history(id))
  end)

  it("matches whole segments, decoded, and no more and no less of them", function()
    box:fault { match = "GET /v2/bookings/*", what = "status", status = 599, times = math.huge }
    for target, hit in pairs {
      ["/bookings/x"] = true, ["/bookings/x?a=/b"] = true, ["/bookings/"] = true, ["/b%6Fokings/x"] = true,
      ["/bookings"] = false, ["/bookings/x/"] = false, ["/bookings/x/y"] = false, ["/booking/x"] = false,
    } do
      assert.equal(hit, send("GET", target).status == 599, target)
    end
    assert.not_equal(599, send("HEAD", "/bookings/x").status)
    assert.not_equal(599, send("PUT", "/bookings/x").status)
  end)

  it("hits before the key is looked at, or after", function()
    api = support.new { app_key = "another" }
    box = api.box
    connection = connect()
    box:fault { what = "status", status = 500 }
    box:fault { what = "stall", when = "after", seconds = 1 }
    assert.equal(500, show().status)
    assert.equal(401, show().status)
  end)

  it("is listed as it is planned, in copies", function()
    box:fault { what = "late", match = "PUT /v2/bookings/*/confirm" }
    box:fault { what = "status", when = "after", status = 429, headers = { ["Retry-After"] = 1.0 }, times = math.huge }
    box:fault { what = "stall", seconds = math.huge }
    local planned = {
      { what = "late", when = "before", match = "PUT /v2/bookings/*/confirm", times = 1, after_requests = 1 },
      { what = "status", when = "after", status = 429, headers = { ["retry-after"] = "1" }, times = math.huge },
      { what = "stall", when = "before", times = 1 },
    }
    local listed = box:faults()
    assert.same(planned, listed)
    listed[1].what, listed[2].headers["retry-after"] = "close", "9"
    assert.same(planned, box:faults())
    box:reset()
    assert.same({}, box:faults())
    assert.equal(200, send("GET", "/bookings").status)
  end)

  it("is a copy of what was given", function()
    local fault = { what = "status", status = 500, headers = { a = "b" } }
    box:fault(fault)
    fault.status, fault.headers.a = 501, "c"
    local outcome = show()
    assert.equal(500, outcome.status)
    assert.equal("b", outcome.headers.a)
    box:fault(fault)
    assert.same({ what = "status", status = 501, headers = { a = "c" } }, fault)
  end)

  it("leaves an answer's usual headers, and says how long the body was to be", function()
    box:fault { what = "truncate", when = "after" }
    local outcome = confirm()
    assert.equal(math.floor(outcome.headers["content-length"] / 2), #outcome.body)
    assert.equal("application/json", outcome.headers["content-type"])
    local requests = box:requests()
    assert.equal(requests[#requests].request_id, outcome.headers["timekit-request-id"])
    box:fault { what = "garbage" }
    outcome = show()
    assert.equal("text/html", outcome.headers["content-type"])
    requests = box:requests()
    assert.equal(requests[#requests].request_id, outcome.headers["timekit-request-id"])
  end)

  it("answers HEAD without a body", function()
    box:fault { what = "status", status = 500 }
    box:fault { what = "truncate", when = "after" }
    local outcome = send("HEAD", "/bookings")
    assert.equal(500, outcome.status)
    assert.equal("", outcome.body)
    outcome = send("HEAD", "/bookings")
    assert.equal("network", outcome.failure.kind)
    assert.equal("maybe", outcome.sent)
  end)

  it("of the kind refuse says that nothing was sent", function()
    show()
    box:fault { what = "refuse" }
    local outcome = confirm()
    assert.equal("network", outcome.failure.kind)
    assert.equal("no", outcome.sent)
    assert.is_false(outcome.reused)
    assert.same(CREATED, api:history(id))
    local requests = box:requests()
    assert.equal("refuse", requests[#requests].fault.what)
    assert.equal(200, confirm().status)
  end)

  it("that loses the connection leaves none to be used again", function()
    assert.is_false(show().reused)
    box:fault { what = "close", when = "after" }
    assert.is_true(show().reused)
    assert.is_false(show().reused)
    box:fault { what = "truncate", when = "after" }
    assert.is_true(show().reused)
    assert.is_false(show().reused)
    box:fault { what = "stall", when = "after", seconds = 1 }
    assert.is_true(show().reused)
    assert.is_true(show().reused)
  end)

  it("shows no key, though a request is on its way", function()
    box:fault { what = "late", after_requests = 5 }
    box:fault { what = "stall" }
    confirm()
    local transfer = start("PUT", "/bookings/x/confirm")
    for _, text in ipairs { "test_api_key", "OnRlc3RfYXBpX2tleQ" } do
      assert.is_false(support.holds(box, text) or support.holds(transfer, text))
    end
  end)

  it("can be had without a connection", function()
    local function handle(method)
      return box:handle { method = method or "PUT", target = ("/v2/bookings/%s/confirm"):format(id),
        headers = { Authorization = support.AUTH } }
    end
    box:fault { what = "close", when = "before" }
    assert.same({ fault = { what = "close", when = "before" } }, handle())
    box:fault { what = "stall", when = "before", seconds = 5 }
    local answer = handle()
    assert.same({ what = "stall", when = "before", seconds = 5 }, answer.fault)
    assert.is_nil(answer.status)
    assert.same(CREATED, api:history(id))
    box:advance(5)
    answer = answer.resume()
    assert.equal(200, answer.status)
    assert.equal("confirmed", core.decode(answer.body).data.state)
    assert.equal(support.NOW + 5, box:bookings()[1].history[2].at)
    local requests = box:requests()
    assert.same({ support.NOW, 200 }, { requests[#requests].at, requests[#requests].status })
  end)
end)

describe("a stalled transfer", function()
  local function stall(fault)
    fault.what = "stall"
    box:fault(fault)
  end

  it("is not done before somebody waits, and then without waiting", function()
    stall { seconds = 3600 }
    local transfer = start("PUT", ("/bookings/%s/confirm"):format(id), 7200)
    assert.is_false(transfer:done())
    assert.is_nil(transfer:result())
    assert.equal(0, connection:timeout())
    assert.same(CREATED, api:history(id))
    local began = core.now()
    connection:wait(0.001)
    assert.is_true(core.now() - began < 60)
    assert.is_true(transfer:done())
    assert.equal(200, transfer:result().status)
    assert.equal(3600, transfer:result().times.total)
    assert.same(CONFIRMED, api:history(id))
    assert.is_nil(connection:timeout())
    assert.equal(support.NOW, box:now())
  end)

  it("keeps no client waiting, however long it lasts", function()
    local tk = require("timekit").new { transport = box, timeout = 3600, uncertain = "report" }
    stall { when = "after" }
    local none, err = tk:booking(id):action("confirm")
    assert.is_nil(none)
    assert.equal("uncertain", err.kind)
    assert.equal("timeout", err.cause.kind)
    assert.is_true(err.elapsed < 60)
    assert.same(CONFIRMED, api:history(id))
    tk:close()
  end)

  it("lasts no longer than the request's timeout", function()
    stall { seconds = 7 }
    stall { seconds = 7 }
    local outcome = show()
    assert.equal(200, outcome.status)
    outcome = send("GET", "/bookings/" .. id, 7)
    assert.equal("timeout", outcome.failure.kind)
    assert.equal(7, outcome.times.total)
    assert.matches("7 seconds", outcome.failure.message)
    assert.is_nil(outcome.status)
  end)

  it("is done in its turn", function()
    stall { seconds = 20 }
    stall { seconds = 5 }
    stall { when = "after" }
    local confirming = start("PUT", ("/bookings/%s/confirm"):format(id), 30)
    local showing = start("GET", "/bookings/" .. id, 30)
    local dropped = start("GET", "/bookings/" .. id, 10)
    local function done() return { showing:done(), dropped:done(), confirming:done() } end
    assert.same({ false, false, false }, done())
    connection:step()
    assert.same({ true, false, false }, done())
    assert.equal("tentative", core.decode(showing:result().body).data.state)
    connection:step()
    assert.same({ true, true, false }, done())
    assert.same(CREATED, api:history(id))
    connection:wait(1)
    assert.same({ true, true, true }, done())
    assert.same(CONFIRMED, api:history(id))
    assert.equal(20, confirming:result().times.total)
  end)

  it("lasts from its start, by the connection's time", function()
    stall { seconds = 20 }
    stall { seconds = 22 }
    stall { seconds = 5 }
    local first, second = start("GET", "/bookings/" .. id), start("GET", "/bookings/" .. id)
    connection:step()
    assert.is_true(first:done())
    local third = start("GET", "/bookings/" .. id)
    connection:step()
    assert.is_true(second:done())
    assert.is_false(third:done())
    connection:step()
    assert.is_true(third:done())
    assert.equal(5, third:result().times.total)
  end)

  it("can be cancelled, and then nothing comes of it", function()
    stall { seconds = 5 }
    stall { seconds = 5, when = "after" }
    local first = start("PUT", ("/bookings/%s/confirm"):format(id))
    first:cancel()
    assert.is_true(first:done())
    assert.equal("cancelled", first:result().failure.kind)
    assert.equal("maybe", first:result().sent)
    connection:step()
    assert.same(CREATED, api:history(id))
    local second = start("PUT", ("/bookings/%s/confirm"):format(id))
    connection:close()
    assert.equal("cancelled", second:result().failure.kind)
    local outcome = second:result()
    second:cancel()
    assert.equal(outcome, second:result())
    assert.same(CONFIRMED, api:history(id))
  end)
end)

describe("a late request", function()
  it("comes after the one that looks", function()
    box:fault { match = "PUT /v2/bookings/*/confirm", what = "late" }
    confirm()
    assert.equal("tentative", core.decode(show().body).data.state)
    assert.same(CONFIRMED, api:history(id))
    assert.equal("confirmed", core.decode(show().body).data.state)
    local methods = {}
    for index, request in ipairs(box:requests()) do methods[index] = request.method end
    assert.same({ "POST", "GET", "PUT", "GET" }, methods)
    assert.same(CONFIRMED, api:history(id))
  end)

  it("comes after as many as it is to, at the time of the last, and is refused if its time has gone", function()
    box:fault { what = "late", after_requests = 3 }
    confirm()
    box:fault { what = "close" }
    show()
    -- Neither has come, so neither counts.
    box:fault { what = "refuse" }
    show()
    box:fault { what = "late", after_requests = 1 }
    send("PUT", ("/bookings/%s/decline"):format(id))
    box:advance(60)
    show()
    local declined = { "create:tentative:api", "decline:declined:api" }
    assert.same(declined, api:history(id))
    assert.equal(support.NOW + 60, box:bookings()[1].history[2].at)
    show()
    assert.same(declined, api:history(id))
    local requests = box:requests()
    assert.same({ "late", "PUT", 422 }, { requests[#requests].fault.what, requests[#requests].method,
      requests[#requests].status })
  end)

  it("comes although faults are forgotten, and not into a box that was reset", function()
    box:fault { what = "late" }
    confirm()
    box:clear_faults()
    show()
    assert.same(CONFIRMED, api:history(id))
    box:fault { what = "late" }
    send("PUT", "/bookings/x/confirm")
    box:reset()
    show()
    show()
    assert.equal(2, #box:requests())
  end)
end)
