-- Hooks: what they see, that no key is in it, that their errors break no operation, and the traceparent.
local blame = require "spec.support.blame"
local clocks = require "spec.support.clock"
local collect = require "spec.support.collect"
local scripted = require "spec.support.scripted"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local KEY = "live_api_key_Zm9vYmFy"
local BASIC = "OmxpdmVfYXBpX2tleV9abTl2WW1GeQ" -- base64(":" .. KEY)

local TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

local answer, booking, failure = scripted.answer, scripted.booking, scripted.failure

local function with_id(outcome, id)
  outcome.headers["timekit-request-id"] = id
  return outcome
end

-- Everything that can be reached from a value.
local function each_string(value, visit, seen)
  seen = seen or {}
  if type(value) == "string" then return visit(value) end
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  each_string(getmetatable(value), visit, seen)
  for key, item in pairs(value) do
    each_string(key, visit, seen)
    each_string(item, visit, seen)
  end
end

local function keys(event)
  local names = {}
  for name in pairs(event) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

describe("hooks", function()
  local clock, before, after

  before_each(function() clock, before, after = clocks.install(), {}, {} end)
  after_each(function() clock:remove() end)

  -- A client that notes what its hooks see. Each request takes a quarter of a second.
  local function client(plan, options)
    local transport = scripted.new(function(request)
      clock:advance(0.25)
      local planned = table.remove(plan, 1)
      return type(planned) == "function" and planned(request) or planned
    end)
    local given = {
      app_key = KEY, transport = transport,
      before = function(event) table.insert(before, event) end,
      after = function(event) table.insert(after, event) end,
    }
    for name, value in pairs(options or {}) do given[name] = value or nil end
    return timekit.new(given), transport
  end

  it("see every try once, before and after it", function()
    local order = {}
    local tk = client({
      function()
        order[#order + 1] = "sent"
        return booking "confirmed"
      end,
    }, {
      before = function(event)
        assert.is_nil(event.status)
        order[#order + 1] = "before"
      end,
      after = function() order[#order + 1] = "after" end,
    })
    assert(tk:booking("b1"):confirm())
    assert.same({ "before", "sent", "after" }, order)
  end)

  it("see what is tried and what came of it", function()
    local tk = client { with_id(booking "confirmed", "r1") }
    assert(tk:booking({ id = "b 1", graph = "confirm_decline", state = "tentative" }):confirm({ note = "x" }))
    assert.same({
      {
        method = "PUT", route = "/bookings/{id}/{action}", id = "b 1", graph = "confirm_decline", action = "confirm",
        attempt = 1, reconcile = false,
      },
    }, before)
    assert.same({
      {
        method = "PUT", route = "/bookings/{id}/{action}", id = "b 1", graph = "confirm_decline", action = "confirm",
        attempt = 1, reconcile = false, status = 200, sent = "yes", elapsed = 0.25, request_id = "r1",
      },
    }, after)
  end)

  it("see reads and creations", function()
    local tk = client { booking "confirmed", booking "confirmed", booking "confirmed" }
    assert(tk:booking("b1"):get { include = "attributes" })
    assert(tk:booking("b1"):can("cancel"))
    assert(tk:create_booking { graph = "instant" })
    assert.same({ "GET", "/bookings/{id}", "b1", 1, false },
      { before[1].method, before[1].route, before[1].id, before[1].attempt, before[1].reconcile })
    assert.equal("GET", before[2].method)
    assert.same({ "POST", "/bookings", "instant", false, 201 - 1 },
      { before[3].method, before[3].route, before[3].graph, before[3].reconcile, after[3].status })
    assert.is_nil(before[3].id)
    assert.is_nil(before[1].action)
    assert.equal(3, #after)
  end)

  it("see every failed try, and every look into it", function()
    local tk = client {
      failure("network", "no"), with_id(answer(500, "{}"), "r1"), failure("timeout", "no"),
      with_id(booking "tentative", "r2"), with_id(booking "confirmed", "r3"),
    }
    local _, info = tk:booking("b1"):confirm(nil, nil)
    assert.equal(3, info.attempts)
    local seen = {}
    for index, event in ipairs(after) do
      seen[index] = {
        event.method, event.attempt, event.reconcile, event.sent, event.kind or false, event.status or false,
        event.request_id or false, event.action,
      }
      assert.equal(0.25, event.elapsed)
    end
    assert.same({
      { "PUT", 1, false, "no", "network", false, false, "confirm" },
      { "PUT", 2, false, "yes", "server", 500, "r1", "confirm" },
      { "GET", 3, true, "no", "timeout", false, false, "confirm" },
      { "GET", 4, true, "yes", false, 200, "r2", "confirm" },
      { "PUT", 5, false, "yes", false, 200, "r3", "confirm" },
    }, seen)
    assert.equal(5, #before)
    for index, event in ipairs(before) do
      assert.same({ after[index].method, after[index].attempt, after[index].reconcile, after[index].route },
        { event.method, event.attempt, event.reconcile, event.route })
    end
  end)

  it("see kinds as errors have them", function()
    for kind, outcome in pairs {
      transition = answer(422, [[{"error":"Cannot apply action 'confirm' to current state 'declined'"}]]),
      not_found = answer(404), auth = answer(401), validation = answer(422), rate_limited = answer(429),
      server = answer(502), response = answer(200, ""), network = failure("network", "maybe"),
      timeout = failure("timeout", "maybe"), cancelled = failure("cancelled", "maybe"),
    } do
      after = {}
      local tk = client({ outcome }, { retries = 0, uncertain = "report" })
      tk:booking("b1"):confirm()
      assert.equal(1, #after)
      assert.same({ kind, outcome.status, outcome.sent }, { after[1].kind, after[1].status, after[1].sent })
    end
  end)

  it("see nothing of what is not sent", function()
    local tk = client({}, { rate = { per_second = 0.001, burst = 1 } })
    assert.equal("input", select(2, tk:booking({ id = "b1", graph = "instant" }):decline()).kind)
    tk = client({ booking "confirmed" }, { rate = { per_second = 0.001, burst = 1 } })
    tk:booking("b1"):get()
    before, after = {}, {}
    assert.equal("rate_limited", select(2, tk:booking("b1"):get()).kind)
    assert.same({ {}, {} }, { before, after })
  end)

  it("get plain tables of their own", function()
    local handed
    local tk = client({ booking "confirmed", booking "confirmed" }, {
      before = function(event)
        handed = event
        table.insert(before, event)
      end,
    })
    assert(tk:booking("b1"):get())
    assert(tk:booking("b1"):get())
    assert.is_not.equal(before[1], before[2])
    assert.is_not.equal(handed, after[2])
    for _, event in ipairs { before[1], after[1] } do
      assert.is_nil(getmetatable(event))
      for _, value in pairs(event) do
        assert.is_truthy(({ string = true, number = true, boolean = true })[type(value)])
      end
    end
  end)

  it("can be only one of the two", function()
    local tk = client({ booking "confirmed" }, { before = false })
    assert(tk:booking("b1"):get())
    assert.same({ 0, 1 }, { #before, #after })
    tk = client({ booking "confirmed" }, { after = false })
    assert(tk:booking("b1"):get())
    assert.same({ 1, 1 }, { #before, #after })
  end)

  it("are not there unless given: no operation costs more, none differs", function()
    local tk = client({ failure("network", "no"), booking "confirmed" }, { before = false, after = false })
    assert.equal(2, select(2, tk:booking("b1"):confirm()).attempts)
    assert.same({ {}, {} }, { before, after })
    tk:close()
  end)

  it("cannot change what is sent, or what is told", function()
    local tk, transport = client({ failure("network", "no"), booking "confirmed" }, {
      before = function(event)
        for name in pairs(event) do event[name] = nil end
        event.method, event.id = "DELETE", {}
      end,
      after = function(event)
        for name in pairs(event) do event[name] = nil end
      end,
    })
    local done, info = tk:booking("b1"):confirm()
    assert.same({ "confirmed", 2, 200 }, { done.state, info.attempts, info.status })
    assert.same({ "PUT", "/bookings/b1/confirm" }, { transport.requests[2].method, transport.requests[2].target })
    tk:close()
  end)

  it("can hand something on from `before` to `after`, such as a span", function()
    local span, handed = { name = KEY }, nil
    span.parent = span
    local tk = client({ booking "confirmed" }, {
      before = function(event) event.span = span end,
      after = function(event) handed = event.span end,
    })
    assert(tk:booking("b1"):confirm())
    assert.equal(span, handed)
    assert.equal(KEY, span.name)
    tk:close()
  end)

  it("see bodies only when asked to", function()
    local plan = function()
      return { answer(500, "lost\n"), booking "tentative", booking("confirmed", nil, ',"meta":"private"') }
    end
    local tk = client(plan())
    assert(tk:booking("b1"):confirm { note = "private" })
    for _, events in ipairs { before, after } do
      assert.equal(3, #events)
      each_string(events, function(text) assert.is_nil(text:find("private", 1, true)) end)
      for _, event in ipairs(events) do assert.is_nil(keys(event):find("body", 1, true)) end
    end
    before, after = {}, {}
    tk = client(plan(), { log_bodies = true })
    assert(tk:booking("b1"):confirm { note = "private" })
    for _, events in ipairs { before, after } do
      assert.equal('{"confirm":{"note":"private"}}', events[1].request_body)
      assert.is_nil(events[2].request_body)
      assert.equal(events[1].request_body, events[3].request_body)
    end
    assert.equal("lost\n", after[1].response_body)
    assert.matches('"state":"tentative"', after[2].response_body, 1, true)
    assert.matches('"meta":"private"', after[3].response_body, 1, true)
    for _, event in ipairs(before) do assert.is_nil(event.response_body) end
  end)

  it("see no key, wherever it stands", function()
    local echo = KEY .. " " .. BASIC .. "=="
    for _, status in ipairs { 200, 302, 401, 422, 429, 500, 503 } do
      for _, body in ipairs { echo, ('{"error":"%s"}'):format(echo), ('{"data":{"state":"%s"}}'):format(echo) } do
        local outcome = with_id(answer(status, body), echo)
        local cut_off = failure("response", "yes", status, body)
        cut_off.headers = outcome.headers
        for _, planned in ipairs { outcome, cut_off } do
          before, after = {}, {}
          local tk = client({ planned, planned, planned, planned }, { log_bodies = true, retries = 0 })
          tk:booking("b1"):action("confirm", { message = echo }, { settings = { note = KEY } })
          tk:booking("b1"):get()
          assert.is_true(#after >= 2)
          each_string({ before, after }, function(text)
            assert.is_nil(text:find("live_api_key", 1, true), text)
            assert.is_nil(text:find("OmxpdmVf", 1, true), text)
          end)
        end
      end
    end
  end)

  it("see no key even where it was taken for an id or an action", function()
    local tk = client({ answer(404), answer(404) })
    tk:booking(KEY):get()
    tk:booking("b1"):action(KEY)
    assert.equal(2, #after)
    each_string({ before, after }, function(text) assert.is_nil(text:find(KEY, 1, true), text) end)
  end)
end)

describe("an error in a hook", function()
  local function broken(text, level)
    return function() error(text, level) end
  end

  local function client(options)
    local transport = scripted.new(function() return booking "confirmed" end)
    options.app_key, options.transport = KEY, transport
    return timekit.new(options), transport
  end

  it("breaks no operation", function()
    for _, problem in ipairs { "broken", { "a table" }, 42, false } do
      local tk, transport = client { before = broken(problem, 0), after = broken(problem, 0) }
      assert.equal("confirmed", tk:booking("b1"):confirm().state)
      assert.equal("confirmed", tk:booking("b1"):get().state)
      assert.equal(2, #transport.requests)
      assert.is_false((pcall(tk.close, tk)))
    end
  end)

  it("may be any value, and comes through untouched", function()
    local seen
    local problem = { text = "my key is " .. KEY }
    problem.itself = problem
    local tk = client { before = broken(problem), after = function(event) seen = event end }
    assert.equal("confirmed", tk:booking("b1"):confirm().state)
    assert.equal(problem, seen.before_error)
    assert.equal("my key is " .. KEY, problem.text)
    assert.is_false((pcall(tk.close, tk)))
  end)

  it("of `before` stands in what `after` gets", function()
    local seen
    local problem = { "any value" }
    local tk = client { before = broken(problem), after = function(event) seen = event end }
    assert(tk:booking("b1"):confirm())
    assert.equal(problem, seen.before_error)
    assert.is_false((pcall(tk.close, tk)))
    tk = client { before = function() end, after = function(event) seen = event end }
    assert(tk:booking("b1"):confirm())
    assert.is_nil(seen.before_error)
    tk:close()
  end)

  it("is raised by close, the first one, once, with everything closed", function()
    local count = 0
    local tk, transport = client {
      after = function()
        count = count + 1
        error("problem " .. count, 0)
      end,
    }
    assert(tk:booking("b1"):confirm())
    assert(tk:booking("b1"):get())
    local message = blame(function() tk:close() end)
    assert.equal("timekit: the hook 'after' raised: problem 1", message)
    assert.equal(1, transport.closed)
    tk:close()
    assert.equal(1, transport.closed)
    assert.matches("the client is closed", blame(function() tk:booking("b1") end))
  end)

  it("names the hook", function()
    local tk = client { before = broken("one", 0), after = broken("two", 0) }
    assert(tk:booking("b1"):get())
    assert.equal("timekit: the hook 'before' raised: one", blame(function() tk:close() end))
    -- The message begins with the position, as Lua's errors do.
    tk = client { after = broken "two" }
    assert(tk:booking("b1"):get())
    assert.matches("the hook 'after' raised: .*hooks_spec.lua:%d+: two$", blame(function() tk:close() end))
  end)

  it("says nothing when there was none", function()
    local tk = client { before = function() end, after = function() end }
    assert(tk:booking("b1"):get())
    tk:close()
  end)

  it("is not raised by the collector, which runs anywhere", function()
    local transport
    do
      local tk
      tk, transport = client { after = broken "lost" }
      assert(tk:booking("b1"):get())
    end
    collect()
    assert.equal(1, transport.closed)
  end)

  if this_lua.closes then
    it("is raised at the end of the client's block, unless another error is on its way", function()
      local run = load [[
        local tk, problem = ...
        local closing <close> = tk
        assert(tk:booking("b1"):get())
        if problem then error(problem, 0) end
      ]]
      local tk, transport = client { after = broken("in the hook", 0) }
      local ok, message = pcall(run, tk)
      assert.is_false(ok)
      assert.matches("the hook 'after' raised: in the hook", message, 1, true)
      assert.equal(1, transport.closed)
      ok, message = pcall(run, (client { after = broken("in the hook", 0) }), "the program's own")
      assert.is_false(ok)
      assert.equal("the program's own", message)
    end)
  end
end)

describe("a traceparent", function()
  local clock

  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  it("goes with every try and every look", function()
    local transport = scripted.new {
      failure("network", "no"), answer(500), booking "tentative", booking "confirmed", booking "confirmed",
      booking "confirmed", failure("network", "no"), booking "confirmed",
    }
    local tk = timekit.new { app_key = KEY, transport = transport }
    assert(tk:booking("b1"):confirm(nil, { traceparent = TRACE }))
    assert(tk:booking("b1"):get { traceparent = TRACE })
    assert(tk:create_booking({ graph = "instant" }, { traceparent = TRACE }))
    assert.equal(6, #transport.requests)
    for _, request in ipairs(transport.requests) do
      assert.equal(TRACE, request.headers.traceparent)
      if request.method ~= "GET" then assert.equal("application/json", request.headers["Content-Type"]) end
    end
    -- The option holds for that operation only.
    assert(tk:booking("b1"):confirm())
    assert.is_nil(transport.requests[8].headers.traceparent)
  end)

  it("is taken in the form of W3C Trace Context, of later versions as well", function()
    for _, value in ipairs {
      TRACE, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later",
      "fe-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
    } do
      local transport = scripted.new { booking "confirmed" }
      assert(timekit.new({ app_key = KEY, transport = transport }):booking("b1"):get { traceparent = value })
      assert.equal(value, transport.requests[1].headers.traceparent)
    end
  end)
end)
