-- What happens to a booking by itself, and waiting for a state, in every host.
local core = require "timekit.core"
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local cqueues = require "cqueues"
local graphs = require "timekit.graphs"
local held = require "spec.support.held"
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local time = require "timekit.text.time"
local timekit = require "timekit"
local uv = require "luv"

local unpack = table.unpack or unpack -- luacheck: ignore 113

local answer, failure = scripted.answer, scripted.failure

local NOW = 1893456000 -- 2030-01-01T00:00:00Z
local START, STOP = "2030-01-01T11:00:00+01:00", "2030-01-01T12:00:00+0100"

local function fields(graph, changes)
  local all = { graph = graph, start = START, ["end"] = STOP }
  for name, value in pairs(changes or {}) do all[name] = value end
  return all
end

-- A client of a server that shows these bookings, one after the other.
local function shows(...)
  local list = { ... }
  for index, one in ipairs(list) do
    if type(one) == "string" then list[index] = answer(200, '{"data":' .. one .. "}") end
  end
  local transport = scripted.new(list)
  return timekit.new { app_key = "test_key", transport = transport, retries = 0 }, transport
end

describe("a graph", function()
  it("says which states can still be reached", function()
    local g = graphs.confirm_decline
    assert.is_true(g:reaches("initialized", "completed"))
    assert.is_true(g:reaches("tentative", "rescheduled_by_customer"))
    assert.is_false(g:reaches("confirmed", "tentative"))
    assert.is_false(g:reaches("confirmed", "declined"))
    assert.is_false(g:reaches("declined", "confirmed"))
    assert.is_true(g:reaches("declined", "declined"))
    -- The server's own.
    assert.is_true(g:reaches("confirmed", "error"))
    assert.is_false(g:reaches("completed", "error"))
    assert.is_true(graphs.reservation:reaches("reserved", "expired"))
    for _, unknown in ipairs { "nowhere", 7, true } do
      assert.is_nil(g:reaches(unknown, "confirmed"))
      assert.is_nil(g:reaches("confirmed", unknown))
    end
    assert.is_nil(g:reaches(nil, "confirmed"))
    assert.is_nil(g:reaches("confirmed", nil))
  end)

  it("says which states can follow an action", function()
    local g = graphs.confirm_decline
    for state, expected in pairs {
      tentative = false, declined = false, confirmed = true, completed = true, error = true,
    } do
      assert.equal(expected, g:may_follow("confirm", state))
    end
    assert.is_false(graphs.group_customer_payment:may_follow("cancel_by_owner", "paid"))
    assert.is_nil(g:may_follow("pay", "confirmed"))
    assert.is_nil(g:may_follow("confirm", "paid"))
    assert.is_nil(g:may_follow("confirm", nil))
    assert.is_nil(g:may_follow(nil, "confirmed"))
  end)

  it("is not walked round for ever", function()
    local g = require("timekit.graph").define {
      name = "round", initial = "a", first = "go",
      states = { a = {}, b = {}, c = {} },
      actions = {
        { name = "go", from = "a", to = "b" }, { name = "back", from = "b", to = "a" },
        { name = "leave", from = "a", to = "c" },
      },
    }
    assert.is_true(g:reaches("b", "c"))
    assert.is_false(g:reaches("c", "a"))
  end)
end)

