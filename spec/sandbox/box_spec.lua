local core = require "timekit.core"
local sandbox = require "timekit.sandbox"
local support = require "spec.support.box"

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

describe("a sandbox", function()
  local api

  before_each(function() api = support.new() end)

  it("gives the same ids for the same seed", function()
    local function three(seed, reads)
      local one = support.new { seed = seed }
      local ids = {}
      for index = 1, 3 do
        ids[index] = one:create("instant")
        for _ = 1, reads or 0 do one:get(ids[index]) end
      end
      return ids, one.box:requests()
    end
    assert.same(three(7), three(7))
    assert.same(three(7), three(7, 3))
    assert.same(three(1), three(nil))
    assert.are_not.same(three(7), three(8))
    local seen = {}
    for seed = 1, 50 do
      local ids, requests = three(seed)
      for index, request in ipairs(requests) do ids[3 + index] = request.request_id end
      assert.equal(6, #ids)
      for _, id in ipairs(ids) do
        assert.matches(UUID, id)
        assert.is_nil(seen[id])
        seen[id] = true
      end
    end
  end)

  it("records requests without headers", function()
    local id = api:create("confirm_decline")
    api:act(id, "decline", { decline = { message = "x" } })
    api:request("GET", "/bookings/nobody?include=meta")
    api:request("PUT", "/bookings/x/confirm", "{junk", {})
    local requests = api.box:requests()
    assert.equal(4, #requests)
    local request = requests[2]
    assert.equal("PUT", request.method)
    assert.equal(("/v2/bookings/%s/decline"):format(id), request.target)
    assert.equal(200, request.status)
    assert.equal(support.NOW, request.at)
    assert.same({ decline = { message = "x" } }, request.body)
    assert.matches(UUID, request.request_id)
    assert.equal(404, requests[3].status)
    assert.equal("/v2/bookings/nobody?include=meta", requests[3].target)
    assert.equal(401, requests[4].status)
    assert.equal("{junk", requests[4].body)
    request.body.decline.message = "changed"
    assert.equal("x", api.box:requests()[2].body.decline.message)
  end)

  it("keeps the latest 10,000 requests", function()
    for number = 1, 10050 do
      api.box:handle { method = "GET", target = "/v2/" .. number }
    end
    local requests = api.box:requests()
    assert.equal(10000, #requests)
    assert.equal("/v2/51", requests[1].target)
    assert.equal("/v2/10050", requests[10000].target)
  end)

  it("shows no key, whoever looks", function()
    api = support.new { app_key = "s3cr3t" }
    local connection = api.box:connect { base_url = "https://api.timekit.io/v2", username = "", password = "s3cr3t" }
    connection:start { method = "GET", target = "/bookings" }
    for _, text in ipairs { "s3cr3t", "OnMzY3IzdA" } do
      assert.is_false(support.holds(api.box, text) or support.holds(connection, text))
    end
    assert.equal("timekit.sandbox (0 bookings)", tostring(api.box))
  end)

  it("hands out copies", function()
    local id = api:create("instant", { meta = { a = "b" } })
    local snapshot = api.box:bookings()[1]
    snapshot.meta.a, snapshot.history[1].to = "changed", "changed"
    assert.equal("b", api:get(id, "meta").meta.a)
    assert.same({ "confirm:confirmed:api" }, api:history(id))
  end)

  it("can be put into a state that only the server sets", function()
    local id = api:create("instant")
    api.box:set_state(id, "error")
    assert.is_true(api:get(id).completed)
    assert.same({ "confirm:confirmed:api", "nil:error:box" }, api:history(id))
    assert.has_error(function() api.box:set_state(id, "eror") end,
      "graph 'instant' has no state 'eror', did you mean 'error'?")
    assert.has_error(function() api.box:set_state("x", "error") end, "no booking 'x' in the sandbox")
  end)

  it("starts anew", function()
    local first = api:create("instant")
    api.box:advance(100)
    api.box:reset()
    assert.same({}, api.box:bookings())
    assert.same({}, api.box:requests())
    assert.equal(support.NOW, api.box:now())
    assert.equal(first, (api:create("instant")))
  end)

  it("raises when it is used wrongly, at the caller's line", function()
    local function refuses(pattern, f, ...)
      local ok, message = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(pattern, message)
    end
    refuses("unknown option 'ap_key', did you mean 'app_key'", sandbox.new, { ap_key = "x" })
    refuses("app_key: expected a key, got a number", sandbox.new, { app_key = 7 })
    refuses("app_key: expected a key", sandbox.new, { app_key = "" })
    refuses("seed: expected a whole number", sandbox.new, { seed = 1.5 })
    refuses("now: expected", sandbox.new, { now = "today" })
    refuses("options: expected a table", sandbox.new, "x")
    refuses("request: expected a table", api.box.handle, api.box)
    refuses("request.target: expected a string, got nothing", api.box.handle, api.box, { method = "GET" })
    refuses("request.body: expected a string, got a table", api.box.handle, api.box,
      { method = "GET", target = "/", body = {} })
    refuses("seconds: expected a number, got nothing", api.box.advance, api.box)
    refuses("options: expected a table", api.box.connect, api.box)
    local ok, message = pcall(function() api.box:advance("x") end)
    assert.is_false(ok)
    assert.matches("box_spec.lua:%d+: seconds: expected a number, got a string", message)
  end)
end)

describe("a sandbox as a transport", function()
  local api

  before_each(function() api = support.new() end)

  local function connect(options)
    options.base_url = "https://api.timekit.io/v2"
    return api.box:connect(options)
  end

  it("answers at once, with the outcome of the contract", function()
    local connection = connect { username = "", password = "test_api_key", headers = {} }
    local transfer = connection:start { method = "GET", target = "/bookings", timeout = 1 }
    assert.is_true(transfer:done())
    local outcome = transfer:result()
    assert.equal(outcome, transfer:result())
    assert.equal(200, outcome.status)
    assert.equal("yes", outcome.sent)
    assert.is_nil(outcome.failure)
    assert.is_false(outcome.reused)
    assert.equal("true", outcome.headers["timekit-testmode"])
    assert.equal(0, core.decode(outcome.body).total)
    transfer:cancel()
    assert.equal(outcome, transfer:result())
    assert.is_true(connection:start({ method = "GET", target = "/bookings" }):result().reused)
    connection:wait(1)
    connection:step()
    assert.is_nil(connection:fd())
    assert.is_nil(connection:timeout())
  end)

  it("checks the credentials that a connection was given", function()
    api = support.new { app_key = "key" }
    local function status(options)
      return connect(options):start({ method = "GET", target = "/bookings" }):result().status
    end
    assert.equal(200, status { username = "", password = "key" })
    assert.equal(200, status { password = "key" })
    assert.equal(401, status { username = "", password = "kex" })
    assert.equal(401, status {})
    assert.equal(401, status { username = "m@x.io", password = "key" })
    assert.equal(200, status { username = "m@x.io", password = "key", headers = { ["Timekit-App"] = "demo" } })
  end)

  it("writes Basic for keys of every length", function()
    for length = 1, 7 do
      local key = ("k\255y:/+="):sub(1, length)
      api = support.new { app_key = key }
      local outcome = connect({ password = key }):start({ method = "GET", target = "/bookings" }):result()
      assert.equal(200, outcome.status)
    end
  end)

  it("cannot be used once closed", function()
    local connection = connect { password = "key" }
    connection:close()
    connection:close()
    assert.has_error(function() connection:start { method = "GET", target = "/bookings" } end,
      "the connection is closed")
  end)

  it("serves the client", function()
    local timekit = require "timekit"
    local tk = timekit.new { transport = api.box }
    local booking = assert(tk:create_booking {
      graph = "confirm_decline", start = support.START, ["end"] = support.END })
    assert.same({ "confirm", "decline" }, tk:booking(booking.id):actions())
    booking = assert(tk:booking(booking.id):action("confirm"))
    assert.equal("confirmed", booking.state)
    local none, err = tk:booking(booking.id):action("decline")
    assert.is_nil(none)
    assert.equal("transition", err.kind)
    tk:close()
  end)
end)
