-- Lists of bookings, page by page, and requests of one's own: in the process, over HTTP, and with answers as planned.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local socket = require "socket"
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

  it("is an error where the answer is no list", function()
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
  -- What must not become another condition, whichever attribute it stands for.
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
    local search = "/bookings?search=state%3Aconfirmed&limit=2"
    assert.same({ search, search .. "&page=2", search .. "&page=3" }, targets(transport))
    assert.is_nil((iterator()))
    assert.equal(3, #transport.requests)
  end)

  it("are those of one page where the list has no numbers, and of the next where it names one", function()
    assert.equal("a b", ids(client(answer(200, '{"data":[{"id":"a"}],"last_page":2}'),
      answer(200, '{"data":[{"id":"b"}],"last_page":2}')):bookings()))
    local tk, transport = client(answer(200, fixture "ruby-booking_list"))
    assert.equal("f68979ff-27da-4afd-8d0c-847f9340331b f68979ff-27da-4afd-8d0c-847f9340331b", ids(tk:bookings()))
    assert.same({ "/bookings" }, targets(transport))
    tk, transport = client(
      answer(200, '{"data":[{"id":"a"}],"next_page_url":"https://x/?page=2"}'),
      answer(200, '{"data":[{"id":"b"}],"next_page_url":null}'))
    assert.equal("a b", ids(tk:bookings()))
    assert.same({ "/bookings", "/bookings?page=2" }, targets(transport))
  end)

  it("end at an empty page", function()
    assert.equal("", ids(client(page(1, 1)):bookings()))
    assert.equal("a", ids(client(page(1, 9, "a"), page(2, 9)):bookings()))
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
      -- Where nobody asks for a result it is not lost.
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
    assert.equal(200, server:call("POST", "/_sandbox/faults",
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
    assert.same({ "/bookings/groups?include=attributes", "/bookings/groups/g%2F1?include=attributes" },
      targets(transport))
    assert.matches("^client:group_booking: the id: ", blame(function() tk:group_booking("..") end))
    assert.matches("^client:group_booking: the id: ", blame(function() tk:group_booking() end))
  end)
end)

describe("a request of one's own", function()
  it("is sent as it is meant", function()
    local tk, transport = client(answer(200, '{"data":{"id":"r"},"meta":{"n":1},"total":5}'), answer(201, '{"a":1}'))
    local opts = {
      query = { b = "x&y=z", a = 1, list = { "p", true } }, include = { "c", "d" }, timeout = 3,
      headers = { ["X-Mine"] = "1", ["Timekit-Timezone"] = "Europe/Copenhagen" },
    }
    local data, info = tk:request("GET", "/resources/a b", opts)
    assert.same({ id = "r" }, data)
    assert.same({ meta = { n = 1 }, total = 5 }, info.envelope)
    assert.same({ 200, 1 }, { info.status, info.attempts })
    local request = transport.requests[1]
    assert.same({ "GET", "/resources/a%20b?a=1&b=x%26y%3Dz&list=p&list=true&include=c,d", 3 },
      { request.method, request.target, request.timeout })
    assert.same(opts.headers, request.headers)
    data, info = tk:request("POST", "/x", {
      body = { list = timekit.array {} }, headers = { ["content-type"] = "a/b" },
    })
    assert.same({ a = 1 }, data)
    assert.same({}, info.envelope)
    assert.equal('{"list":[]}', transport.requests[2].body)
    assert.same({ ["content-type"] = "a/b" }, transport.requests[2].headers)
  end)

  it("takes whatever the answer holds", function()
    for body, expected in pairs {
      ['{"data":[]}'] = {}, ['{"data":null}'] = core.null, ["[1]"] = { 1 }, ['"x"'] = "x", ["null"] = core.null,
      ["7"] = 7, ['{"data":false}'] = false, ["{}"] = {},
    } do
      local data, info = client(answer(200, body)):request("GET", "/x")
      assert.same(expected, data)
      assert.equal(200, info.status)
    end
  end)

  it("needs no content in its answer where there is none to be expected", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(core.null, (client(answer(204)):request(method, "/x")))
    end
    assert.equal(core.null, (client(answer(200)):request("DELETE", "/x")))
    assert.equal("response", select(2, client(answer(200)):request("GET", "/x")).kind)
    assert.equal("uncertain", select(2, client(answer(200)):request("PUT", "/x")).kind)
  end)

  it("reads again what is a read, and nothing else after a doubt", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      for _, lost in ipairs { failure("network", "maybe"), answer(500), answer(502), answer(503), answer(200, "<") } do
        local clock = clocks.install()
        local transport = scripted.new { lost, answer(200, '{"data":1}') }
        local tk = timekit.new { app_key = "test_key", transport = transport }
        local data, info = tk:request(method, "/x")
        clock:remove()
        if method == "GET" then
          assert.same({ 1, 2 }, { data, info.attempts })
        else
          assert.is_nil(data)
          assert.same({ "uncertain", 1 }, { info.kind, #transport.requests })
          assert.matches(("it is not known whether %s /x took effect"):format(method), info.message, 1, true)
        end
      end
      for _, unsent in ipairs { failure("network", "no"), answer(429) } do
        local clock = clocks.install()
        local tk = timekit.new {
          app_key = "test_key", transport = scripted.new { unsent, answer(200, '{"data":1}') },
        }
        local data, info = tk:request(method, "/x")
        clock:remove()
        assert.same({ 1, 2 }, { data, info.attempts })
      end
    end
  end)

  it("has the errors of everything else, without the key", function()
    for status, kind in pairs { [401] = "auth", [403] = "auth", [404] = "not_found", [422] = "validation" } do
      local none, err = client(answer(status, '{"error":"not with test_key_83"}')):request("PUT", "/x")
      assert.is_nil(none)
      assert.same({ kind, "yes", status }, { err.kind, err.sent, err.status })
    end
    local transport = scripted.new { answer(403, '{"error":"no such key: live_key_83"}') }
    local tk = timekit.new { app_key = "live_key_83", transport = transport }
    local _, err = tk:request("GET", "/x")
    assert.is_nil(tostring(err):find("live_key_83", 1, true))
    _, err = tk:request("POST", "/x", { body = { text = ("x"):rep(2 ^ 20) } })
    assert.same({ "input", "no" }, { err.kind, err.sent })
  end)

  it("tells hooks its route without ids", function()
    local seen
    local tk = timekit.new {
      app_key = "test_key", transport = scripted.new { answer(204) },
      before = function(event) seen = { event.method, event.route } end,
    }
    assert(tk:request("DELETE", "/bookings/58190fc6-1ec0-4ebb-b627-7ce6aa9fc703/x"))
    assert.same({ "DELETE", "/bookings/{id}/x" }, seen)
  end)

  it("never becomes another one", function()
    local tk, transport = client()
    for _, path in ipairs {
      "", "/", "bookings", "//host/x", "/a//b", "/a/", "/..", "/a/../b", "/./a", "/%2e%2e/a", "/%2E./a", "/a?b=c",
      "/a#b", "/a\r\nX: 1", "/a\0", "/a%0d%0aX", "/a%00", "/a%", "/a%2", "/a%zz", "/a\\b", "/%5c..", "http://host/",
      "/" .. ("x"):rep(5000),
    } do
      assert.matches("^client:request: path: ", blame(function() tk:request("GET", path) end, path))
    end
    for _, path in ipairs { 7, {}, true, print } do
      assert.matches("^client:request: path: expected", blame(function() tk:request("GET", path) end))
    end
    assert.matches("^client:request: path: expected", blame(function() tk:request("GET") end))
    for _, method in ipairs { "get", "HEAD", "GET /x HTTP/1.1\r\n", "", 7, {} } do
      assert.matches("^client:request: method: expected", blame(function() tk:request(method, "/x") end))
    end
    for _, headers in ipairs {
      { Authorization = "Basic eDp5" }, { AUTHORIZATION = "x" }, { Host = "evil" }, { ["Content-Length"] = "0" },
      { ["Transfer-Encoding"] = "chunked" }, { ["X\r\nY"] = "1" }, { ["X:"] = "1" }, { [""] = "1" }, { "x" },
      { X = "a\r\nY: b" }, { X = "a\0" }, { X = "" }, { X = " a" }, { X = 7 }, { X = "1", x = "2" }, { Cookie = "a=b" },
    } do
      assert.matches("^client:request: headers: ", blame(function() tk:request("GET", "/x", { headers = headers }) end))
    end
    for _, query in ipairs {
      "a=b", { "x" }, { [""] = 1 }, { a = { {} } }, { a = { b = 1 } }, { a = print }, { a = 0 / 0 }, { ["a\n"] = 1 },
    } do
      assert.matches("^client:request: query: ", blame(function() tk:request("GET", "/x", { query = query }) end))
    end
    assert.matches("query: include is an option of its own",
      blame(function() tk:request("GET", "/x", { query = { include = "a" }, include = "b" }) end), 1, true)
    assert.matches("body: a GET has none", blame(function() tk:request("GET", "/x", { body = {} }) end), 1, true)
    assert.matches("body.f", blame(function() tk:request("PUT", "/x", { body = { f = print } }) end), 1, true)
    assert.matches("body: expected a table", blame(function() tk:request("PUT", "/x", { body = "{}" }) end), 1, true)
    assert.matches("unknown option 'qeury'", blame(function() tk:request("GET", "/x", { qeury = {} }) end), 1, true)
    assert.equal(0, #transport.requests)
  end)

  it("replaces the client's headers by its own, over HTTP", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(20)
    local _, port = listener:getsockname()
    local tk = timekit.new {
      app_key = "test_key", base_url = ("http://127.0.0.1:%d"):format(port), timezone = "Europe/Paris", timeout = 20,
    }
    local call = tk:start(function()
      return tk:request("POST", "/x", {
        body = {},
        headers = {
          ["timekit-timezone"] = "Asia/Tokyo", ["user-agent"] = "mine", ACCEPT = "a/b", ["Content-type"] = "c/d",
        },
      })
    end)
    -- The connection is made in the updates, and the backlog takes it.
    while not call:done() and not socket.select({ listener }, nil, 0)[1] do tk:update(0.01) end
    local connection = assert(listener:accept())
    connection:settimeout(0)
    local received = ""
    while not received:find("\r\n\r\n{}", 1, true) and not call:done() do
      tk:update(0.01)
      local all, _, part = connection:receive(65536)
      received = received .. (all or part)
    end
    connection:send("HTTP/1.1 204 No Content\r\n\r\n")
    while not call:done() do tk:update(1) end
    assert.equal(core.null, (call:result()))
    local found = {}
    for name, value in received:gmatch("\n([%w-]+): ?([^\r]*)") do
      name = name:lower()
      assert.is_nil(found[name], name)
      found[name] = value
    end
    assert.same({ "Asia/Tokyo", "mine", "a/b", "c/d", "Basic OnRlc3Rfa2V5" },
      { found["timekit-timezone"], found["user-agent"], found.accept, found["content-type"], found.authorization })
    connection:close()
    listener:close()
    tk:close()
  end)

  it("keeps what may stand in a path", function()
    local tk, transport = client(answer(204), answer(204))
    assert(tk:request("GET", "/a%2Fb/c:d@e,f;g=1/...x/~y"))
    assert(tk:request("GET", "/\195\169/\"<>|"))
    assert.same({ "/a%2Fb/c:d@e,f;g=1/...x/~y", "/%C3%A9/%22%3C%3E%7C" }, targets(transport))
  end)
end)
