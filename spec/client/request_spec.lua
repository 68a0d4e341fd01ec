-- How a request is built: the path, the body, the headers.
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local headers = require "timekit.http.headers"
local request = require "timekit.http.request"

local function body(...)
  return assert(request.action("b1", ...)).body
end

describe("a segment of a path", function()
  it("keeps what is unreserved and encodes the rest, byte by byte", function()
    assert.equal("58190fc6-1ec0-4ebb-b627-7ce6aa9fc703", request.segment("58190fc6-1ec0-4ebb-b627-7ce6aa9fc703"))
    assert.equal("aZ0-._~", request.segment("aZ0-._~"))
    assert.equal("a%2Fb%2F..%2Fc", request.segment("a/b/../c"))
    assert.equal("a%20b%3Fc%23d%25e%26f%2Bg%3Ah%5Ci", request.segment("a b?c#d%e&f+g:h\\i"))
    assert.equal("caf%C3%A9%E2%82%AC%FF", request.segment("caf\195\169\226\130\172\255"))
    assert.equal("...", request.segment("..."))
    assert.equal(".%2F.", request.segment("./."))
  end)

  it("refuses what could be another path, and what no name is", function()
    for _, text in ipairs { "", ".", "..", "a\nb", "a\r\nX: y", "a\0b", "\0", "a\tb", "a\127", ("x"):rep(1025) } do
      local segment, expected = request.segment(text)
      assert.is_nil(segment)
      assert.is_string(expected)
    end
    for _, value in ipairs { 42, true, {}, print, core.null } do assert.is_nil((request.segment(value))) end
    assert.is_nil((request.segment(nil)))
  end)
end)

