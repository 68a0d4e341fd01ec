-- A user saw: a gateway that asks for a header of its own, which only tk:request could send.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local START, STOP = "2027-03-01T08:00:00+00:00", "2027-03-01T09:00:00+00:00"

local BOOKING = '{"data":{"id":"b1","graph":"confirm_decline","state":"tentative"}}'

-- Method → what calls it with options, and its answer where one booking will not do.
local CALLS = {
  action = { function(tk, opts) return tk:booking("b1"):action("confirm", nil, opts) end },
  sugar = { function(tk, opts) return tk:booking("b1"):decline({ message = "no" }, opts) end },
  start = { function(tk, opts)
    local call = tk:booking("b1"):start("confirm", nil, opts)
    while not call:done() do tk:update(1) end
    return call:result()
  end },
  get = { function(tk, opts) return tk:booking("b1"):get(opts) end },
  update_meta = { function(tk, opts) return tk:booking("b1"):update_meta({ a = 1 }, opts) end },
  reschedule = { function(tk, opts) return tk:booking("b1"):reschedule({ start = START, ["end"] = STOP }, opts) end },
  delete = { function(tk, opts) return tk:booking("b1"):delete(opts) end },
  customer_links = {
    function(tk, opts) return tk:booking("b1"):customer_links(opts) end,
    scripted.answer(200, '{"data":{"id":"b1","state":"tentative","customer_action_links":{}}}'),
  },
  wait_until = { function(tk, opts) return tk:booking("b1"):wait_until("tentative", opts) end },
  create_booking = { function(tk, opts) return tk:create_booking({ graph = "instant" }, opts) end },
  reserve = { function(tk, opts) return tk:reserve({}, opts) end },
  extend_reservation = { function(tk, opts) return tk:extend_reservation({}, opts) end },
  bookings_page = {
    function(tk, opts) return tk:bookings_page(opts) end, scripted.answer(200, '{"data":[]}'),
  },
  bookings = {
    function(tk, opts) for _ in tk:bookings(opts) do error "no booking is there" end return true end,
    scripted.answer(200, '{"data":[]}'),
  },
  group_booking = { function(tk, opts) return tk:group_booking("b1", opts) end },
  create_bookings = {
    function(tk, opts) return tk:create_bookings({ { graph = "instant" } }, opts) end,
    scripted.answer(200, '{"data":[{"id":"b1","graph":"instant","state":"confirmed"}]}'),
  },
  update_bookings = {
    function(tk, opts) return tk:update_bookings({ { "b1", "confirm" } }, opts) end,
    scripted.answer(200, '{"data":[{"id":"b1","graph":"confirm_decline","state":"confirmed"}]}'),
  },
  request = { function(tk, opts) return tk:request("GET", "/bookings/b1", opts) end },
}

describe("further headers", function()
  for name, call in pairs(CALLS) do
    it("go with every request of " .. name, function()
      local transport = scripted.new { call[2] or scripted.answer(200, BOOKING) }
      local tk = timekit.new { app_key = "k", transport = transport }
      local done, info = call[1](tk, { headers = { ["X-Gate"] = "open", ["timekit-timezone"] = "Asia/Tokyo" } })
      assert(done, tostring(info))
      for _, request in ipairs(transport.requests) do
        assert.equal("open", request.headers["X-Gate"])
        assert.equal("Asia/Tokyo", request.headers["timekit-timezone"])
      end
    end)
  end

  it("of the client are in what every request carries, and come before its options", function()
    local transport = scripted.new {}
    timekit.new {
      app_key = "k", transport = transport, timezone = "Europe/Berlin",
      headers = {
        ["CF-Access-Client-Id"] = "id1", ["timekit-timezone"] = "Asia/Tokyo", accept = "application/json; v=2",
      },
    }
    assert.same({
      ["CF-Access-Client-Id"] = "id1", ["timekit-timezone"] = "Asia/Tokyo", accept = "application/json; v=2",
    }, transport.connections[1].headers)
  end)

  it("also go with the look into an uncertain action, and leave its body's type", function()
    local transport = scripted.new {
      scripted.answer(502), scripted.answer(200, '{"data":{"id":"b1","graph":"confirm_decline","state":"confirmed"}}'),
    }
    local tk = timekit.new { app_key = "k", transport = transport }
    local _, info = assert(tk:booking("b1"):confirm(nil, { headers = { ["X-Gate"] = "open" } }))
    assert.is_true(info.reconciled)
    assert.same({ ["X-Gate"] = "open", ["Content-Type"] = "application/json" }, transport.requests[1].headers)
    assert.same({ ["X-Gate"] = "open" }, transport.requests[2].headers)
  end)

  it("also go with the reads of a bulk's bookings that are in doubt", function()
    local transport = scripted.new(function(request)
      if request.method == "PUT" then return scripted.answer(502) end
      return scripted.answer(200, '{"data":{"id":"b1","graph":"confirm_decline","state":"confirmed"}}')
    end)
    local tk = timekit.new { app_key = "k", transport = transport }
    tk:update_bookings({ { "b1", "confirm" } }, { headers = { ["X-Gate"] = "open" } })
    assert.equal("GET", transport.requests[2].method)
    assert.equal("open", transport.requests[2].headers["X-Gate"])
  end)

  it("are refused where they are the client's own, or would become two", function()
    local tk = timekit.new { app_key = "k", transport = scripted.new {} }
    for _, wrong in ipairs {
      { Authorization = "s3cret" }, { AUTHORIZATION = "s3cret" }, { host = "s3cret" }, { ["Content-Length"] = "3" },
      { Cookie = "s3cret" }, { ["Accept-Encoding"] = "br" }, { X = "s3cret\r\nY: 1" }, { X = " s3cret" }, { X = "" },
      { ["X Y"] = "s3cret" }, { ["X:"] = "s3cret" }, { X = "1", x = "2" }, { X = 1 }, { "s3cret" }, "s3cret",
      { X = ("s3cret"):rep(5000) },
    } do
      for where, take in pairs {
        ["timekit.new"] = function() timekit.new { app_key = "k", headers = wrong } end,
        ["booking:confirm"] = function() tk:booking("b1"):confirm(nil, { headers = wrong }) end,
        ["client:bookings"] = function() tk:bookings { headers = wrong } end,
      } do
        local message = blame(take, where)
        assert.equal(where .. ": headers: ", message:sub(1, #where + 11))
        assert.is_nil(message:find("s3cret", 1, true), message)
      end
    end
  end)

  it("that are secret by their names are in no error", function()
    local tk = timekit.new {
      app_key = "k", headers = { ["CF-Access-Client-Secret"] = "0a1b2c3d", ["X-Zone"] = "Europe" },
      transport = scripted.new { scripted.answer(403, '{"error":"0a1b2c3d is not let in from Europe"}') },
    }
    local _, err = tk:booking("b1"):get()
    assert.equal("[redacted] is not let in from Europe", err.message)
  end)
end)