describe("next_autoplay", function()
  local box, tk

  before_each(function()
    box = timekit.sandbox.new { now = NOW }
    tk = timekit.new { app_key = "test_key", transport = box }
  end)

  it("says what will play, and when, as the sandbox then plays it", function()
    for name, case in pairs {
      instant = { "complete", NOW + 12 * 3600, "2030-01-01T12:00:00+00:00" },
      group_owner = { "complete", NOW + 12 * 3600, "2030-01-01T12:00:00+00:00" },
      instant_payment = { "timeout", NOW + 300, "2030-01-01T00:05:00+00:00" },
    } do
      box:reset()
      local handle = tk:booking(assert(tk:create_booking(fields(name))))
      local action, at, text = handle:next_autoplay()
      assert.same(case, { action, at, text })
      assert.equal(at, time.parse(text))
      assert.same({}, box:advance(at - NOW - 1))
      local played = box:advance(1)
      assert.same({ handle.id, action, at }, { played[1].id, played[1].action, played[1].at })
    end
  end)

  it("is nothing where nothing plays by itself", function()
    local handle = tk:booking(assert(tk:create_booking(fields "confirm_decline")))
    assert.equal(1, select("#", handle:next_autoplay()))
    assert.is_nil(handle:next_autoplay())
    assert(handle:confirm())
    assert.equal("complete", (handle:next_autoplay()))
    assert(handle:cancel())
    local before = #box:requests()
    assert.is_nil(handle:next_autoplay())
    -- A final state stays final, so nothing is requested.
    assert.equal(before, #box:requests())
    assert.equal(1, select("#", tk:booking(handle.id):next_autoplay()))
  end)

  it("goes by what the server says now, not by what was seen before", function()
    local handle = tk:booking(assert(tk:create_booking(fields "confirm_decline")))
    assert(tk:booking(handle.id):confirm())
    assert.equal("complete", (handle:next_autoplay { include = "meta", timeout = 5 }))
    assert.equal("confirmed", handle.state)
    local requests = box:requests()
    assert.matches("include=meta,attributes,event", requests[#requests].target, 1, true)
  end)

  it("finds the times wherever they stand", function()
    local base = '{"id":"b1","graph":"%s","state":"%s","created_at":"2030-01-01T00:00:00+0000"%s}'
    for rest, at in pairs {
      [',"attributes":{"event_info":{"end":"2030-01-01T10:00:00Z"}}'] = NOW + 11 * 3600,
      [',"event":{"end":"2030-01-01T12:00:00+0200"}'] = NOW + 11 * 3600,
      [',"attributes":{"event_info":{"end":"2030-01-01T10:00:00.5Z"}},"event":{"end":"x"}'] = NOW + 11 * 3600 + 0.5,
    } do
      local _, found = shows(base:format("instant", "confirmed", rest)):booking("b1"):next_autoplay()
      assert.equal(at, found, rest)
    end
    for rest, at in pairs {
      [""] = 300, [',"timeout":{"time":25,"unit":"min"}'] = 1500, [',"settings":{"timeout":"1 hour"}'] = 3600,
      [',"settings":null,"attributes":{"settings":{"timeout":{"time":"2","unit":"hours"}}}'] = 7200,
      [',"attributes":{"timeout":{"time":30,"unit":"sec"}}'] = 30,
      [',"settings":[],"timeout":null'] = 300,
    } do
      local action, found = shows(base:format("instant_payment", "tentative", rest)):booking("b1"):next_autoplay()
      assert.same({ "timeout", NOW + at }, { action, found }, rest)
    end
  end)

  it("is an error where it cannot be said", function()
    local function fails(text)
      local action, err = shows(text):booking("b1"):next_autoplay()
      assert.is_nil(action)
      assert.same({ "response", "yes", 200, 1 }, { err.kind, err.sent, err.status, err.attempts })
      return err.message
    end
    local confirmed = '{"id":"b1","graph":"instant","state":"confirmed"%s}'
    assert.matches("does not show when its event ends", fails(confirmed:format ""), 1, true)
    assert.matches("time zone", fails(confirmed:format ',"event":{"end":"2030-01-01T12:00:00"}'))
    fails(confirmed:format ',"event":{"end":7}')
    fails(confirmed:format ',"event":{"end":"9999-12-31T23:30:00Z"}')
    assert.matches("when it was created", fails '{"id":"b1","graph":"instant_payment","state":"tentative"}')
    assert.matches("'theirs'", fails '{"id":"b1","graph":"theirs","state":"x"}')
    fails '{"id":"b1","state":"x"}'
    -- But a booking that the server calls completed is over, whatever its graph says.
    assert.equal(1, select("#", shows('{"id":"b1","graph":"theirs","state":"x","completed":true}')
      :booking("b1"):next_autoplay()))
    assert.equal(1, select("#", shows(confirmed:format ',"completed":true'):booking("b1"):next_autoplay()))
    assert.equal("not_found", select(2, tk:booking("nobody"):next_autoplay()).kind)
    assert.equal("network", select(2, shows(failure("network", "maybe")):booking("b1"):next_autoplay()).kind)
  end)

  it("follows a graph that was defined by hand", function()
    graphs.define {
      name = "walk_in", initial = "initialized", first = "arrive",
      states = { initialized = {}, present = {}, gone = { final = true } },
      actions = {
        { name = "arrive", from = "initialized", to = "present" },
        { name = "leave", from = "present", to = "gone", autoplay = { after = 60, from = "created" } },
      },
    }
    local action, at = shows '{"id":"b1","graph":"walk_in","state":"present","created_at":"2030-01-01T00:00:00Z"}'
      :booking("b1"):next_autoplay()
    graphs.walk_in = nil
    assert.same({ "leave", NOW + 60 }, { action, at })
  end)

  it("raises on wrong use", function()
    local handle = tk:booking("b1")
    assert.matches("unknown option 'every'", blame(function() handle:next_autoplay { every = 1 } end), 1, true)
    assert.matches("with a colon", blame(function() handle.next_autoplay() end))
    tk:close()
    assert.matches("closed", blame(function() handle:next_autoplay() end))
  end)
end)

local function seen(state, rest)
  return ('{"id":"b1","graph":"confirm_decline","state":"%s"%s}'):format(state, rest or "")
end

describe("wait_until", function()
  local clock

  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  it("reads until the booking is in the state, with longer and longer pauses", function()
    local list = {}
    for index = 1, 12 do list[index] = seen "tentative" end
    list[13] = seen("confirmed", ',"meta":{"a":1}')
    local tk, transport = shows(unpack(list))
    local handle = tk:booking("b1")
    local booking, info = handle:wait_until("confirmed", { timeout = 600, include = "meta" })
    assert.same({ "confirmed", 1, "confirmed" }, { booking.state, booking.meta.a, handle.state })
    assert.same({ 13, false, 200 }, { info.attempts, info.reconciled, info.status })
    assert.equal(clock.time - 1000, info.elapsed)
    local expected, pause = {}, 1
    for index = 1, 12 do expected[index], pause = pause, math.min(30, pause * 1.5) end
    assert.same(expected, clock.slept)
    assert.equal(30, clock.slept[12])
    for _, request in ipairs(transport.requests) do
      assert.same({ "GET", "/bookings/b1?include=meta" }, { request.method, request.target })
    end
  end)

  it("does not wait where it is there already", function()
    local booking, info = shows(seen "confirmed"):booking("b1"):wait_until "confirmed"
    assert.same({ "confirmed", 1, 0 }, { booking.state, info.attempts, #clock.slept })
    -- For a state that the graph does not know, the server's word counts.
    assert(shows(seen "postponed"):booking("b1"):wait_until "postponed")
  end)

  it("looks as often as is asked for", function()
    local tk = shows(seen "tentative", seen "tentative", seen "confirmed")
    assert(tk:booking("b1"):wait_until("confirmed", { timeout = 300, every = 60 }))
    assert.same({ 60, 60 }, clock.slept)
    clock.slept = {}
    tk = shows(seen "tentative", seen "tentative", seen "confirmed")
    assert(tk:booking("b1"):wait_until("confirmed", { every = 0.1 }))
    assert.same({ 0.1, 0.15 }, { clock.slept[1], math.floor(clock.slept[2] * 100 + 0.5) / 100 })
  end)

  it("ends in time, with the state that was seen, after a last look", function()
    for _, case in ipairs { { nil, 30 }, { 10, 10 }, { 0.5, 0.5 }, { 120, 120 } } do
      local looks = 0
      local tk = timekit.new { app_key = "test_key", transport = scripted.new(function()
        looks = looks + 1
        return answer(200, '{"data":' .. seen "tentative" .. "}")
      end) }
      local began = clock.time
      local none, err = tk:booking("b1"):wait_until("confirmed", { timeout = case[1] })
      assert.is_nil(none)
      assert.same({ "timeout", "tentative", "confirm_decline", "yes", true, { "confirm", "decline" } },
        { err.kind, err.state, err.graph, err.sent, err.retryable, err.allowed })
      local spent = clock.time - began
      assert.is_true(spent <= case[2] and spent >= math.max(case[2] * 0.74, case[2] - 2.01), spent .. " s")
      assert.same({ looks, spent }, { err.attempts, err.elapsed })
      assert.is_true(looks >= 2)
    end
  end)

  it("ends as soon as the state is out of reach", function()
    local tk, transport = shows(seen "tentative", seen "declined")
    local none, err = tk:booking("b1"):wait_until("confirmed", { timeout = 600 })
    assert.is_nil(none)
    assert.same({ "transition", "declined", "confirm_decline", {}, 2, "yes" },
      { err.kind, err.state, err.graph, err.allowed, err.attempts, err.sent })
    assert.equal(2, #transport.requests)
    local _
    _, err = shows(seen "confirmed"):booking("b1"):wait_until "tentative"
    assert.same({ "transition", "cancel" }, { err.kind, err.allowed[1] })
    -- Whatever the graph says, if the server calls it completed.
    local over = '{"id":"b1","graph":"theirs","state":"gone","completed":true}'
    assert.equal("transition", select(2, shows(over):booking("b1"):wait_until "here").kind)
    -- The server's word counts: an unknown graph may lead anywhere.
    assert(shows(seen("declined", ',"completed":false'), seen "confirmed"):booking("b1"):wait_until "confirmed")
    assert(shows('{"id":"b1","graph":"theirs","state":"gone"}', '{"id":"b1","graph":"theirs","state":"here"}')
      :booking("b1"):wait_until "here")
    _, err = shows(seen "tentative"):booking("b1"):wait_until "confrmed"
    assert.equal("input", err.kind)
    assert.matches("did you mean 'confirmed'", err.message, 1, true)
  end)

  it("goes on after what may pass, and ends with what does not", function()
    local tk = shows(failure("network", "maybe"), answer(503, "", { ["retry-after"] = "9" }), answer(200, "junk"),
      seen "confirmed")
    local booking, info = tk:booking("b1"):wait_until("confirmed", { timeout = 60 })
    assert.same({ "confirmed", 4 }, { booking.state, info.attempts })
    assert.same({ 1, 9, 2.25 }, clock.slept)
    for kind, refusal in pairs { auth = answer(401), not_found = answer(404), validation = answer(422) } do
      local _, err = shows(seen "tentative", refusal):booking("b1"):wait_until("confirmed", { timeout = 60 })
      assert.same({ kind, 2 }, { err.kind, err.attempts })
    end
    -- No state was ever seen.
    local none = timekit.new { app_key = "test_key", retries = 0, transport = scripted.new(function()
      return failure("network", "no")
    end) }
    local _, err = none:booking("b1"):wait_until("confirmed", { timeout = 5 })
    assert.equal("network", err.kind)
    assert.is_true(err.elapsed <= 5)
    -- A state was seen before the network failed.
    local list = { answer(200, '{"data":' .. seen "tentative" .. "}") }
    none = timekit.new { app_key = "test_key", retries = 0, transport = scripted.new(function()
      return table.remove(list, 1) or failure("network", "no")
    end) }
    _, err = none:booking("b1"):wait_until("confirmed", { timeout = 5 })
    assert.same({ "timeout", "tentative" }, { err.kind, err.state })
  end)

  it("keeps the client's rate", function()
    local tk = timekit.new { app_key = "test_key", rate = { per_second = 0.1, burst = 1 }, transport = scripted.new {
      answer(200, '{"data":' .. seen "tentative" .. "}"), answer(200, '{"data":' .. seen "confirmed" .. "}"),
    } }
    assert(tk:booking("b1"):wait_until("confirmed", { timeout = 60 }))
    assert.is_true(clock.time >= 1010)
  end)

  it("sees what plays by itself", function()
    local box = timekit.sandbox.new { now = NOW }
    local tk = timekit.new { app_key = "test_key", transport = box }
    local handle = tk:booking(assert(tk:create_booking(fields "instant_payment")))
    local _, at = handle:next_autoplay()
    local looks = 0
    local other = timekit.new { app_key = "test_key", transport = box, before = function()
      looks = looks + 1
      if looks == 3 then box:advance(at - NOW) end
    end }
    assert.equal("unpaid", assert(other:booking(handle.id):wait_until "unpaid").state)
    assert.equal(3, looks)
  end)

  it("raises on wrong use", function()
    local tk = shows()
    local handle = tk:booking("b1")
    for _, wrong in ipairs { "", 7, true, {} } do
      assert.matches("wait_until: state: expected a name", blame(function() handle:wait_until(wrong) end))
    end
    assert.matches("state: expected a name, got nothing", blame(function() handle:wait_until() end))
    assert.matches("every: expected a positive", blame(function() handle:wait_until("x", { every = 0 }) end))
    assert.matches("did you mean 'timeout'", blame(function() handle:wait_until("x", { timout = 1 }) end))
    tk:close()
    assert.matches("closed", blame(function() handle:wait_until("x") end))
  end)

  it("does not keep its host waiting in a call, nor when it is cancelled", function()
    local transport = held.new()
    local tk = timekit.new { app_key = "test_key", transport = transport }
    local call = tk:start(function() return tk:booking("b1"):wait_until("confirmed", { timeout = 60, every = 2 }) end)
    local function show(state)
      transport:finish(#transport.transfers, answer(200, '{"data":' .. seen(state) .. "}"))
      tk:update()
    end
    show "tentative"
    tk:update()
    assert.same({ 1, false }, { #transport.transfers, call:done() })
    assert.equal(2, tk:timeout())
    clock:advance(2)
    tk:update()
    assert.equal(2, #transport.transfers)
    show "confirmed"
    assert.equal("confirmed", call:result().state)
    -- Cancelled while it sleeps, and while it reads.
    for looks = 3, 4 do
      call = tk:start(function() return tk:booking("b1"):wait_until("confirmed", { timeout = 60 }) end)
      if looks == 3 then show "tentative" end
      call:cancel()
      assert.is_true(call:done())
      local none, err = call:result()
      assert.same({ "nil", "cancelled" }, { type(none), err.kind })
      assert.equal(looks, #transport.transfers)
    end
    -- The client is closed meanwhile.
    call = tk:start(function() return tk:booking("b1"):wait_until("confirmed", { timeout = 60 }) end)
    show "tentative"
    tk:close()
    assert.equal("cancelled", select(2, call:result()).kind)
    assert.equal(0, #transport.waits)
    assert.equal(0, #clock.slept)
  end)
end)

describe("wait_until leaves the host to others", function()
  local KEY, served = "test_api_key_1", nil

  setup(function() served = sandbox_server.start("KEY=" .. KEY) end)
  teardown(function() served:close() end)

  local function client(runtime)
    return timekit.new { app_key = KEY, base_url = served.url, runtime = runtime }
  end

  -- The wait for the confirmation begins first, so the confirmation only comes if the host goes on.
  local function waiter(tk, id, ended)
    return function()
      local booking, info = tk:booking(id):wait_until("confirmed", { every = 0.01, timeout = 20 })
      ended[1] = booking and booking.state or tostring(info)
    end
  end

  it("in a call", function()
    local tk = client()
    local id, ended = assert(tk:create_booking(fields "confirm_decline")).id, {}
    local call = tk:start(waiter(tk, id, ended))
    tk:start(function() tk:booking(id):confirm() end)
    while not call:done() do tk:update(1) end
    assert.same({ "confirmed" }, ended)
    tk:close()
  end)

  it("in cqueues", function()
    local tk = client "cqueues"
    local queue, id, ended = cqueues.new(), assert(client():create_booking(fields "confirm_decline")).id, {}
    queue:wrap(waiter(tk, id, ended))
    queue:wrap(function() assert(tk:booking(id):confirm()) end)
    assert(queue:loop())
    assert.same({ "confirmed" }, ended)
    tk:close()
  end)

  it("in luv", function()
    local tk = client "luv"
    local id, ended = assert(client():create_booking(fields "confirm_decline")).id, {}
    coroutine.wrap(waiter(tk, id, ended))()
    coroutine.wrap(function() tk:booking(id):confirm() end)()
    uv.run()
    assert.same({ "confirmed" }, ended)
    tk:close()
  end)

  it("in nginx, and says so where it cannot wait", function()
    local id = assert(client():create_booking(fields "confirm_decline")).id
    local running = nginx.start(nginx.configuration([[
      location = /wait {
        content_by_lua_block {
          local booking, err = require("timekit").booking(ngx.var.arg_id):wait_until("confirmed",
            { every = 0.01, timeout = 20 })
          ngx.print(booking and booking.state or tostring(err))
        }
      }
      location = /confirm {
        content_by_lua_block { ngx.print(require("timekit").booking(ngx.var.arg_id):confirm().state) }
      }
      location = /late {
        header_filter_by_lua_block {
          local _, err = require("timekit").booking("b1"):wait_until("confirmed")
          ngx.header["X-Kind"] = err.kind
        }
        content_by_lua_block { ngx.print(ngx.var.uri) }
        body_filter_by_lua_block { ngx.arg[1] = ngx.header["X-Kind"] }
      }
    ]], { main = "env TIMEKIT_APP_KEY;\nenv TIMEKIT_BASE_URL;\n", workers = 1 }),
      ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s"):format(KEY, served.url))
    local asked = running:ask("/wait?id=" .. id)
    local deadline = core.now() + 20
    repeat
      assert(core.now() < deadline, "nginx has not asked for the booking")
      local _, requests = served:request("GET", "/_sandbox/requests")
      local last = requests.data[#requests.data]
    until last.method == "GET" and last.target:find(id, 1, true)
    local confirmed, late = running:get("/confirm?id=" .. id), running:get "/late"
    local waited = nginx.answer(asked)
    running:close()
    assert.same({ "confirmed", "confirmed", "phase" }, { confirmed, waited, late:match("^phase") })
  end)
end)
