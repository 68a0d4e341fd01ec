-- Lists with `prefetch`: the next page is on its way while the loop's body handles one.
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local cqueues = require "cqueues"
local held = require "spec.support.held"
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local scripted = require "spec.support.scripted"
local socket = require "socket"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"
local uv = require "luv"

local answer, failure = scripted.answer, scripted.failure

local KEY = "test_api_key_1"

-- PUC Lua 5.1 cannot yield in a loop's iterator.
local CAN_YIELD = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil
-- What a loop closes when it is left.
local CLOSES = this_lua.closes

-- An answer with the booking `number`, one of `last`.
local function page(number, last)
  return answer(200, core.encode {
    data = { { id = "b" .. number, state = "confirmed" } }, current_page = number, last_page = last,
  })
end

-- A client of a server that answers page after page, as soon as somebody waits, unless `pages` says otherwise.
local function client(last, options, pages)
  local transport = held.new()
  function transport.on_wait()
    for number, transfer in ipairs(transport.transfers) do
      if not transfer:done() then transport:finish(number, pages and pages[number] or page(number, last)) end
    end
  end
  local all = { app_key = "test_key", transport = transport, retries = 0 }
  for name, value in pairs(options or {}) do all[name] = value end
  return timekit.new(all), transport
end

local function ids(...)
  local found = {}
  for booking in ... do found[#found + 1] = booking.id end
  return table.concat(found, " ")
end

local function leave(...)
  for booking in ... do
    if booking then return end
  end
end

describe("with prefetch", function()
  it("a page is asked for while the one before is handled, and each is once", function()
    local tk, transport = client(3)
    local asked = {}
    for booking, on in tk:bookings { prefetch = true, limit = 1, search = { state = "confirmed" } } do
      assert.equal("b" .. on.current_page, booking.id)
      asked[#asked + 1] = #transport.transfers
      assert.equal(#asked == 3, transport.transfers[#transport.transfers]:done())
    end
    assert.same({ 2, 3, 3 }, asked)
    local search = "/bookings?search=state%3Aconfirmed&limit=1"
    for number, target in ipairs { search, search .. "&page=2", search .. "&page=3" } do
      assert.equal(target .. "&orderBy=created_at", transport.transfers[number].request.target)
    end
  end)

  it("nothing is asked for before the loop begins, nor where it is not wanted", function()
    local tk, transport = client(3)
    local iterator = tk:bookings { prefetch = true }
    assert.equal(0, #transport.transfers)
    iterator()
    assert.equal(2, #transport.transfers)
    for _, opts in ipairs { {}, { prefetch = false } } do
      tk, transport = client(3)
      tk:bookings(opts)()
      assert.equal(1, #transport.transfers)
    end
    local ok, problem = pcall(tk.bookings, tk, { prefetch = 1 })
    assert.matches("prefetch: expected true or false", tostring(problem), 1, true)
    assert.is_false(ok)
    ok, problem = pcall(tk.bookings_page, tk, { prefetch = true })
    assert.matches("unknown option 'prefetch'", tostring(problem), 1, true)
    assert.is_false(ok)
  end)

  it("bookings that offer seats come likewise", function()
    local tk, transport = client(2)
    local iterator = tk:group_bookings { prefetch = true }
    assert.equal("b1", iterator().id)
    assert.equal("/bookings/groups?page=2&orderBy=created_at", transport.transfers[2].request.target)
    assert.equal("b2", ids(iterator))
    assert.equal(2, #transport.transfers)
  end)

  it("what fails is raised when the loop comes to it", function()
    for kind, failed in pairs {
      network = failure("network", "maybe"), auth = answer(401), response = answer(200, "{"), server = answer(500),
      timeout = failure("timeout", "maybe"),
    } do
      local tk, transport = client(3, nil, { [2] = failed, [3] = failed })
      local found = {}
      local iterator = tk:bookings { prefetch = true }
      found[1] = iterator().id
      transport.on_wait()
      local ok, err = pcall(iterator)
      assert.same({ false, kind, "b1" }, { ok, err.kind, found[1] })
      assert.is_nil((iterator()))
      assert.equal(kind == "timeout" and 3 or 2, #transport.transfers)
    end
  end)

  it("a page that is another one is an error, and none is asked for after it", function()
    local tk, transport = client(3, nil, { [2] = page(1, 3) })
    local ok, err = pcall(ids, tk:bookings { prefetch = true })
    assert.same({ false, "response", 2 }, { ok, err.kind, #transport.transfers })
  end)

  it("a page that failed is read again when the loop comes to it, in its own time", function()
    local clock = clocks.install()
    local tk, transport = client(2, { retries = 1, timeout = 10 }, { [2] = answer(502), [3] = page(2, 2) })
    local iterator = tk:bookings { prefetch = true }
    iterator()
    transport.on_wait()
    -- The loop's body takes longer than a page's timeout.
    clock:advance(60)
    local found = ids(iterator)
    clock:remove()
    assert.same({ "b2", 3 }, { found, #transport.transfers })
    assert.is_true(transport.transfers[3].request.timeout > 9)
  end)

  it("a page whose time ended while the loop was busy is asked for again, in the time that is left", function()
    local clock = clocks.install()
    local tk, transport = client(2, { timeout = 10 }, { [2] = failure("timeout", "maybe"), [3] = page(2, 2) })
    local iterator = tk:bookings { prefetch = true }
    iterator()
    clock:advance(60)
    assert.equal("b2", ids(iterator))
    assert.same({ 3, 10 }, { #transport.transfers, transport.transfers[3].request.timeout })

    -- If the loop waited for the page, the timeout is an error.
    tk, transport = client(2, { timeout = 10 }, { [2] = failure("timeout", "maybe") })
    iterator = tk:bookings { prefetch = true }
    iterator()
    local answers = transport.on_wait
    function transport.on_wait()
      clock:advance(9)
      answers()
    end
    local ok, err = pcall(iterator)
    clock:remove()
    assert.same({ false, "timeout", 1, 2 }, { ok, err.kind, err.attempts, #transport.transfers })
  end)

  it("the client's rate is kept, by the real time", function()
    local clock = clocks.install()
    local tk, transport = client(4, { rate = { per_second = 1, burst = 2 } })
    local at = {}
    for _ in tk:bookings { prefetch = true } do
      at[#at + 1] = #transport.transfers
      clock:advance(0.25)
    end
    clock:remove()
    assert.same({ 2, 2, 3, 4 }, at)
    local slept = 0
    for _, seconds in ipairs(clock.slept) do slept = slept + seconds end
    assert.is_true(math.abs(slept - 1.25) < 0.1, slept)
  end)

  it("hooks see every try once, and may yield where they may otherwise", function()
    local events = {}
    local tk
    tk = client(3, {
      before = function(event) events[#events + 1] = "before " .. event.attempt end,
      after = function(event)
        events[#events + 1] = "after " .. (event.kind or event.status)
        if CAN_YIELD and coroutine.isyieldable and coroutine.isyieldable() then coroutine.yield "mine" end
      end,
    })
    local walk = coroutine.wrap(function() return ids(tk:bookings { prefetch = true }) end)
    local result = walk()
    while result == "mine" do result = walk() end
    assert.equal("b1 b2 b3", result)
    assert.equal("before 1 after 200 before 1 after 200 before 1 after 200", table.concat(events, " "))
  end)

  it("a closed client raises, and nothing is left over", function()
    local kinds = {}
    local tk, transport = client(3, { after = function(event) kinds[#kinds + 1] = event.kind or "fine" end })
    local iterator = tk:bookings { prefetch = true }
    iterator()
    tk:close()
    for _ = 1, 2 do
      local ok, problem = pcall(iterator)
      assert.is_false(ok)
      assert.matches("client:bookings: the client is closed", problem, 1, true)
    end
    assert.same({ "fine", "cancelled" }, kinds)
    assert.equal(2, #transport.transfers)
  end)

  it("a loop that is left takes the request with it", function()
    local kinds = {}
    local tk, transport = client(3, { after = function(event) kinds[#kinds + 1] = event.kind or "fine" end })
    leave(tk:bookings { prefetch = true })
    if CLOSES then
      assert.equal("cancelled", transport.transfers[2].outcome.failure.kind)
      assert.same({ "fine", "cancelled" }, kinds)
    end
    local kept = setmetatable({ transport.transfers[2] }, { __mode = "v" })
    transport.transfers = {}
    collectgarbage()
    collectgarbage()
    assert.is_nil(kept[1])
    assert.equal(0, tk:update())
    tk:close()
  end)

  if CLOSES then
    it("a loop that ends by an error closes it, and one that has not been sent yet never is", function()
      for burst = 1, 2 do
        local tk, transport = client(3, { rate = { per_second = 0.1, burst = burst } })
        local ok, problem = pcall(function()
          for booking in tk:bookings { prefetch = true } do error(booking.id, 0) end
        end)
        assert.same({ false, "b1" }, { ok, problem })
        assert.equal(burst, #transport.transfers)
        for _, transfer in ipairs(transport.transfers) do assert.is_true(transfer:done()) end
      end
    end)
  end

  if CAN_YIELD then
    it("a call keeps no host waiting", function()
      local tk, transport = client(3)
      transport.on_wait = nil
      local seen = {}
      local call = tk:start(function()
        for booking in tk:bookings { prefetch = true } do
          seen[#seen + 1] = booking.id
          coroutine.yield()
        end
        return #seen
      end)
      for number = 1, 3 do
        assert.equal(math.min(number, #transport.transfers), #transport.transfers)
        transport:finish(number, page(number, 3))
        for _ = 1, 3 do tk:update() end
        assert.equal(number, #seen)
        assert.equal(math.min(3, number + 1), #transport.transfers)
      end
      assert.equal(0, tk:update())
      assert.equal(3, call:result())
    end)

    it("a call that is cancelled ends, wherever it was", function()
      for _, waits in ipairs { true, false } do
        local tk, transport = client(3)
        transport.on_wait = nil
        local call = tk:start(function()
          for _ in tk:bookings { prefetch = true } do
            if not waits then coroutine.yield() end
          end
        end)
        transport:finish(1, page(1, 3))
        tk:update()
        call:cancel()
        while tk:update() > 0 do end
        local none, err = call:result()
        assert.same({ nil, "cancelled" }, { none, err.kind })
        assert.equal("cancelled", transport.transfers[2].outcome.failure.kind)
        assert.equal(2, #transport.transfers)
      end
    end)
  end
end)

describe("over HTTP, with prefetch,", function()
  local PAGES, PAUSE = 4, 0.15
  local server, made

  setup(function()
    server, made = sandbox_server.start(), {}
    local tk = timekit.new { app_key = KEY, base_url = server.url }
    for index = 1, PAGES do
      made[index] = assert(tk:create_booking {
        graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
        meta = { text = ("x"):rep(400000) },
      }).id
    end
    tk:close()
  end)

  teardown(function() server:close() end)

  local function count()
    local _, history = server:request("GET", "/_sandbox/requests")
    local found = 0
    for _, request in ipairs(history.data) do
      if request.target:find("^/v2/bookings%?") then found = found + 1 end
    end
    return found
  end

  local before

  before_each(function() before = count() end)

  -- Walks through all with a body that takes its time, by whose end the next page has been asked for.
  local function walk(tk, sleep)
    local found = {}
    for booking in tk:bookings { prefetch = true, limit = 1 } do
      found[#found + 1] = booking.id
      sleep(PAUSE)
      assert.equal(before + math.min(PAGES, #found + 1), count())
    end
    assert.same(made, found)
    return true
  end

  it("the server works while a script does", function()
    local tk = timekit.new { app_key = KEY, base_url = server.url }
    walk(tk, socket.sleep)
    tk:close()
  end)

  it("other requests in the loop are not in its way", function()
    local tk = timekit.new { app_key = KEY, base_url = server.url }
    local found = {}
    for booking in tk:bookings { prefetch = true, limit = 2 } do
      found[#found + 1] = assert(tk:booking(booking):get()).id
    end
    assert.same(made, found)
    assert.equal(before + PAGES / 2, count())
    tk:close()
  end)

  it("a body that takes longer than a page may gets it all the same, though it is a large one", function()
    local tk = timekit.new { app_key = KEY, base_url = server.url, timeout = 0.3, retries = 0 }
    local found, opts = {}, { prefetch = true, limit = 3, include = "meta" }
    for booking in tk:bookings(opts) do
      found[#found + 1] = booking.id
      if #found == 1 then socket.sleep(0.5) end
    end
    assert.same(made, found)
    tk:close()
  end)

  it("breaking out leaves nothing behind", function()
    local tk = timekit.new { app_key = KEY, base_url = server.url }
    for _ = 1, 50 do
      leave(tk:bookings { prefetch = true, limit = 1 })
    end
    collectgarbage()
    collectgarbage()
    assert.equal(0, tk:update())
    assert.equal(made[1], assert(tk:booking(made[1]):get()).id)
    tk:close()
  end)

  if CAN_YIELD then
    it("a coroutine of cqueues waits alone", function()
      local tk = timekit.new { app_key = KEY, base_url = server.url, runtime = "cqueues" }
      local queue, ticks, walked = cqueues.new(), 0, false
      queue:wrap(function() walked = walk(tk, cqueues.sleep) end)
      queue:wrap(function()
        while not walked do
          ticks = ticks + 1
          cqueues.sleep(0.01)
        end
      end)
      assert(queue:loop())
      assert.is_true(ticks > 10)
      tk:close()
    end)

    it("a coroutine of luv waits alone, and the loop ends", function()
      local tk = timekit.new { app_key = KEY, base_url = server.url, runtime = "luv" }
      local walked, problem
      local function sleep(seconds)
        local thread, timer = coroutine.running(), uv.new_timer()
        timer:start(math.floor(seconds * 1000), 0, function()
          timer:close()
          assert(coroutine.resume(thread))
        end)
        coroutine.yield()
      end
      coroutine.wrap(function()
        walked, problem = pcall(walk, tk, sleep)
      end)()
      uv.run()
      assert.is_true(walked, problem)
      -- A loop that is left in the middle.
      coroutine.wrap(leave)(tk:bookings { prefetch = true, limit = 1 })
      uv.run()
      tk:close()
    end)

    it("a call that is updated goes on beside a frame", function()
      local tk = timekit.new { app_key = KEY, base_url = server.url }
      local frames = 0
      local call = tk:start(walk, tk, function(seconds)
        local until_ = socket.gettime() + seconds
        while socket.gettime() < until_ do coroutine.yield() end
      end)
      while tk:update() > 0 do
        frames = frames + 1
        socket.sleep(0.002)
      end
      assert.is_true(call:result())
      assert.is_true(frames > 10)
      tk:close()
    end)
  end

  it("nginx goes on", function()
    assert.equal(200, (server:request("POST", "/_sandbox/faults", core.encode {
      match = "GET /v2/bookings", what = "stall", seconds = PAUSE, times = PAGES,
    })))
    local running = nginx.start(nginx.configuration(([[
      location = /walk { content_by_lua_block {
        local tk = require("timekit").new { app_key = "%s", base_url = "%s" }
        ngx.update_time()
        local began, found = ngx.now(), {}
        for booking in tk:bookings { prefetch = true, limit = 1 } do
          found[#found + 1] = booking.id
          ngx.sleep(%g)
        end
        ngx.update_time()
        for _ in tk:bookings { prefetch = true, limit = 1 } do break end
        tk:close()
        ngx.print(ngx.now() - began, " ", table.concat(found, " "))
      } }
    ]]):format(KEY, server.url, PAUSE)))
    local body, status = running:get("/walk")
    running:close()
    assert.equal(200, status)
    local took, found = body:match("^(%S+) (.*)$")
    assert.equal(table.concat(made, " "), found)
    assert.equal(before + PAGES + 2, count())
    -- The bodies and the answers, one after the other, would take PAUSE * 2 * PAGES.
    assert.is_true(tonumber(took) < PAUSE * (2 * PAGES - 1), "took " .. took)
  end)
end)