describe("the request for an action", function()
  it("is a PUT on the booking and the action", function()
    local built = request.action("b/1", "cancel by", nil, {})
    assert.equal("PUT", built.method)
    assert.equal("/bookings/b%2F1/cancel%20by", built.target)
    assert.equal("{}", built.body)
    assert.same({ ["Content-Type"] = "application/json" }, built.headers)
  end)

  it("has the bodies of the API's documentation", function()
    local bodies = core.decode(fixture "action-request-bodies")
    assert.same(bodies.confirm, core.decode(body("confirm", nil, {})))
    for action, inputs in pairs {
      decline = { message = "<text>" }, cancel = { message = "<text>" }, cancel_by_customer = { message = "<text>" },
      pay = { payment_id = "<payment_id_string>" },
    } do
      assert.same(bodies[action], core.decode(body(action, inputs, {})))
    end
    assert.same(bodies["any action, only this booking of a related bulk"],
      core.decode(body("confirm", nil, { apply_to_bulked_bookings = false })))
    assert.same(bodies["decline (older, help center; sent with POST there)"],
      core.decode(body("decline", nil, { settings = { notify_customer_declined_by_email = { message = "<text>" } } })))
    assert.same(bodies["confirm on instant (booking-js, Jan 2016, since dropped)"], core.decode(body("confirm", nil, {
      settings = {
        event = { invite = true, my_rsvp = "accepted" },
        actions = { notify_customer_by_email = { enabled = false } },
      },
    })))
  end)

  it("tells no inputs from an empty table of inputs", function()
    assert.equal("{}", body("confirm", nil, {}))
    assert.equal('{"confirm":{}}', body("confirm", {}, {}))
  end)

  it("puts inputs, settings and apply_to_bulked_bookings beside each other", function()
    assert.equal('{"decline":{"message":"no"},"apply_to_bulked_bookings":true,"a":1,"b":[]}',
      body("decline", { message = "no" }, { apply_to_bulked_bookings = true, settings = { b = core.array {}, a = 1 } }))
  end)

  it("keeps every digit and null", function()
    assert.equal('{"x":{"n":9007199254740991}}', body("x", { n = 9007199254740991 }, {}))
    assert.equal('{"x":{"n":0.1}}', body("x", { n = 0.1 }, {}))
    assert.equal('{"x":{"n":null}}', body("x", { n = core.null }, {}))
  end)

  it("includes on PUT, POST and GET, joined and encoded", function()
    assert.equal("/bookings/b1/confirm?include=attributes,customers,a.b",
      request.action("b1", "confirm", nil, { include = "attributes,customers,a.b" }).target)
    assert.equal("/bookings/b1?include=a%26b%3Dc%20%23", request.get("b1", "a&b=c #").target)
    assert.equal("/bookings?include=meta", request.create({}, "meta").target)
    assert.equal("/bookings/b1", request.get("b1", "").target)
  end)

  it("names what JSON cannot say by the argument that it stands in", function()
    local circle = {}
    circle.again = circle
    for path, arguments in pairs {
      ["inputs.message"] = { { message = print }, {} },
      ["inputs.list[2]"] = { { list = { 1, 0 / 0 } }, {} },
      ["inputs.again"] = { circle, {} },
      ["inputs.text"] = { { text = "\255" }, {} },
      ["settings.event.thread"] = { nil, { settings = { event = { thread = coroutine.create(function() end) } } } },
    } do
      local built, problem, reason = request.action("b1", "decline", arguments[1], arguments[2])
      assert.is_nil(built)
      assert.equal("type", reason)
      assert.equal(path, problem:sub(1, #path))
    end
    local built, problem, reason = request.create({ customer = { name = print } })
    assert.is_nil(built)
    assert.equal("type", reason)
    assert.matches("^fields%.customer%.name", problem)
  end)

  it("has a body of a mebibyte at most", function()
    local function message_of(size) return { message = ("x"):rep(size) } end
    local frame = #'{"decline":{"message":""}}'
    assert.equal(1048576, #body("decline", message_of(1048576 - frame), {}))
    local built, problem, reason = request.action("b1", "decline", message_of(1048577 - frame), {})
    assert.is_nil(built)
    assert.equal("size", reason)
    assert.matches("limit of 1048576 bytes", problem)
    local half = ("x"):rep(600000)
    for _, settings in ipairs { { a = half, b = half }, { a = ("x"):rep(10 * 1024 * 1024) } } do
      assert.equal("size", select(3, request.action("b1", "decline", nil, { settings = settings })))
    end
    assert.equal("size", select(3, request.create { what = ("x"):rep(1048577) }))
  end)
end)

describe("headers", function()
  it("carry the client's app, zone and formats under Timekit's names", function()
    assert.same({
      Accept = "application/json", ["Timekit-App"] = "slug", ["Timekit-Timezone"] = "Europe/Copenhagen",
      ["Timekit-InputTimestampFormat"] = "Y-m-d", ["Timekit-OutputTimestampFormat"] = "U",
    }, headers.common {
      app = "slug", timezone = "Europe/Copenhagen", input_timestamp_format = "Y-m-d", output_timestamp_format = "U",
    })
  end)

  it("name this library and the application", function()
    local version = { timekit = "1.2", curl = "7.88.1" }
    assert.matches("^timekit%-lua/1%.2 Lua/5%.%d curl/7%.88%.1$", headers.user_agent(version))
    assert.matches("^timekit%-lua/1%.2 .* shop/2%.1$", headers.user_agent(version, "shop/2.1"))
  end)

  it("say when to try again, in seconds or as a date of any of HTTP's forms", function()
    local function after(text, date, now)
      return headers.retry_after({ ["retry-after"] = text, date = date }, function() return now end)
    end
    local date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert.equal(120, after("120"))
    assert.equal(0, after("0"))
    assert.equal(30, after("Sun, 06 Nov 1994 08:50:07 GMT", date, 0))
    assert.equal(30, after("Sun Nov  6 08:50:07 1994", date, 0))
    assert.equal(86400, after("Monday, 07-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", 0))
    assert.equal(0, after("Sun, 06 Nov 1994 08:49:00 GMT", date, 0))
    assert.equal(60, after(date, nil, 784111777 - 60))
    assert.equal(60, after(date, "yesterday", 784111777 - 60))
    for _, text in ipairs {
      "soon", "", "-1", "1e3", "0x10", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
    } do
      assert.is_nil(after(text, date, 0))
    end
    assert.is_nil(headers.retry_after({}, os.time))
  end)

  it("say how many requests remain", function()
    assert.equal(806, headers.rate_limit_remaining { ["x-ratelimit-remaining"] = "806" })
    for _, text in ipairs { "many", "0x10", "1, 2", "" } do
      assert.is_nil(headers.rate_limit_remaining { ["x-ratelimit-remaining"] = text })
    end
  end)
end)
