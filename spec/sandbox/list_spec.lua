local core = require "timekit.core"
local support = require "spec.support.box"

describe("GET /bookings in the sandbox", function()
  local api

  before_each(function() api = support.new() end)

  local function list(query)
    local status, answer = api:request("GET", "/bookings" .. (query and "?" .. query or ""))
    assert.equal(200, status)
    return answer
  end

  -- The names of the customers in the list, joined.
  local function names(query)
    local found = {}
    for index, booking in ipairs(list(query .. "&include=customers").data) do
      found[index] = booking.customers[1].name
    end
    return table.concat(found, " ")
  end

  local function add(name, fields, graph)
    local all = { customer = { name = name, email = name:lower() .. "@Example.com" } }
    for field, value in pairs(fields or {}) do all[field] = value end
    return (api:create(graph or "instant", all))
  end

  it("answers an empty list in its envelope", function()
    local answer = list()
    assert.is_true(core.is_array(answer.data))
    assert.same({
      total = 0, per_page = "50", current_page = 1, last_page = 1, next_page_url = core.null, prev_page_url = core.null,
      from = core.null, to = core.null, data = {},
    }, answer)
  end)

  it("answers as the fixture pagination-list", function()
    local ids = {}
    for index = 1, 5 do ids[index] = add("N" .. index) end
    local answer = list("limit=3&page=2")
    assert.same({ ids[4], ids[5] }, { answer.data[1].id, answer.data[2].id })
    assert.equal(2, #answer.data)
    local count = 0
    for _ in pairs(answer.data[1]) do count = count + 1 end
    assert.equal(6, count)
    answer.data = nil
    assert.same({
      total = 5, per_page = "3", current_page = 2, last_page = 2, next_page_url = core.null,
      prev_page_url = "https://api.timekit.io/v2/bookings?limit=3&page=1", from = 4, to = 5,
    }, answer)
    answer = list("limit=3")
    assert.equal("https://api.timekit.io/v2/bookings?limit=3&page=2", answer.next_page_url)
    assert.equal(core.null, answer.prev_page_url)
    assert.same({ 1, 3 }, { answer.from, answer.to })
  end)

  it("leads through all pages by their addresses", function()
    for index = 1, 7 do add("N" .. index) end
    local seen, query = {}, "limit=2&search=customer.name:N*&orderBy=created_at&sortedBy=desc"
    local pages = 0
    repeat
      seen[#seen + 1] = names(query)
      local url = list(query).next_page_url
      query = url ~= core.null and url:match("^https://api%.timekit%.io/v2/bookings%?(.*)$")
      pages = pages + 1
    until not query
    assert.equal("N7 N6 N5 N4 N3 N2 N1", table.concat(seen, " "))
    assert.equal(4, pages)
  end)

  it("gives addresses below the base URL of a connection", function()
    add("A")
    add("B")
    local connection = api.box:connect { base_url = "http://127.0.0.1:8808/v2", password = "k" }
    local outcome = connection:start({ method = "GET", target = "/bookings?limit=1" }):result()
    assert.equal("http://127.0.0.1:8808/v2/bookings?limit=1&page=2", core.decode(outcome.body).next_page_url)
  end)

  it("is empty beyond the last page", function()
    add("A")
    local answer = list("page=9")
    assert.same({}, answer.data)
    assert.equal(core.null, answer.from)
    assert.equal(core.null, answer.to)
    assert.equal(1, answer.last_page)
    assert.equal(9, answer.current_page)
  end)

  it("has fifty to a page unless told otherwise", function()
    for index = 1, 51 do add("N" .. index) end
    assert.equal(50, #list().data)
    assert.equal(51, #list("limit=").data + 1)
    assert.equal(51, #list("limit=1000").data)
    assert.equal("1000", list("limit=99999").per_page)
  end)

  describe("search", function()
    before_each(function()
      add("Marty", { meta = { order = "A1", count = 3 }, resource_id = "r1", project_id = "p1" })
      add("Martha", { meta = { order = "A2", paid = true }, calendar_id = "c1" }, "confirm_decline")
      api:act(add("Doc Brown"), "cancel")
      add("Mar*ty", nil, "confirm_decline")
    end)

    local EVERYONE = "Marty Martha Doc Brown Mar*ty"
    local FOUND = {
      [""] = EVERYONE, ["graph:instant"] = "Marty Doc Brown", ["state:tentative"] = "Martha Mar*ty",
      ["completed:true"] = "Doc Brown", ["completed:false;graph:instant"] = "Marty",
      ["graph:instant;state:confirmed"] = "Marty", ["graph:instant;graph:confirm_decline"] = "",
      [" graph : instant ; "] = "Marty Doc Brown", ["graph:inst*"] = "",
      ["customer.name:Marty"] = "Marty", ["customer.name:mar*"] = "Marty Martha Mar*ty",
      ["customer.name:*ty"] = "Marty Mar*ty", ["customer.name:M*t*y"] = "Marty Mar*ty",
      ["customer.name:*"] = EVERYONE, ["customer.name:**r**"] = EVERYONE, ["customer.name:Mart"] = "",
      ["customer.name:M*M"] = "", ["customer.name:*c*c*"] = "", ["customer.name:*o*o*"] = "Doc Brown",
      ["customer.name:Marty*y"] = "", ["customer.name:."] = "",
      ["customer.name:M.rty"] = "", ["customer.name:doc+brown"] = "Doc Brown",
      ["customer.name:doc%20brown;"] = "Doc Brown",
      ["customer.email:MARTY@example.com"] = "Marty", ["customer.email:mar*"] = "",
      ["resource.id:r1"] = "Marty", ["project.id:p1"] = "Marty", ["calendar.id:c1"] = "Martha",
      ["meta.order:A2"] = "Martha", ["meta.count:3"] = "Marty", ["meta.paid:true"] = "Martha",
      ["meta.nothing:x"] = "", ["meta.order:A:1"] = "",
    }

    it("finds what all conditions hold for", function()
      for search, expected in pairs(FOUND) do
        assert.equal(expected, names("search=" .. search:gsub(" ", "%%20")), search)
      end
    end)

    it("counts only what it found", function()
      local answer = list("search=graph:confirm_decline&limit=1")
      assert.equal(2, answer.total)
      assert.equal(2, answer.last_page)
    end)

    -- As a Lua pattern this would not end.
    it("takes many stars", function()
      add(("a"):rep(5000))
      assert.equal(0, list("search=customer.name:" .. ("*a"):rep(300) .. "*b").total)
    end)
  end)

  it("keeps to a span of time", function()
    local function on(day) return { start = day .. "T10:00:00Z", ["end"] = day .. "T11:00:00Z" } end
    add("One", on "2030-03-01")
    add("Two", on "2030-03-02")
    add("Three", on "2030-03-03")
    assert.equal("Two Three", names("start=2030-03-01T11:00:00Z"))
    assert.equal("One Two Three", names("start=2030-03-01T10:59:59Z"))
    assert.equal("One", names("end=2030-03-02T10:00:00Z"))
    assert.equal("One Two", names("end=2030-03-02T12:00:00%2B0100&start=2030-01-01T00:00:00Z"))
    assert.equal("Two", names("start=2030-03-02T00:00:00Z&end=2030-03-03T00:00:00Z"))
  end)

  describe("order", function()
    before_each(function()
      add("A", { start = "2030-03-03T10:00:00Z", ["end"] = "2030-03-03T11:00:00Z" }, "instant")
      api.box:advance(10)
      add("B", { start = "2030-03-01T10:00:00Z", ["end"] = "2030-03-05T11:00:00Z" }, "confirm_decline")
      api.box:advance(10)
      add("C", { start = "2030-03-02T10:00:00Z", ["end"] = "2030-03-02T11:00:00Z" }, "instant")
      api.box:advance(10)
      api:act(api.box:bookings()[1].id, "cancel")
    end)

    it("is by any of the known fields, both ways, and by creation among equals", function()
      for order, expected in pairs {
        created_at = "A B C", updated_at = "B C A", ["event.start"] = "B C A", ["event.end"] = "C A B",
        graph = "B A C", state = "A C B", completed = "B C A",
      } do
        assert.equal(expected, names("orderBy=" .. order))
        assert.equal(expected, names("orderBy=" .. order .. "&sortedBy=asc"))
        assert.equal(expected:reverse(), names("orderBy=" .. order .. "&sortedBy=desc"))
      end
      assert.equal("A B C", names(""))
      assert.equal("C B A", names("sortedBy=desc"))
    end)
  end)

  it("refuses what it does not understand, by name", function()
    add("A")
    for query, field in pairs {
      ["limit=0"] = "limit", ["limit=-1"] = "limit", ["limit=abc"] = "limit", ["limit=1.5"] = "limit",
      ["limit=1e3"] = "limit", ["limit=99999999999999999999"] = "limit", ["page=0"] = "page", ["page=x"] = "page",
      ["orderBy=colour"] = "orderBy", ["orderBy="] = "orderBy", ["sortedBy=up"] = "sortedBy",
      ["start=yesterday"] = "start", ["end=2030-01-01"] = "end", ["search=graph"] = "search",
      ["search=colour:red"] = "search", ["search=graph:instant;oops"] = "search", ["search=meta.:x"] = "search",
      ["include=nothing"] = "include",
    } do
      local status, answer = api:request("GET", "/bookings?" .. query)
      assert.equal(422, status, query)
      assert.equal("string", type(answer.errors[field] and answer.errors[field][1]), query)
    end
    local _, answer = api:request("GET", "/bookings?search=customer.nme:x")
    assert.matches("did you mean 'customer.name'", answer.errors.search[1], 1, true)
  end)
end)
