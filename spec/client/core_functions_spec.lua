-- The functions by which the core builds requests and reads answers.
local core = require "timekit.core"
local faults = require "spec.support.faults"

describe("core.path", function()
  it("fills in the names of a route", function()
    assert.equal("/bookings/a%2Fb/c%20d", core.path("/bookings/{id}/{action}", "a/b", "c d"))
    assert.equal("/bookings/b1", core.path("/bookings/{id}", "b1"))
    assert.equal("/bookings", core.path("/bookings", "left over"))
  end)

  it("refuses what could become another path", function()
    for _, text in ipairs { "", ".", "..", "a\nb", "a\127", ("x"):rep(1025) } do
      assert.has_error(function() core.path("/bookings/{id}", text) end)
    end
    assert.has_error(function() core.path("/bookings/{id}", 7) end)
    assert.error_matches(function() core.path("/bookings/{id}/{action}", "b1") end, "{action}", nil, true)
  end)
end)

describe("core.segment", function()
  it("returns the text encoded, or what was expected", function()
    assert.equal("b1-_.~", core.segment("b1-_.~"))
    assert.equal("%C3%A4%25", core.segment("ä%"))
    assert.same({ nil, "expected a string, got nil" }, { core.segment(nil) })
    assert.same({ nil, "'..' would be another path" }, { core.segment("..") })
    assert.same({ nil, "expected at most 1024 bytes, got 1025" }, { core.segment(("x"):rep(1025)) })
    assert.equal(1024, #core.segment(("x"):rep(1024)))
  end)
end)

describe("core.encode_member", function()
  local function member(name, value, limit)
    return core.encode_member(name, "action", value, "inputs", limit or 100, "{", "}")
  end

  it("writes a name, a colon and a value between two texts", function()
    assert.equal('{"con\\"firm":{"n":1}}', member('con"firm', { n = 1 }))
  end)

  it("names the problem by the argument that has it", function()
    local text, problem, reason = member("a\255", {})
    assert.same({ nil, "action: cannot encode invalid UTF-8 (at byte 2)", "type" }, { text, problem, reason })
    text, problem, reason = member("a", { x = { print } })
    assert.same({ nil, "inputs.x[1]: cannot encode a function", "type" }, { text, problem, reason })
  end)

  it("keeps to the limit, all texts included", function()
    assert.equal('{"a":{}}', member("a", {}, 8))
    assert.equal("size", select(3, member("a", {}, 7)))
  end)
end)

describe("core.is_object", function()
  it("tells tables from arrays and all else", function()
    assert.is_true(core.is_object {})
    assert.is_true(core.is_object(core.decode '{"a":[]}'))
    for _, value in ipairs { core.decode "[]", core.null, "a", 1, false } do assert.is_false(core.is_object(value)) end
    assert.is_false(core.is_object(nil))
  end)
end)

describe("core.copied", function()
  it("copies the fields without the metatable", function()
    local original = setmetatable({ a = 1, [2] = "b" }, { __index = { c = 3 } })
    local copy = core.copied(original, 15)
    assert.same({ a = 1, [2] = "b" }, copy)
    assert.is_nil(getmetatable(copy))
    assert.is_nil(copy.c)
  end)
end)

describe("core.answer", function()
  local server, engine

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function() engine = core.engine { base_url = server.url.http } end)
  after_each(function() engine:close() end)

  local function told(plan, wants_data)
    local outcome = faults.request(engine, server:plan(plan))
    local status, request_id, remaining, data = core.answer(outcome, wants_data ~= false)
    return { status = status, request_id = request_id, remaining = remaining, data = data }
  end

  it("tells the status, two headers and `data`", function()
    local headers = { { "Timekit-Request-Id", "r1" }, { "X-RateLimit-Remaining", "599" } }
    assert.same({ status = 200, request_id = "r1", remaining = 599, data = { id = "b1" } },
      told { status = 200, headers = headers, body = '{"data":7,"a":[{"data":8}],"data":{"id":"b1"}}' })
  end)

  it("takes invalid UTF-8 and a byte order mark as `decode` does", function()
    assert.same({ id = "b\255" }, told({ status = 200, body = '{"data":{"id":"b\255"}}' }).data)
    assert.same({ id = "b1" }, told({ status = 200, body = '\239\187\191{"data":{"id":"b1"}}' }).data)
  end)

  it("has no data but those of a success that has some", function()
    assert.is_nil(told({ status = 422, body = '{"data":{"id":"b1"}}' }).data)
    assert.is_nil(told({ status = 200, body = '{"data":{"id":"b1"}}' }, false).data)
    for _, body in ipairs { "", "{", "[]", '"data"', "{}", '{"dat":1}', '["data",1]' } do
      assert.same({ status = 200 }, told { status = 200, body = body })
    end
  end)

  it("is only sure that no list has become an object where none has", function()
    core.load_decoder()
    local function is_sure(data)
      local body = ('{"data":%s,"a":{"0":1}}'):format(data)
      return (select(5, core.answer(faults.request(engine, server:plan { status = 200, body = body }), true)))
    end
    for _, data in ipairs {
      '{"0":1}', '{"a":[{},{"b":{"2":1,"x":2}}]}', '[{"9":1}]', '{"0":1,"0":2}', '{"a":"\255","0":1}',
    } do
      assert.is_false(is_sure(data), data)
    end
    for _, data in ipairs { "{}", '{"a":{},"b":["0",{"a0":"0"}],"":1}', "[]", "0", '"0"' } do
      assert.equal(core.json == "simdjson", is_sure(data), data)
    end
  end)

  it("takes nothing but digits for a number", function()
    for text, number in pairs { ["0"] = 0, ["12345678901"] = 12345678901, [""] = false, ["5, 4"] = false,
      ["1.5"] = false, ["-1"] = false, ["5 a minute"] = false } do
      local found = told({ status = 200, headers = { { "X-RateLimit-Remaining", text } }, body = "{}" }).remaining
      assert.equal(number or nil, found)
    end
  end)

  it("tells nothing of what another transport brought, nor of a failure", function()
    assert.equal(0, select("#", core.answer({ status = 200 }, true)))
    assert.equal(0, select("#", core.answer(io.stdout, true)))
    assert.equal(0, select("#", core.answer(engine, true)))
    local outcome = faults.request(engine, server:plan { act = "fin" })
    assert.equal(0, select("#", core.answer(outcome, true)))
  end)
end)
