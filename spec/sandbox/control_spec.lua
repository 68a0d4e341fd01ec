-- What programs and the console ask of a served sandbox beside the API: status, history, bookings, graphs.
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local sandbox = require "timekit.sandbox"
local server = require "spec.support.sandbox_server"

local CREATE = '{"graph":"%s","what":"%s","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z",'
  .. '"customer":{"name":"Åse %s"}}'

describe("the control of a sandbox", function()
  local served

  setup(function() served = server.start() end)
  teardown(function() served:close() end)
  before_each(function() assert.equal(200, (served:request("POST", "/_sandbox/reset"))) end)

  local function ask(method, path, body)
    local status, answer = served:request(method, "/_sandbox/" .. path, body)
    return answer.data, status, answer
  end

  local function create(graph, what)
    local body = CREATE:format(graph or "confirm_decline", what or "", what or "")
    return select(2, served:request("POST", "/v2/bookings", body)).data.id
  end

  local function act(id, action)
    return (served:request("PUT", ("/v2/bookings/%s/%s"):format(id, action), "{}"))
  end

  it("tells what has changed, and what plays next", function()
    local before = ask("GET", "status")
    assert.equal(core.null, before.next)
    local id = create("instant")
    local after = ask("GET", "status")
    assert.equal(before.requests + 1, after.requests)
    assert.equal(before.moves + 1, after.moves)
    assert.equal(1, after.bookings)
    assert.same({
      id = id, graph = "instant", action = "complete", from = "confirmed", to = "completed", at = 4070952000,
      time = "2099-01-01T12:00:00+0000",
    }, after.next)
  end)

  it("moves the clock to what plays next", function()
    local id = create("instant")
    local moved = ask("POST", "clock", '{"advance":"next"}')
    assert.equal(id, moved.played[1].id)
    assert.equal(4070952000, moved.played[1].at)
    assert.is_true(moved.now >= 4070952000 and moved.now < 4070952010)
    assert.equal(core.null, moved.next)
    local _, status, answer = ask("POST", "clock", '{"advance":"next"}')
    assert.equal(422, status)
    assert.same({ advance = { "nothing will play by itself" } }, answer.errors)
  end)

  it("plays what is late when it moves to the next", function()
    local box = sandbox.new { now = 4070952000 * 2 }
    box:handle { method = "POST", target = "/v2/bookings", headers = { authorization = "Basic OmtleQ==" },
      body = CREATE:format("instant", "x", "x") }
    local play = box:next_autoplay()
    assert.same({ "complete", box:now() }, { play.action, play.at })
    assert.equal(1, #box:advance(play.at - box:now()))
    assert.is_nil(box:next_autoplay())
  end)

  it("numbers requests, and shows them newest first, page by page", function()
    for index = 1, 5 do create(nil, "n" .. index) end
    local page, _, answer = ask("GET", "requests?newest=2")
    assert.same({ 5, 4 }, { page[1].number, page[2].number })
    assert.equal(2, #page)
    assert.equal(5, answer.total)
    assert.is_nil(page[1].body)
    assert.same({ "POST", "/v2/bookings", 201 }, { page[1].method, page[1].target, page[1].status })
    assert.matches("^%d%d%d%d%-", page[1].time)
    assert.is_true(page[1].seconds >= 0)
    assert.equal("127.0.0.1", page[1].address)
    page = ask("GET", "requests?newest=1000&before=4")
    assert.same({ 3, 2, 1 }, { page[1].number, page[2].number, page[3].number })
    assert.same({}, (ask("GET", "requests?newest=5&before=1")))
    for _, query in ipairs { "newest=0", "newest=x", "newest=2&before=-1", "newest=" } do
      local _, status = ask("GET", "requests?" .. query)
      assert.equal(422, status, query)
    end
  end)

  it("shows a request and its answer in full, and no key", function()
    local id = create(nil, "test_api_key_1")
    local full = ask("GET", "requests/1")
    assert.same({ "POST", "/v2/bookings", 201 }, { full.method, full.target, full.status })
    assert.equal("***", full.request.headers.authorization)
    assert.equal(id, core.decode(full.answer.body).data.id)
    assert.equal("application/json", full.answer.headers["content-type"])
    assert.is_nil(full.seen)
    local connection = served:connect()
    connection:send("GET /v2/bookings?search=test_api_key_1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      .. "User-Agent: shop/1 test_api_key_1\r\nX-Copy: test_api_key_1\r\nCookie: a=b\r\n" .. server.AUTH .. "\r\n")
    server.read(connection)
    connection:close()
    local line = core.encode((ask("GET", "requests/2")))
    assert.falsy(line:find("test_api_key", 1, true), line)
    assert.falsy(line:find("a=b", 1, true))
    assert.falsy(core.encode((ask("GET", "requests?newest=9"))):find("test_api_key", 1, true))
    for _, path in ipairs { "requests/3", "requests/0", "requests/x", "requests/1.5" } do
      local _, status = ask("GET", path)
      assert.equal(404, status, path)
    end
  end)

  it("shows what the client of a request with a fault got, and what was done", function()
    local id = create()
    ask("POST", "faults", '{"what":"close","when":"after","match":"PUT /v2/bookings/*/confirm"}')
    ask("POST", "faults", '{"what":"status","status":502,"match":"PUT /v2/bookings/*/cancel"}')
    pcall(act, id, "confirm")
    assert.equal(502, act(id, "cancel"))
    local closed, refused = ask("GET", "requests/2"), ask("GET", "requests/3")
    assert.equal(200, closed.answer.status)
    assert.is_nil(closed.seen.status)
    assert.same({ what = "close", when = "after" }, closed.fault)
    assert.is_nil(refused.answer)
    assert.equal(502, refused.seen.status)
    assert.equal('{"error":"a planned fault"}', refused.seen.body)
  end)

  it("carries a request out again", function()
    local id = create()
    assert.equal(200, act(id, "confirm"))
    local again, status = ask("POST", "requests/2/again")
    assert.equal(200, status)
    assert.same({ 3, "PUT", 422 }, { again.number, again.method, again.status })
    assert.matches("Cannot apply action 'confirm'", again.answer.body, 1, true)
    assert.equal(201, ask("POST", "requests/1/again").status)
    assert.equal(2, #ask("GET", "bookings"))
    ask("POST", "faults", '{"what":"late","after_requests":1}')
    local late
    late, status = ask("POST", "requests/1/again")
    assert.same({ 202, "late" }, { status, late.fault.what })
    assert.equal(404, select(2, ask("POST", "requests/99/again")))
  end)

  it("finds bookings, newest first", function()
    local ids = { create("instant", "one"), create(nil, "two"), create(nil, "Three") }
    act(ids[2], "confirm")
    local function found(query)
      local list, _, answer = ask("GET", "bookings?newest=10" .. query)
      local names = {}
      for index, booking in ipairs(list) do names[index] = booking.what end
      return table.concat(names, " ") .. " " .. answer.total
    end
    assert.equal("Three two one 3", found "")
    assert.equal("two one 2", found "&state=confirmed")
    assert.equal("one 1", found "&graph=instant")
    assert.equal("Three 1", found "&search=thr")
    assert.equal("two 1", found("&search=" .. ids[2]:sub(1, 20)))
    assert.equal("two 1", found "&search=se+TWO")
    assert.equal("one 3", found "&before=2")
    assert.equal(1, #ask("GET", "bookings?newest=1"))
    local list = ask("GET", "bookings")
    assert.equal(ids[1], list[1].id)
  end)

  it("shows a booking with all that is possible and why the rest is not", function()
    local id = create()
    act(id, "confirm")
    local booking = ask("GET", "bookings/" .. id)
    assert.same({ "initialized", "tentative" }, booking.past)
    local actions = {}
    local names = {}
    for index, action in ipairs(booking.actions) do names[index], actions[action.name] = action.name, action end
    assert.equal("create confirm decline cancel cancel_by_customer reschedule_by_customer complete",
      table.concat(names, " "))
    assert.is_true(actions.cancel.possible)
    assert.equal("string", actions.cancel.inputs.message.type)
    assert.is_false(actions.decline.possible)
    assert.equal(select(2, graphs.confirm_decline:can("confirmed", "decline")), actions.decline.reason)
    assert.equal("complete", booking.next.action)
    local _, status = ask("GET", "bookings/nothing")
    assert.equal(404, status)
  end)

  it("lists the graphs, and draws them", function()
    local names = {}
    for index, graph in ipairs((ask("GET", "graphs"))) do names[index] = graph.name end
    assert.equal("confirm_decline group_customer", table.concat(names, " ", 1, 2))
    local function draw(path)
      local connection = served:connect()
      connection:send(server.request_text("GET", "/_sandbox/graphs/" .. path))
      local answer = server.read(connection)
      connection:close()
      return answer
    end
    local answer = draw "instant/picture?state=confirmed&past=initialized"
    assert.equal("image/svg+xml", answer.headers["content-type"])
    assert.equal(graphs.instant:picture { format = "svg", state = "confirmed", past = { "initialized" } }, answer.body)
    assert.equal(graphs.instant:picture(), draw("instant/picture?format=text").body)
    assert.equal(422, draw("instant/picture?state=confirmd").status)
    assert.matches("did you mean 'confirmed'", draw("instant/picture?state=confirmd").body, 1, true)
    assert.equal(422, draw("instant/picture?format=pdf").status)
    assert.equal(404, draw("instnt/picture").status)
  end)

  it("drops one planned fault", function()
    for _, what in ipairs { "close", "garbage", "truncate" } do
      ask("POST", "faults", ('{"what":"%s"}'):format(what))
    end
    local left = ask("DELETE", "faults/2")
    assert.same({ 2, "close", "truncate" }, { #left, left[1].what, left[2].what })
    for _, place in ipairs { "3", "0", "x" } do
      local _, status = ask("DELETE", "faults/" .. place)
      assert.equal(404, status, place)
    end
  end)

  it("removes a webhook, and sends a delivery again", function()
    -- Nobody listens there: every try fails.
    local hook = '{"url":"http://127.0.0.1:1/","secret":"s","graph":"instant","state":"confirmed"}'
    ask("POST", "webhooks", hook)
    create "instant"
    local shown
    repeat shown = ask("GET", "webhooks") until shown.deliveries[1].status == "failed"
    assert.equal(5, #shown.deliveries[1].tries)
    assert.matches("^%d%d%d%d%-", shown.deliveries[1].tries[5].time)
    assert.equal(1, shown.deliveries[1].number)
    shown = ask("POST", "deliveries/1/again")
    assert.equal(2, #shown.deliveries)
    assert.equal(shown.deliveries[1].body, shown.deliveries[2].body)
    assert.same({}, ask("DELETE", "webhooks/1").webhooks)
    for method, path in pairs { DELETE = "webhooks/1", POST = "deliveries/9/again" } do
      local _, status = ask(method, path)
      assert.equal(404, status, path)
    end
  end)

  it("says which methods an endpoint has", function()
    local _, status = ask("DELETE", "requests/1")
    assert.equal(405, status)
    _, status = ask("GET", "requests/1/again")
    assert.equal(405, status)
    _, status = ask("GET", "requests/1/agan")
    assert.equal(404, status)
  end)
end)

describe("the history of a box", function()
  local function box_with(key, full_requests)
    local box = sandbox.new { now = 0, full_requests = full_requests }
    local function get(target)
      return box:handle { method = "GET", target = target, headers = { Authorization = key } }
    end
    return box, get
  end

  it("keeps no more than 32 MiB of texts", function()
    local box = sandbox.new { now = 0 }
    local body = ("x"):rep(200 * 1024)
    for _ = 1, 300 do box:handle { method = "POST", target = "/v2/bookings", body = body } end
    assert.is_nil(box:request(1))
    assert.is_nil(box:again(1))
    assert.equal(body, box:request(300).request.body)
    assert.equal(300, #box:requests())
    box:handle { method = "POST", target = "/v2/bookings", body = ("é"):rep(200 * 1024) }
    local long = box:request(301).request
    assert.is_true(long.is_cut and #long.body <= 256 * 1024)
    assert.is_string(core.encode(long))
  end)

  it("forgets requests beyond those that it is to keep in full", function()
    local box, get = box_with("Basic OmtleQ==", 10)
    for _ = 1, 11 do get "/v2/bookings/x" end
    assert.is_nil(box:request(1))
    assert.equal(404, box:request(2).answer.status)
    assert.equal(404, box:request(11).answer.status)
    assert.is_nil(box:request(12))
    assert.equal(11, #box:requests())
  end)

  it("sends again with the key of the request, which is nowhere to be seen", function()
    local box, get = box_with "Basic OnRlc3Rfc2VjcmV0X2tleQ=="
    get "/v2/bookings"
    local answer, number = box:again(1)
    assert.same({ 200, 2 }, { answer.status, number })
    local seen = {}
    local function walk(value)
      if type(value) == "string" then assert.falsy(value:find("test_secret_key", 1, true)) end
      if type(value) ~= "table" or seen[value] then return end
      seen[value] = true
      for name, item in pairs(value) do
        walk(name)
        walk(item)
      end
    end
    walk(box)
  end)
end)
