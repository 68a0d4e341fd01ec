-- A user saw: a list of bookings that was refused, since the server had filtered it and wrote {"0":…,"2":…} for it.
local core = require "timekit.core"
local faults = require "spec.support.faults"
local lists = require "timekit.http.list"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local function client(body)
  return timekit.new { app_key = "k", transport = scripted.new { scripted.answer(200, body) }, retries = 0 }
end

describe("an object whose names are numbers", function()
  it("is a list where one is expected", function()
    local found = lists.of(core.decode '{"10":"c","2":"b","0":"a"}')
    assert.same({ "a", "b", "c" }, found)
    assert.is_true(core.is_array(found))
    local array = core.decode "[1]"
    assert.equal(array, lists.of(array))
    for _, text in ipairs {
      "{}", '{"a":1}', '{"1234567890123456":1}',
      '{"0":1,"a":2}', '{"00":1}', '{"-1":1}', '{"1.0":1}', '"x"', "7", "null",
    } do
      assert.is_nil(lists.of(core.decode(text)), text)
    end
  end)

  it("is one in a list of bookings", function()
    local body = '{"data":{"0":{"id":"a","state":"x"},"2":{"id":"b","state":"x"}},"total":2}'
    local page = assert(client(body):bookings_page())
    assert.same({ "a", "b" }, { page.data[1].id, page.data[2].id })
    assert.equal(2, #page.data)
  end)

  it("is one in a booking, also where a list holds it", function()
    local booking = '{"id":"b1","graph":"odd","state":"x","available_actions":{"0":"go","2":"stop"},'
      .. '"customers":{"1":{"name":"A"}},"meta":{"0":"stays"}}'
    local handle = client(('{"data":%s}'):format(booking)):booking("b1")
    assert.same({ "go", "stop" }, handle:actions())
    local read = assert(client(('{"data":%s}'):format(booking)):booking("b1"):get())
    assert.same({ { name = "A" } }, read.customers)
    assert.same({ ["0"] = "stays" }, read.meta)
    read = assert(client(('{"data":[%s]}'):format(booking)):bookings_page()).data[1]
    assert.same({ "go", "stop" }, read.available_actions)
  end)

  it("is one in a booking that the core has decoded, and only there", function()
    core.load_decoder()
    local server = faults.start()
    for list, expected in pairs { ['{"0":"go","2":"stop"}'] = { "go", "stop" }, ['["go"]'] = { "go" }, ["{}"] = {} } do
      local body = ('{"data":{"id":"b1","state":"x","available_actions":%s}}'):format(list)
      local url = server.url.http .. "/f/" .. server:plan { status = 200, body = body }
      local tk = timekit.new { app_key = "k", base_url = url, retries = 0 }
      assert.same(expected, assert(tk:booking("b1"):get()).available_actions)
      tk:close()
    end
    server:close()
  end)
end)
