-- Many actions at once: order, failures, progress, limits, memory.
local blame = require "spec.support.blame"
local faults = require "spec.support.faults"
local held = require "spec.support.held"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local unpack = table.unpack or unpack -- luacheck: ignore 113

local function answer_for(request)
  local id, action = request.target:match("^/bookings/([^/]+)/(%a+)")
  if action == "decline" then
    return scripted.answer(422, [[{"error":"Cannot apply action 'decline' to current state 'x'"}]])
  end
  return scripted.answer(200, ('{"data":{"id":"%s","state":"%s"}}'):format(id, action .. "ed"))
end

-- Ends what is in flight in the reverse order of its start, one at each wait.
local function backwards(transport)
  local open, most = 0, 0
  transport.on_wait = function()
    open = 0
    local last
    for number, transfer in ipairs(transport.transfers) do
      if not transfer:done() then open, last = open + 1, number end
    end
    most = math.max(most, open)
    transport:finish(last, answer_for(transport.transfers[last].request))
  end
  return function() return most end
end

describe("batch", function()
  local transport, tk, most

  before_each(function()
    transport = held.new()
    most = backwards(transport)
    tk = timekit.new { app_key = "k_test", transport = transport }
  end)

  local function items(count)
    local list = {}
    for index = 1, count do list[index] = { "b" .. index, "confirm" } end
    return list
  end

  it("returns the results in the order of the items, whatever the order of the answers", function()
    local list = items(40)
    list[7] = { { id = "b7", state = "tentative" }, "decline", { message = "Fully booked" }, { include = { "meta" } } }
    transport.on_wait = nil
    most = backwards(transport)
    local told = {}
    local results = tk:batch(list, { on_progress = function(index, booking, info, item)
      assert.equal(list[index], item)
      told[#told + 1] = booking and booking.id or info.kind
    end })
    assert.same({ 40, 1, 40 }, { results.done, results.failed, #results })
    for index, result in ipairs(results) do
      local booking, info = unpack(result, 1, 2)
      if index == 7 then
        assert.same({ "nil", "transition" }, { type(booking), info.kind })
      else
        assert.same({ "b" .. index, "confirmed", 200 }, { booking.id, booking.state, info.status })
      end
    end
    assert.equal(40, #told)
    assert.not_equal("b1", told[1])
    assert.equal(16, most())
  end)

  it("has as many in flight as it is told, and no more than there are", function()
    for concurrency, count in pairs { [1] = 5, [3] = 10, [100] = 12 } do
      transport = held.new()
      most = backwards(transport)
      tk = timekit.new { app_key = "k_test", transport = transport }
      assert.equal(count, tk:batch(items(count), { concurrency = concurrency }).done)
      assert.equal(math.min(concurrency, count), most())
    end
    assert.same({ done = 0, failed = 0 }, tk:batch {})
  end)

  it("stops at the first failure when it is told to, and says what was not started", function()
    local list = items(50)
    list[1][2] = "decline"
    transport.on_wait = function()
      for number, transfer in ipairs(transport.transfers) do
        if not transfer:done() then transport:finish(number, answer_for(transfer.request)) end
      end
    end
    local results = tk:batch(list, { concurrency = 10, stop_on_error = true })
    assert.same({ 10, 1, 50, 10 }, { results.done, results.failed, #results, #transport.transfers })
    assert.equal("transition", results[1][2].kind)
    assert.equal("confirmed", results[10][1].state)
    for index = 11, 50 do
      assert.is_nil(results[index][1])
      assert.same({ "cancelled", "no" }, { results[index][2].kind, results[index][2].sent })
    end
    assert.equal(50, tk:batch(list, { concurrency = 10 }).done)
  end)

  it("takes an iterator and keeps nothing of what is done", function()
    local count, sum = 0, 0
    transport.on_wait = function()
      for number, transfer in pairs(transport.transfers) do
        transport:finish(number, answer_for(transfer.request))
      end
      for number in pairs(transport.transfers) do transport.transfers[number] = nil end
    end
    local first, last
    local results = tk:batch(function()
      count = count + 1
      if count <= 20000 then return { "b" .. count, "confirm" } end
    end, { on_progress = function(index, booking)
      sum = sum + tonumber(booking.id:match("%d+"))
      if index == 2000 or index == 20000 then
        collectgarbage()
        collectgarbage()
        first, last = first or collectgarbage("count"), collectgarbage("count")
      end
    end })
    assert.same({ done = 20000, failed = 0 }, results)
    assert.equal(20000 * 20001 / 2, sum)
    assert.is_true(last - first < 100, last - first)
  end)

  it("waits for its turn where there is a rate", function()
    local clock = require("spec.support.clock").install()
    tk = timekit.new { app_key = "k_test", transport = transport, rate = { per_second = 10, burst = 5 } }
    local finish_all = transport.on_wait
    transport.on_wait = function(seconds)
      local open = false
      for _, transfer in ipairs(transport.transfers) do open = open or not transfer:done() end
      if open then finish_all(seconds) else clock:advance(seconds) end
    end
    local well, results = pcall(tk.batch, tk, items(25))
    clock:remove()
    assert(well, results)
    assert.same({ 25, 0 }, { results.done, results.failed })
    assert.is_true(math.abs(clock.time - 1000 - 2) < 0.2, clock.time)
  end)

  it("does not keep the host waiting inside a call, and is cancelled with it", function()
    transport.on_wait = error
    local call = tk:start(function() return tk:batch(items(20), { concurrency = 4 }) end)
    assert.equal(4, #transport.transfers)
    for number = 1, 20 do
      transport:finish(number, answer_for(transport.transfers[number].request))
      tk:update()
    end
    assert.equal(20, call:result().done)

    call = tk:start(function() return tk:batch(items(20), { concurrency = 4 }) end)
    call:cancel()
    while not call:done() do tk:update() end
    local results = call:result()
    assert.same({ 20, "cancelled", "maybe", "cancelled", "no" }, {
      #results, results[1][2].kind, results[1][2].sent, results[20][2].kind, results[20][2].sent,
    })
    assert.equal(24, #transport.transfers)
  end)

  it("raises for a wrong item of a list before anything is sent", function()
    for _, case in ipairs {
      { { "b1" }, "item 3: the action's name: expected a string, got nil" }, { "b1", "item 3: expected { id, action" },
      { { "", "confirm" }, "item 3: the id: expected a name" },
      { { "b1", "confirm", { a = print } }, "item 3: inputs.a: cannot encode" },
      { { "b1", "confirm", nil, { includ = "x" } }, "item 3: unknown option 'includ'" },
    } do
      local list = items(2)
      list[3] = case[1]
      local problem = blame(function() tk:batch(list) end)
      assert.truthy(problem:find("client:batch: " .. case[2], 1, true), problem)
    end
    assert.equal(0, #transport.transfers)
    assert.matches("expected a list of items or an iterator function, got a number", blame(function() tk:batch(1) end))
    assert.matches("concurrency: expected a whole number", blame(function() tk:batch({}, { concurrency = 0 }) end))
    assert.matches("unknown option 'concurency'.*concurrency", blame(function() tk:batch({}, { concurency = 1 }) end))
  end)

  it("raises an iterator's or a hook's error once what is in flight is over", function()
    local told = {}
    local count = 0
    local function progress(index) told[#told + 1] = index end
    local function iterator()
      count = count + 1
      if count == 6 then return { "", "confirm" } end
      return { "b" .. count, "confirm" }
    end
    local well, problem = pcall(tk.batch, tk, iterator, { concurrency = 4, on_progress = progress })
    assert.is_false(well)
    assert.matches("client:batch: item 6: the id", problem)
    table.sort(told)
    assert.same({ 1, 2, 3, 4, 5 }, told)
    assert.equal(5, #transport.transfers)
    well, problem = pcall(tk.batch, tk, items(20), { concurrency = 4, on_progress = function() error("oops", 0) end })
    assert.same({ false, "oops" }, { well, problem })
    assert.equal(9, #transport.transfers)
  end)
end)

-- The iterator asks Timekit itself.
describe("a batch of what is listed", function()
  it("asks its iterator one at a time, whoever waits", function()
    local box = timekit.sandbox.new { now = 1893456000 }
    local tk = timekit.new { transport = box }
    for _ = 1, 25 do
      assert(tk:create_booking {
        graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
      })
    end
    local listing = tk:bookings { limit = 4 }
    local transport = held.new()
    local own = timekit.new { app_key = "k_test", transport = transport }
    local inside, most = 0, 0
    transport.on_wait = function()
      for number, transfer in ipairs(transport.transfers) do
        local is_page = transfer.request.method == "GET"
        if not transfer:done() then
          return transport:finish(number, is_page and scripted.answer(404) or answer_for(transfer.request))
        end
      end
    end
    local results = own:batch(function()
      inside = inside + 1
      most = math.max(most, inside)
      -- Waits on the batch's own client, as a page would.
      assert(own:booking("page"):get() == nil)
      local booking = listing()
      inside = inside - 1
      return booking and { booking.id, "confirm" }
    end)
    assert.same({ 25, 0, 1 }, { results.done, results.failed, most })
    own:close()
    tk:close()
  end)

  it("ends when its iterator raises while others wait for it", function()
    local transport = held.new()
    local tk = timekit.new { app_key = "k_test", transport = transport, retries = 0 }
    transport.on_wait = function()
      for number, transfer in ipairs(transport.transfers) do
        if not transfer:done() then return transport:finish(number, scripted.answer(404)) end
      end
    end
    assert.same({ false, "oops" }, { pcall(tk.batch, tk, function()
      tk:booking("page"):get()
      error("oops", 0)
    end) })
    local call = tk:start(function() return tk:batch(function() return tk:booking("page"):get() end) end)
    call:cancel()
    while not call:done() do tk:update() end
    tk:close()
  end)
end)

describe("batch over HTTP", function()
  it("is done by one client over a few connections", function()
    local server = faults.start()
    local id = server:plan()
    local tk = timekit.new { app_key = "k_test", base_url = server.url.http .. "/f/" .. id, uncertain = "report" }
    local list = {}
    for index = 1, 200 do list[index] = { "b" .. index, "confirm" } end
    local results = tk:batch(list, { concurrency = 8 })
    assert.same({ 200, 200 }, { results.done, server:seen(id).complete })
    assert.is_true(server:stats().connections.http <= 8)
    tk:close()
    server:close()
  end)
end)
