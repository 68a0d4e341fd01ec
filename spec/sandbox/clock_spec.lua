local graphs = require "timekit.graphs"
local support = require "spec.support.box"
local time = require "timekit.text.time"

local NOW, ENDS = support.NOW, support.ENDS

describe("the sandbox's clock", function()
  local api, box

  before_each(function()
    api = support.new()
    box = api.box
  end)

  it("stands until it is moved", function()
    assert.equal(NOW, box:now())
    box:advance(10)
    box:advance(0)
    assert.equal(NOW + 10, box:now())
    local id = api:create("instant")
    assert.equal(time.format(NOW + 10), api:get(id).created_at)
  end)

  it("starts at the present when no time is given", function()
    local before = os.time()
    local now = require("timekit.sandbox").new():now()
    assert.is_true(now >= before and now <= os.time())
  end)

  it("adds up fractions", function()
    box:advance(0.5)
    assert.equal(NOW, box:now())
    for _ = 1, 3 do box:advance(0.5) end
    assert.equal(NOW + 2, box:now())
  end)

  it("does not go back, nor beyond what can be written", function()
    for _, seconds in ipairs { -1, 0 / 0, -math.huge } do
      assert.has_error(function() box:advance(seconds) end)
    end
    assert.has_error(function() box:advance(math.huge) end, "seconds: expected a time before the year 10000")
    assert.equal(NOW, box:now())
    local id = api:create("instant")
    box:advance(251464780800)
    assert.equal("completed", api:get(id).state)
  end)

  describe("plays complete one hour after the end", function()
    it("to the second", function()
      local id = api:create("instant")
      assert.same({}, box:advance(ENDS + 3599 - NOW))
      assert.equal("confirmed", api:get(id).state)
      local played = box:advance(1)
      assert.same({ { id = id, action = "complete", from = "confirmed", to = "completed", at = ENDS + 3600 } }, played)
      local booking = api:get(id)
      assert.equal("completed", booking.state)
      assert.is_true(booking.completed)
      assert.same({ "confirm:confirmed:api", "complete:completed:autoplay" }, api:history(id))
    end)

    it("stamped with its own moment, however far the clock moves", function()
      local id = api:create("instant")
      box:advance(10 * 86400)
      assert.equal("2030-01-01T12:00:00+0000", api:get(id).updated_at)
      assert.equal("2030-01-01T00:00:00+0000", api:get(id).created_at)
      assert.equal(ENDS + 3600, box:bookings()[1].history[2].at)
    end)

    it("from the states that offer it, in each graph", function()
      local owner = api:create("group_owner")
      local ids = {
        api:create("instant"), (api:create("confirm_decline")), (api:create("confirm_decline")),
        (api:create("instant_payment")), api:join(owner), api:join(owner, "group_customer_payment"), owner,
      }
      api:act(ids[2], "confirm")
      api:act(ids[4], "pay")
      api:act(ids[6], "pay")
      box:advance(86400)
      local states = {}
      for index, id in ipairs(ids) do states[index] = api:get(id).state end
      assert.same({ "completed", "completed", "tentative", "completed", "completed", "completed", "completed" }, states)
    end)

    it("not when the booking was ended before", function()
      local id = api:create("instant")
      box:advance(3600)
      api:act(id, "cancel")
      assert.same({}, box:advance(86400))
      assert.equal("cancelled", api:get(id).state)
      assert.equal(time.format(NOW + 3600), api:get(id).updated_at)
    end)
  end)

  describe("plays timeout", function()
    it("five minutes after the creation", function()
      box:advance(77)
      local id = api:create("instant_payment")
      assert.same({}, box:advance(299))
      assert.equal(1, #box:advance(1))
      assert.equal("unpaid", api:get(id).state)
      assert.is_true(api:get(id).completed)
      assert.same({ "create:tentative:api", "timeout:unpaid:autoplay" }, api:history(id))
    end)

    it("when the booking says, beside the other fields or under settings", function()
      for _, fields in ipairs {
        { timeout = { time = 25, unit = "min" } }, { settings = { timeout = { time = 25, unit = "min" } } },
      } do
        local id = api:create("instant_payment", fields)
        box:advance(25 * 60 - 1)
        assert.equal("tentative", api:get(id).state)
        box:advance(1)
        assert.equal("unpaid", api:get(id).state)
      end
    end)

    it("not when it was paid; then complete does", function()
      local id = api:create("instant_payment")
      box:advance(299)
      api:act(id, "pay", { pay = { payment_id = "p1" } })
      assert.equal("paid", api:get(id).state)
      box:advance(86400)
      assert.same({ "create:tentative:api", "pay:paid:api", "complete:completed:autoplay" }, api:history(id))
    end)
  end)

  it("plays everything in the order of the moments", function()
    local function at(minutes)
      return { start = support.START, ["end"] = time.format(ENDS + minutes * 60) }
    end
    local ids, order = {}, { 30, 5, 60, 1, 45, 5, 0, 59, 2, 5 }
    for index, minutes in ipairs(order) do ids[index] = api:create("instant", at(minutes)) end
    local payment = api:create("instant_payment")
    local played = box:advance(10 * 86400)
    assert.equal(11, #played)
    assert.equal(payment, played[1].id)
    local expected = { ids[7], ids[4], ids[9], ids[2], ids[6], ids[10], ids[1], ids[5], ids[8], ids[3] }
    for index, id in ipairs(expected) do assert.equal(id, played[index + 1].id) end
    for index = 2, #played do assert.is_true(played[index - 1].at <= played[index].at) end
  end)

  it("plays many bookings, some of which have changed, in order", function()
    local seed, alive = 12345, {}
    local function random(n)
      seed = seed * 16807 % 2147483647
      return seed % n
    end
    for _ = 1, 400 do
      local id = api:create("instant", { start = support.START, ["end"] = time.format(ENDS + random(1000)) })
      if random(4) == 0 then api:act(id, "cancel") else alive[id] = true end
    end
    local count, last = 0, 0
    for _ = 1, 30 do
      for _, played in ipairs(box:advance(3600)) do
        assert.is_true(alive[played.id])
        assert.is_true(played.at >= last)
        alive[played.id], last, count = nil, played.at, count + 1
      end
    end
    assert.is_nil(next(alive))
    assert.is_true(count > 200)
  end)

  it("plays on from a state that was played into", function()
    graphs.define {
      name = "reminded", initial = "initialized", first = "create", states = {
        initialized = {}, created = {}, reminded = {}, late = {}, closed = { final = true },
      },
      actions = {
        { name = "create", from = "initialized", to = "created" },
        { name = "remind", from = "created", to = "reminded", autoplay = { after = 60, from = "created" } },
        -- Due before it can play: it plays at once.
        { name = "hurry", from = "reminded", to = "late", autoplay = { after = 30, from = "created" } },
        { name = "close", from = "late", to = "closed", autoplay = { after = 0, from = "end" } },
      },
    }
    local id = api:create("reminded")
    local played = box:advance(86400)
    local told = {}
    for index, step in ipairs(played) do told[index] = step.action .. " " .. step.at - NOW end
    assert.same({ "remind 60", "hurry 60", "close " .. ENDS - NOW }, told)
    assert.equal("closed", api:get(id).state)
  end)

  describe("lets a moment that had already passed", function()
    it("wait until it is next moved, so that examples with old dates work", function()
      local id = api:create("confirm_decline", { start = "2015-03-01T08:00:00Z", ["end"] = "2015-03-01T13:00:00Z" })
      api:act(id, "confirm")
      assert.equal("confirmed", api:get(id).state)
      local played = box:advance(10)
      assert.same({ { id = id, action = "complete", from = "confirmed", to = "completed", at = NOW } }, played)
      assert.equal("completed", api:get(id).state)
    end)

    it("not play when the booking has gone on", function()
      local id = api:create("instant", { start = "2015-03-01T08:00:00Z", ["end"] = "2015-03-01T13:00:00Z" })
      api:act(id, "cancel")
      assert.same({}, box:advance(10))
      assert.equal("cancelled", api:get(id).state)
    end)
  end)

  describe("that follows a function", function()
    local now

    before_each(function()
      now = NOW
      api = support.new { now = function() return now end }
      box = api.box
    end)

    it("plays before a request is answered", function()
      local id = api:create("instant_payment")
      now = now + 400
      local status, answer = api:act(id, "pay")
      assert.equal(422, status)
      assert.equal("Cannot apply action 'pay' to current state 'unpaid'", answer.error)
      assert.equal(time.format(NOW + 300), api:get(id).updated_at)
    end)

    it("plays before the bookings are shown", function()
      api:create("instant_payment")
      now = now + 300
      assert.equal("unpaid", box:bookings()[1].state)
    end)

    it("is moved on top of it", function()
      local id = api:create("instant_payment")
      box:advance(200)
      now = now + 50
      assert.equal(NOW + 250, box:now())
      now = now + 49.9
      assert.equal("tentative", api:get(id).state)
      now = now + 0.1
      assert.equal("unpaid", api:get(id).state)
    end)

    it("does not tell what had played before as played by a move", function()
      api:create("instant_payment")
      now = now + 400
      assert.same({}, box:advance(10))
    end)

    it("does not finish an event of the past by itself", function()
      local id = api:create("instant", { start = "2015-03-01T08:00:00Z", ["end"] = "2015-03-01T13:00:00Z" })
      now = now + 60
      assert.equal("confirmed", api:get(id).state)
      box:advance(0)
      assert.equal("completed", api:get(id).state)
    end)
  end)
end)
