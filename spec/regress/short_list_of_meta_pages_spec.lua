-- A user saw: a loop over bookings that ended after the first page, without an error. The page numbers stood under
-- `meta`, and the next page's address under `links`.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local function client(...)
  local answers = {}
  for index, body in ipairs { ... } do answers[index] = scripted.answer(200, body) end
  local transport = scripted.new(answers)
  return timekit.new { app_key = "k", transport = transport, retries = 0 }, transport
end

local function item(id) return ('{"id":"%s","graph":"instant","state":"confirmed"}'):format(id) end

-- All ids of a loop, or the error that it raised.
local function ids_of(tk)
  local ids = {}
  local ok, err = pcall(function()
    for booking in tk:bookings() do ids[#ids + 1] = booking.id end
  end)
  return ok and table.concat(ids, " ") or err
end

describe("a list whose pages are told", function()
  it("under meta is read to its end", function()
    local form = '{"data":[%s],"meta":{"current_page":%d,"last_page":2,"per_page":"1","total":2}}'
    local tk, transport = client(form:format(item "a", 1), form:format(item "b", 2))
    assert.equal("a b", ids_of(tk))
    assert.matches("page=2", transport.requests[2].target)

    local page = assert(client(form:format(item "a", 1)):bookings_page())
    assert.same({ 1, 2, 1, 2 }, { page.current_page, page.last_page, page.per_page, page.total })
  end)

  it("by the address of the next one under links is read to its end", function()
    local form = '{"data":[%s],"links":{"first":"x","next":%s},"meta":{"current_page":%d}}'
    assert.equal("a b", ids_of((client(
      form:format(item "a", '"https://api.timekit.io/v2/bookings?page=2"', 1), form:format(item "b", "null", 2)))))
    local page = assert(client(form:format(item "a", '"/bookings?limit=1&page=2"', 1)):bookings_page())
    assert.equal("/bookings?limit=1&page=2", page.next_page_url)
  end)

  it("in both places takes what stands beside the data", function()
    local page = assert(client('{"data":[],"total":3,"last_page":1,"meta":{"total":9,"to":4}}'):bookings_page())
    assert.same({ 3, 4 }, { page.total, page.to })
  end)

  it("nowhere is whole", function()
    for _, beside in ipairs {
      "", ',"meta":{"took":3}', ',"meta":[],"links":[]', ',"meta":null', ',"total":1', ',"next_page_url":null',
      ',"links":{"next":null}', ',"links":{"self":"x"}', ',"meta":{"total":"1"}',
    } do
      assert.equal("a", ids_of((client(('{"data":[%s]%s}'):format(item "a", beside)))), beside)
    end
  end)

  it("in a way that is not known is an error, never a short list", function()
    for _, beside in ipairs {
      ',"total":2', ',"meta":{"total":2}', ',"last_page":"many"', ',"per_page":1', ',"meta":{"current_page":1}',
      ',"meta":{"pagination":{"total":2}}', ',"pagination":{"pages":2}', ',"next":"x"', ',"has_more":true',
      ',"meta":{"next_cursor":"x"}', ',"links":{"next":7}', ',"links":{"next":{"href":"x"}}',
      ',"links":{"next":"/bookings?cursor=x"}', ',"next_page_url":"/bookings?offset=1"',
      ',"current_page":1,"last_page":1,"next_page_url":"/bookings?page=2"', ',"total_pages":2',
    } do
      local err = ids_of((client(('{"data":[%s]%s}'):format(item "a", beside))))
      assert.equal("table", type(err), beside)
      assert.same({ "response", "yes" }, { err.kind, err.sent }, beside)
    end
  end)
end)
