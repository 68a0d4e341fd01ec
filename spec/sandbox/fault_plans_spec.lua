local blame = require "spec.support.blame"
local support = require "spec.support.box"

describe("planning a fault", function()
  local box

  before_each(function() box = support.new().box end)

  local function refused(fault)
    local message = blame(function() box:fault(fault) end)
    assert.same({}, box:faults())
    return message
  end

  it("raises for unknown names", function()
    assert.equal("fault.what: required; fault.whta: unknown, did you mean 'what'?", refused { whta = "close" })
    assert.equal("fault.what: expected close, garbage, late, refuse, stall, status or truncate, got 'clsoe', "
      .. "did you mean 'close'?", refused { what = "clsoe" })
    assert.equal("fault.when: expected after or before, got 'befor', did you mean 'before'?",
      refused { what = "close", when = "befor" })
    assert.equal("fault.what: required; fault[1]: expected a name as the key, got a number", refused { {} })
  end)

  it("raises for wrong values", function()
    assert.equal("fault: expected a table, got nothing", refused(nil))
    assert.equal("fault: expected a table, got a string", refused("close"))
    for name, values in pairs {
      what = { 7, "" }, when = { true },
      times = { 0, -1, 1.5, "2", 0 / 0, -math.huge },
      status = { 199, 600, 200.5, "200" }, headers = { "a: b" }, body = { 7, {} },
      match = { 7, "", "PUT", "/v2/bookings", "put /v2/bookings", "PUT v2/bookings", "PUT  /v2", "PUT /v2/a b",
        "PUT /v2/bookings?a=b", "PUT /bookings/*/confirm", "GET /_sandbox/health", "PUT /v2/book*", "* *" },
    } do
      for _, value in ipairs(values) do
        local fault = { what = "status", status = 500 }
        fault[name] = value
        assert.matches("^fault%." .. name .. ": ", refused(fault))
      end
    end
    for _, seconds in ipairs { 0, -1, 0 / 0, "1" } do
      assert.matches("^fault%.seconds: ", refused { what = "stall", seconds = seconds })
    end
    for _, count in ipairs { 0, 1.5, math.huge, "1" } do
      assert.matches("^fault%.after_requests: ", refused { what = "late", after_requests = count })
    end
    for name, value in pairs {
      ["a b"] = "x", a = "x\r\nb: c", [1] = "x", b = {}, c = true, ["Content-Length"] = 5, Connection = "close",
      ["transfer-encoding"] = "chunked", [":status"] = "200", [""] = "x",
    } do
      assert.matches("^fault%.headers: ", refused { what = "status", status = 500, headers = { [name] = value } })
    end
    assert.matches("did you mean", refused { what = "status", status = 1, macth = "x" }, 1, true)
  end)

  it("raises for what does not go together", function()
    assert.equal("fault.status: required, since what is 'status'", refused { what = "status" })
    assert.equal("fault.seconds: means nothing where what is 'close'", refused { what = "close", seconds = 1 })
    assert.equal("fault.body: means nothing where what is 'stall'; fault.status: means nothing where what is 'stall'",
      refused { what = "stall", status = 500, body = "x" })
    assert.equal("fault.after_requests: means nothing where what is 'status'",
      refused { what = "status", status = 500, after_requests = 1 })
    for name, value in pairs { headers = { a = "b" }, body = "x" } do
      assert.equal(("fault.%s: means nothing without a status"):format(name), refused { what = "late", [name] = value })
    end
    for _, what in ipairs { "late", "refuse" } do
      assert.equal(("fault.when: expected before, since what is '%s'"):format(what),
        refused { what = what, when = "after" })
    end
    assert.equal("fault.body: an answer with 204 has none", refused { what = "status", status = 204, body = "x" })
    assert.equal("fault.status: an answer with 304 has no body to cut off", refused { what = "truncate", status = 304 })
    assert.equal("fault.body: expected a text to cut off", refused { what = "truncate", body = "" })
  end)
end)
