local core = require "timekit.core"
local graphs = require "timekit.graphs"
local support = require "spec.support.box"

describe("in the sandbox, a group booking", function()
  local api, owner

  before_each(function()
    api = support.new()
    owner = api:create("group_owner", { settings = { max_seats = 2 } })
  end)

  local function seats(id)
    return api:get(id or owner, "attributes").attributes.group_booking
  end

  -- status and text of the refusal
  local function try_to_join(id)
    local status, answer = api:request("POST", "/bookings",
      { graph = "group_customer", related = { owner_booking_id = id } })
    return status, answer.errors and answer.errors["related.owner_booking_id"][1]
  end

  it("shows its seats as Timekit does", function()
    -- Fixture bookingjs-group-slots.
    assert.same({ max_seats = 2, current_seats = 0 }, seats())
    assert.same({ "cancel", "complete" }, api:get(owner, "available_actions").available_actions)
    local id = api:join(owner)
    assert.same({ max_seats = 2, current_seats = 1 }, seats())
    assert.is_nil(api:get(id, "attributes").attributes.group_booking)
  end)

  it("refuses a customer when it is full", function()
    api:join(owner)
    api:join(owner, "group_customer_payment")
    local status, text = try_to_join(owner)
    assert.equal(422, status)
    assert.matches("full", text)
    assert.equal(3, #api.box:bookings())
    assert.equal(2, seats().current_seats)
  end)

  it("has a seat again when a customer has left, however that was", function()
    local ways = {
      function(id) api:act(id, "cancel_by_customer") end,
      function(id) api:act(id, "cancel_by_owner") end,
      function(id) api.box:set_state(id, "error") end,
    }
    for _, leave in ipairs(ways) do
      local one, other = api:join(owner), api:join(owner)
      assert.equal(422, (try_to_join(owner)))
      leave(one)
      assert.equal(1, seats().current_seats)
      leave(other)
      assert.equal(0, seats().current_seats)
    end
    local unpaid = api:join(owner, "group_customer_payment")
    assert.equal(1, seats().current_seats)
    api.box:advance(300)
    assert.equal("unpaid", api:get(unpaid).state)
    assert.equal(0, seats().current_seats)
  end)

  it("keeps the seat of a customer who was there", function()
    local id = api:join(owner)
    api:act(id, "complete")
    assert.equal(1, seats().current_seats)
  end)

  it("never fills without max_seats", function()
    local open = api:create("group_owner")
    for _ = 1, 20 do api:join(open) end
    assert.same({ max_seats = core.null, current_seats = 20 }, seats(open))
  end)

  it("takes max_seats beside the settings too", function()
    assert.equal(7, seats((api:create("group_owner", { max_seats = 7 }))).max_seats)
  end)

  it("gives customers its time and place", function()
    owner = api:create("group_owner", { what = "Yoga", resource_id = "r1" })
    local id = api:join(owner)
    local booking = api:get(id, "attributes,resource,owner_booking.attributes")
    assert.equal("Yoga", booking.attributes.event_info.what)
    assert.equal(support.START, booking.attributes.event_info.start)
    assert.equal("r1", booking.resource.id)
    assert.equal(owner, booking.owner_booking.id)
    assert.equal(1, booking.owner_booking.attributes.group_booking.current_seats)
    local played = api.box:advance(12 * 3600)
    assert.same({ owner, id }, { played[2].id, played[3].id })
    assert.equal(support.ENDS + 3600, played[3].at)
  end)

  it("is not needed by a graph of the user's own that does not require it", function()
    graphs.define {
      name = "may_join", initial = "initialized", first = "create", seats = "customer",
      states = { initialized = {}, confirmed = {} },
      actions = { { name = "create", from = "initialized", to = "confirmed" } },
    }
    api:create("may_join")
    api:join(owner, "may_join")
    assert.equal(1, seats().current_seats)
    assert.equal(422, (api:request("POST", "/bookings", { graph = "may_join" })))
  end)

  it("must be one, and still open", function()
    local instant = api:create("instant")
    local _, text = try_to_join(instant)
    assert.matches("graph 'instant'", text)
    api:act(owner, "complete")
    _, text = try_to_join(owner)
    assert.matches("completed", text)
    _, text = try_to_join(api:create("confirm_decline"))
    assert.matches("confirm_decline", text)
  end)

  it("takes its customers along when it is cancelled", function()
    local confirmed, tentative = api:join(owner), api:join(owner, "group_customer_payment")
    api:act(confirmed, "cancel_by_customer")
    local paid = api:join(owner, "group_customer_payment")
    api:act(paid, "pay", { pay = { payment_id = "p1" } })
    api.box:advance(60)
    assert.equal(200, (api:act(owner, "cancel", { cancel = { message = "ill" } })))
    assert.same({ "create:confirmed:api", "cancel_by_customer:cancelled_by_customer:api" }, api:history(confirmed))
    assert.same({ "create:tentative:api", "cancel_by_owner:cancelled_by_owner:group" }, api:history(tentative))
    assert.same({ "create:tentative:api", "pay:paid:api", "cancel_by_owner:cancelled_by_owner:group" },
      api:history(paid))
    assert.is_true(api:get(paid).completed)
    assert.equal("2030-01-01T00:01:00+0000", api:get(paid).updated_at)
    assert.equal(0, seats().current_seats)
    assert.same({}, api.box:advance(30 * 86400))
  end)

  it("leaves its customers alone when it completes", function()
    local id = api:join(owner)
    api:act(owner, "complete")
    assert.equal("confirmed", api:get(id).state)
  end)
end)

describe("in the sandbox, related bookings", function()
  local api, first, second, third

  before_each(function()
    api = support.new()
    first, second, third = api:create("confirm_decline"), api:create("confirm_decline"), api:create("confirm_decline")
    api.box:relate { first, second, third }
  end)

  local function states()
    return { api:get(first).state, api:get(second).state, api:get(third).state }
  end

  it("follow an action on one of them", function()
    local status, answer = api:act(second, "decline", { decline = { message = "x" } })
    assert.equal(200, status)
    assert.equal(second, answer.data.id)
    assert.same({ "declined", "declined", "declined" }, states())
    assert.same({ "create:tentative:api", "decline:declined:replication" }, api:history(first))
    assert.same({ "create:tentative:api", "decline:declined:api" }, api:history(second))
  end)

  it("follow when it is asked for, and do not when it is not", function()
    api:act(first, "confirm", { apply_to_bulked_bookings = false })
    assert.same({ "confirmed", "tentative", "tentative" }, states())
    api:act(second, "confirm", { apply_to_bulked_bookings = true })
    assert.same({ "confirmed", "confirmed", "confirmed" }, states())
  end)

  it("stay as they are where the action is not possible", function()
    api:act(third, "decline", { apply_to_bulked_bookings = false })
    api:act(first, "confirm")
    assert.same({ "confirmed", "confirmed", "declined" }, states())
    assert.equal(422, (api:act(third, "confirm")))
    assert.same({ "confirmed", "confirmed", "declined" }, states())
  end)

  it("do not follow an action that was refused", function()
    assert.equal(422, (api:act(first, "decline", { decline = { message = 7 } })))
    assert.equal(422, (api:act(first, "decline", { apply_to_bulked_bookings = "yes" })))
    assert.same({ "tentative", "tentative", "tentative" }, states())
  end)

  it("each play by themselves", function()
    local one = api:create("instant_payment")
    local other = api:create("instant_payment", { timeout = { time = 1, unit = "hour" } })
    api.box:relate { one, other }
    api.box:advance(300)
    assert.equal("unpaid", api:get(one).state)
    assert.equal("tentative", api:get(other).state)
  end)

  it("get an action once, also one that can be applied again and again", function()
    graphs.define {
      name = "nagging", initial = "initialized", first = "nag",
      states = { initialized = {}, nagged = {} },
      actions = { { name = "nag", from = { "initialized", "nagged" }, to = "nagged" } },
    }
    local one, other = api:create("nagging"), api:create("nagging")
    api.box:relate { one, other }
    api:act(one, "nag")
    assert.same({ "nag:nagged:api", "nag:nagged:api" }, api:history(one))
    assert.same({ "nag:nagged:api", "nag:nagged:replication" }, api:history(other))
  end)

  it("are shown by include, without the booking itself", function()
    local status, answer = api:request("PUT", ("/bookings/%s/confirm?include=bulked_bookings"):format(second))
    assert.equal(200, status)
    local others = answer.data.bulked_bookings
    assert.same({ first, third }, { others[1].id, others[2].id })
    assert.equal("confirmed", others[1].state)
    assert.is_nil(others[1].attributes)
    others = api:get(first, "bulked_bookings.attributes").bulked_bookings
    assert.equal(support.START, others[2].attributes.event_info.start)
    assert.same({}, api:get(api:create("instant"), "bulked_bookings").bulked_bookings)
  end)

  it("can be related anew", function()
    local other = api:create("confirm_decline")
    api.box:relate { second, other, other }
    assert.equal(1, #api:get(second, "bulked_bookings").bulked_bookings)
    assert.equal(1, #api:get(first, "bulked_bookings").bulked_bookings)
    api:act(first, "confirm")
    assert.same({ "confirmed", "tentative", "confirmed" }, states())
    api:act(other, "decline")
    assert.same({ "confirmed", "declined", "confirmed" }, states())
  end)

  it("must exist", function()
    assert.has_error(function() api.box:relate { first, "nobody" } end, "no booking 'nobody' in the sandbox")
    assert.has_error(function() api.box:relate(first) end, "ids: expected a list of ids, got a string")
  end)

  it("take the customers of a group along, too", function()
    local one, other = api:create("group_owner"), api:create("group_owner")
    local customer = api:join(other)
    api.box:relate { one, other }
    api:act(one, "cancel")
    assert.same({ "create:tentative:api", "cancel:cancelled:replication" }, api:history(other))
    assert.same({ "create:confirmed:api", "cancel_by_owner:cancelled_by_owner:group" }, api:history(customer))
  end)
end)
