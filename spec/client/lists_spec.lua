-- Lists of bookings, page by page: in the process, over HTTP, and with answers as planned.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local answer, failure = scripted.answer, scripted.failure

local function client(...)
  local transport = scripted.new { ... }
  return timekit.new { app_key = "test_key", transport = transport, retries = 0 }, transport
end

-- An answer with a page: its number, how many there are, and the ids on it.
local function page(number, last, ...)
  local items = {}
  for index, id in ipairs { ... } do items[index] = { id = id, graph = "instant", state = "confirmed" } end
  return answer(200, core.encode {
    data = timekit.array(items), total = 9, per_page = "2", current_page = number, last_page = last,
    next_page_url = number < last and "https://api.timekit.io/v2/bookings?page=" .. number + 1 or core.null,
    prev_page_url = core.null, from = 1, to = core.null,
  })
end

local function ids(iterator)
  local found = {}
  for booking in iterator do found[#found + 1] = booking.id end
  return table.concat(found, " ")
end

-- The error that the loop over an iterator raises, and the ids that came before.
local function raised(iterator)
  local found = {}
  local ok, err = pcall(function()
    for booking in iterator do found[#found + 1] = booking.id end
  end)
  assert.is_false(ok)
  assert.is_table(err)
  return err, table.concat(found, " ")
end

local function targets(transport)
  local list = {}
  for index, request in ipairs(transport.requests) do list[index] = request.target end
  return list
end

describe("a page of bookings", function()
  it("has its numbers as numbers", function()
    local tk = client(answer(200, fixture "pagination-list"))
    local found, info = tk:bookings_page { limit = 3, page = 2 }
    assert.equal(200, info.status)
    assert.equal("06502f41-78b3-4d03-9b6d-4c8b84e360ff", found.data[2].id)
    assert.is_true(timekit.is_array(found.data))
    found.data = nil
    assert.same({
      total = 5, per_page = 3, current_page = 2, last_page = 2, from = 4, to = 5,
      prev_page_url = "https://api.timekit.io/v2/bookings?limit=3&page=1",
    }, found)
  end)

  it("without numbers is one all the same", function()
    for _, name in ipairs { "ruby-booking_list", "bookingjs-group-slots" } do
      local found = assert(client(answer(200, fixture(name))):bookings_page())
      assert.is_true(#found.data > 1)
      assert.is_nil(found.total)
    end
  end)

  it("is asked for as Timekit wants it", function()
    local tk, transport = client(page(1, 1))
    local opts = {
      search = { state = "confirmed", graph = "instant", completed = false, ["customer.name"] = "Mar*",
        ["meta.table"] = 7 },
      include = { "event", "customers" }, order_by = "event.start", sorted_by = "desc", limit = 100, page = 3,
      start = "2030-03-01T00:00:00+01:00", ["end"] = "2030-03-02T00:00:00+01:00", timeout = 5,
    }
    assert(tk:bookings_page(opts))
    assert.equal("/bookings?search=completed%3Afalse%3Bcustomer.name%3AMar%2A%3Bgraph%3Ainstant%3Bmeta.table%3A7%3B"
      .. "state%3Aconfirmed&limit=100&page=3&orderBy=event.start&sortedBy=desc&start=2030-03-01T00%3A00%3A00%2B01%3A00"
      .. "&end=2030-03-02T00%3A00%3A00%2B01%3A00&include=event,customers", transport.requests[1].target)
    assert.same({ "GET", 5 }, { transport.requests[1].method, transport.requests[1].timeout })
    assert.equal(7, opts.search["meta.table"])
  end)

  it("is an error where the answer is not a list", function()
    for _, body in ipairs { "", "{}", '{"data":{}}', '{"data":[1]}', "<html>" } do
      local none, err = client(answer(200, body)):bookings_page()
      assert.is_nil(none)
      assert.equal("response", err.kind)
    end
    assert.equal("validation", select(2, client(answer(422, '{"error":"no"}')):bookings_page()).kind)
  end)

  it("has wrong options raise", function()
    local tk, transport = client()
    for expected, opts in pairs {
      ["unknown option 'pages', did you mean 'page'?"] = { pages = 1 },
      ["limit: expected a whole number"] = { limit = 0 },
      ["page: expected a whole number"] = { page = 1.5 },
      ["sorted_by: expected 'asc' or 'desc'"] = { sorted_by = "down" },
      ["order_by: unknown order 'event.strat', did you mean 'event.start'?"] = { order_by = "event.strat" },
      ["search: expected a table"] = { search = "state:confirmed" },
      ["search: unknown attribute 'customer.nam', did you mean 'customer.name'?"] = {
        search = { ["customer.nam"] = "x" } },
      ["search: expected attributes as keys, got 'state:x;graph'"] = { search = { ["state:x;graph"] = "y" } },
      ["search: state: expected a text, a number or a boolean, got a table"] = { search = { state = {} } },
      ["start: expected a string"] = { start = 7 },
    } do
      assert.matches("client:bookings_page: " .. expected, blame(function() tk:bookings_page(opts) end), 1, true)
      if not opts.page then
        assert.matches("client:bookings: ", blame(function() tk:bookings(opts) end), 1, true)
      end
    end
    assert.matches("unknown option 'page'", blame(function() tk:bookings { page = 2 } end), 1, true)
    assert.equal(0, #transport.requests)
  end)
end)

describe("a search", function()
  -- Values that must not become a condition of their own, in any attribute.
  local EVIL = {
    "x;state:confirmed", "x;", ";", "a:b", ":", "x\n", "x\0y", "x\r\nEvil: 1", "\127", "", " ", "\t",
    "x%3Bstate%3Aconfirmed;",
  }

  it("is refused with values that could be another one", function()
    for _, name in ipairs { "customer.name", "customer.email", "state", "meta.note", "resource.id" } do
      for _, value in ipairs(EVIL) do
        local tk, transport = client()
        local none, err = tk:bookings_page { search = { [name] = value, graph = "instant" } }
        assert.is_nil(none)
        assert.same({ "input", "no", 0 }, { err.kind, err.sent, err.attempts })
        assert.is_table(err.fields["search." .. name])
        assert.is_nil(err.fields["search.graph"])
        err = raised(tk:bookings { search = { [name] = value } })
        assert.equal("input", err.kind)
        assert.equal(0, #transport.requests)
      end
    end
  end)

  it("finds any other value as it is", function()
    local box = timekit.sandbox.new { now = 1893456000 }
    local tk = timekit.new { transport = box }
    for _, name in ipairs { "Marty & Co", "a=b&state=x", "50% off", "x%3Bstate%3Aconfirmed", "J\195\184rgen", "a+b c",
      "#1?", "\"quoted\" \\" } do
      local created = assert(tk:create_booking {
        graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z", customer = { name = name },
      })
      assert.equal(created.id, ids(tk:bookings { search = { ["customer.name"] = name } }))
    end
    assert.equal("", ids(tk:bookings { search = { ["customer.name"] = "nobody" } }))
  end)

  it("is refused with times that are none", function()
    local tk, transport = client()
    for field, opts in pairs {
      start = { start = "2030-03-01T08:00:00" },
      ["end"] = { start = "2030-03-01T08:00:00Z", ["end"] = "2030-02-01T08:00:00Z" },
    } do
      assert.is_table(select(2, tk:bookings_page(opts)).fields[field])
      assert.is_table(raised(tk:bookings(opts)).fields[field])
    end
    assert.equal(0, #transport.requests)
  end)
end)

describe("all bookings", function()
  it("come page by page, none of which is fetched ahead", function()
    local tk, transport = client(page(1, 3, "a", "b"), page(2, 3, "c", "d"), page(3, 3, "e"))
    local iterator = tk:bookings { limit = 2, search = { state = "confirmed" } }
    assert.equal(0, #transport.requests)
    local wanted = { a = 1, b = 1, c = 2, d = 2, e = 3 }
    for booking, on in iterator do
      assert.equal(wanted[booking.id], #transport.requests)
      assert.same({ wanted[booking.id], 9 }, { on.current_page, on.total })
      wanted[booking.id] = nil
    end
    assert.is_nil(next(wanted))
    local search, order = "/bookings?search=state%3Aconfirmed&limit=2", "&orderBy=created_at"
    assert.same({ search .. order, search .. "&page=2" .. order, search .. "&page=3" .. order }, targets(transport))
    assert.is_nil((iterator()))
    assert.equal(3, #transport.requests)
  end)

  it("are those of one page where the list has no numbers, and of the next where it names one", function()
    assert.equal("a b", ids(client(answer(200, '{"data":[{"id":"a"}],"last_page":2}'),
      answer(200, '{"data":[{"id":"b"}],"last_page":2}')):bookings()))
    local tk, transport = client(answer(200, fixture "ruby-booking_list"))
    assert.equal("f68979ff-27da-4afd-8d0c-847f9340331b f68979ff-27da-4afd-8d0c-847f9340331b", ids(tk:bookings()))
    assert.same({ "/bookings?orderBy=created_at" }, targets(transport))
    tk, transport = client(
      answer(200, '{"data":[{"id":"a"}],"next_page_url":"https://x/?page=2"}'),
      answer(200, '{"data":[{"id":"b"}],"next_page_url":null}'))
    assert.equal("a b", ids(tk:bookings()))
    assert.same({ "/bookings?orderBy=created_at", "/bookings?page=2&orderBy=created_at" }, targets(transport))
  end)

  it("go on after an empty page, and end after the last one", function()
    assert.equal("", ids(client(page(1, 1)):bookings()))
    assert.equal("a b", ids(client(page(1, 4, "a"), page(2, 4), page(3, 4, "b"), page(4, 4)):bookings()))
  end)

  it("raise the error of a page that cannot be had, and end then", function()
    for kind, failed in pairs {
      network = failure("network", "maybe"), auth = answer(401), response = answer(200, "{"), server = answer(500),
      rate_limited = answer(503),
    } do
      local iterator = client(page(1, 3, "a"), failed):bookings()
      local err, before = raised(iterator)
      assert.same({ kind, "a" }, { err.kind, before })
      assert.matches("^timekit: " .. kind, tostring(err))
      assert.is_nil((iterator()))
    end
  end)

  it("raise an error when the server does not turn the page", function()
    local tk, transport = client(page(1, 3, "a"), page(1, 3, "a"))
    local err, before = raised(tk:bookings())
    assert.same({ "response", "a", "yes" }, { err.kind, before, err.sent })
    assert.equal(2, #transport.requests)
  end)

  it("are read again like any read", function()
    local clock = clocks.install()
    local transport = scripted.new { failure("network", "maybe"), page(1, 2, "a"), answer(502), page(2, 2, "b") }
    local tk = timekit.new { app_key = "test_key", transport = transport }
    local found = ids(tk:bookings())
    clock:remove()
    assert.equal("a b", found)
  end)

  it("raise, when the client is closed in the loop", function()
    local tk = client(page(1, 2, "a"))
    local message = blame(function()
      for _ in tk:bookings() do tk:close() end
    end)
    assert.equal("client:bookings: the client is closed", message)
    assert.matches("the client is closed", blame(function() tk:bookings() end))
    assert.matches("call it with a colon", blame(function() tk.bookings {} end))
  end)

  -- PUC Lua 5.1 cannot yield in a loop's iterator.
  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
    it("keep no host waiting", function()
      local tk = client(page(1, 2, "a"), page(2, 2, "b"))
      local call = tk:start(function() return ids(tk:bookings()) end)
      assert.is_false(call:done())
      while not call:done() do tk:update(1) end
      assert.equal("a b", call:result())
    end)

    it("have a call end with the error that they raised", function()
      local tk = client(page(1, 2, "a"), answer(500))
      local told
      local call = tk:start(function() return ids(tk:bookings()) end):on_done(function(...) told = { ... } end)
      while tk:update(1) > 0 do end
      local none, err = call:result()
      assert.is_nil(none)
      assert.equal("server", err.kind)
      assert.equal(err, told[2])

      tk = client()
      call = tk:start(function() return ids(tk:bookings { search = { state = ";" } }) end)
      assert.equal("input", select(2, call:result()).kind)
      -- The error is not lost where nobody asks for the result.
      local ok, raised_err = pcall(call.on_done, call, function() ids(tk:bookings { search = { state = ";" } }) end)
      assert.same({ false, "input" }, { ok, raised_err.kind })
    end)
  end

  it("come over HTTP", function()
    local server = sandbox_server.start()
    local tk = timekit.new { app_key = "test_api_key_1", base_url = server.url }
    local made = {}
    for index = 1, 5 do
      made[index] = assert(tk:create_booking {
        graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z", meta = { row = index },
        customer = { name = "Marty " .. index },
      }).id
    end
    assert.equal(table.concat(made, " "), ids(tk:bookings { limit = 2 }))
    assert.equal(made[3], ids(tk:bookings { search = { ["customer.name"] = "*3", ["meta.row"] = 3 } }))
    assert.same({ 5, 2, 3 }, (function(found) return { found.total, found.per_page, found.last_page } end)(
      assert(tk:bookings_page { limit = 2 })))
    local data, info = tk:request("GET", "/bookings", { query = { limit = 1, page = 2 } })
    assert.same({ made[2], 2 }, { data[1].id, info.envelope.current_page })
    tk:close()
    server:close()
  end)

  it("and deletions without an answer's body come over HTTP", function()
    local server = sandbox_server.start()
    local tk = timekit.new { app_key = "test_api_key_1", base_url = server.url }
    assert.equal(200, server:request("POST", "/_sandbox/faults",
      '{"match":"DELETE /v2/bookings/*","what":"status","status":204,"when":"before","times":2}'))
    assert.is_true((tk:booking("b1"):delete()))
    assert.equal(core.null, (tk:request("DELETE", "/bookings/b1")))
    tk:close()
    server:close()
  end)
end)

describe("group bookings", function()
  it("are a list and a booking", function()
    local tk, transport = client(answer(200, fixture "bookingjs-group-slots"),
      answer(200, '{"data":{"id":"g1","graph":"group_owner","state":"tentative"}}'))
    local seats = 0
    for group in tk:group_bookings { include = "attributes" } do
      seats = seats + group.attributes.group_booking.max_seats
    end
    assert.equal(9, seats)
    assert.equal("g1", tk:group_booking("g/1", { include = { "attributes" } }).id)
    assert.same({ "/bookings/groups?orderBy=created_at&include=attributes",
      "/bookings/groups/g%2F1?include=attributes" },
      targets(transport))
    assert.matches("^client:group_booking: the id: ", blame(function() tk:group_booking("..") end))
    assert.matches("^client:group_booking: the id: ", blame(function() tk:group_booking() end))
  end)
end)
