-- Many bookings in one request (spec/api.md 4).
local core = require "timekit.core"
local support = require "spec.support.box"

local START, END, NOW, fields = support.START, support.END, support.NOW, support.fields

describe("in the sandbox,", function()
  local api

  before_each(function() api = support.new() end)

  describe("bulk creation", function()
    local function bulk(items, flags, query)
      local body = { bookings = core.array(items) }
      for name, value in pairs(flags or {}) do body[name] = value end
      return api:request("POST", "/bookings/bulk" .. (query or ""), body)
    end

    it("creates all, in their order, with includes", function()
      local status, answer = bulk({
        fields { meta = { n = 1 } }, fields { graph = "confirm_decline", meta = { n = 2 } },
      }, nil, "?include=meta")
      assert.equal(201, status)
      assert.same({ "confirmed", "tentative" }, { answer.data[1].state, answer.data[2].state })
      assert.same({ 1, 2 }, { answer.data[1].meta.n, answer.data[2].meta.n })
      assert.same({}, api:get(answer.data[1].id, "bulked_bookings").bulked_bookings)
    end)

    it("relates them when asked to", function()
      local _, answer = bulk({ fields(), fields(), fields() }, { relate_bookings = true }, "?include=bulked_bookings")
      assert.equal(2, #answer.data[1].bulked_bookings)
      api:act(answer.data[2].id, "cancel")
      for _, booking in ipairs(api.box:bookings()) do assert.equal("cancelled", booking.state) end
    end)

    local BAD = { graph = "instant", start = END, ["end"] = START }

    it("says of each that failed what it would have been told alone, and creates the others", function()
      local _, alone = api:request("POST", "/bookings", BAD)
      local status, answer = bulk({ fields(), BAD, 7, fields() }, { relate_bookings = true })
      assert.equal(200, status)
      assert.equal(4, #answer.data)
      alone.status = 422
      assert.same(alone, answer.data[2])
      assert.same({ error = "expected an object", status = 422 }, answer.data[3])
      assert.equal(1, #api:get(answer.data[4].id, "bulked_bookings").bulked_bookings)
      assert.equal(2, #api.box:bookings())
    end)

    it("stops at the first error when asked to, and keeps what was created before", function()
      local _, answer = bulk({ fields(), BAD, fields() }, { stop_on_first_error = true })
      assert.equal("confirmed", answer.data[1].state)
      assert.equal(422, answer.data[2].status)
      assert.same({ error = "Not tried, since an earlier one failed", status = 424 }, answer.data[3])
      assert.equal(1, #api.box:bookings())
    end)

    it("takes everything back when asked to: seats, reservations and webhooks too", function()
      local owner = api:create("group_owner", { settings = { max_seats = 2 } })
      local _, reservation = api:request("POST", "/bookings/reserve", { start = START, ["end"] = END })
      api.box:webhook { url = "http://127.0.0.1:1/", secret = "s", graph = "group_customer", state = "confirmed" }
      local seat = { graph = "group_customer", related = { owner_booking_id = owner } }
      local items = { seat, fields { reservation_id = reservation.data.id }, seat, seat }
      local status, answer = bulk(items, { delete_all_on_error = true, relate_bookings = true })
      assert.equal(200, status)
      for index = 1, 3 do
        assert.same({ error = "Undone, since another one failed", status = 424 }, answer.data[index])
      end
      assert.matches("full", answer.data[4].errors["related.owner_booking_id"][1])
      assert.equal(2, #api.box:bookings())
      assert.equal(0, api:get(owner, "attributes").attributes.group_booking.current_seats)
      assert.equal(0, #api.box:deliveries())
      assert.equal(0, #api.box:take_deliveries())
      assert.equal("reserved", api:get(reservation.data.id).state)
      api.box:advance(30)
      assert.equal("expired", api:get(reservation.data.id).state)
      items[4] = nil
      assert.equal(422, select(2, bulk(items)).data[2].status)
      assert.equal(2, #api.box:deliveries())
    end)

    it("refuses what is not a bulk request", function()
      api:refuses("bookings", "POST", "/bookings/bulk", {})
      api:refuses("bookings", "POST", "/bookings/bulk", { bookings = core.array {} })
      api:refuses("bookings", "POST", "/bookings/bulk", { bookings = fields() })
      for _, flag in ipairs { "relate_bookings", "stop_on_first_error", "delete_all_on_error" } do
        api:refuses(flag, "POST", "/bookings/bulk", { bookings = core.array { fields() }, [flag] = "yes" })
      end
      assert.equal(0, #api.box:bookings())
    end)
  end)

  describe("a bulk update", function()
    local one, two

    before_each(function() one, two = api:create("confirm_decline"), api:create("confirm_decline") end)

    local function bulk(items, flags)
      local body = { bookings = core.array(items) }
      for name, value in pairs(flags or {}) do body[name] = value end
      return api:request("PUT", "/bookings/bulk", body)
    end

    local function states()
      return api:get(one).state .. " " .. api:get(two).state
    end

    it("performs an action on each, with its inputs", function()
      local status, answer = bulk {
        { id = one, action = "confirm" }, { id = two, action = "decline", decline = { message = "Full" } },
      }
      assert.equal(200, status)
      assert.same({ "confirmed", "declined" }, { answer.data[1].state, answer.data[2].state })
      assert.equal("confirmed declined", states())
    end)

    it("says of each that failed what it would have been told alone", function()
      local _, answer = bulk {
        { id = one, action = "cancel" }, { id = "nobody", action = "confirm" }, { id = two },
        { id = two, action = "decline", decline = { message = 7 } }, { id = two, action = "confirm" }, "x",
      }
      assert.same({ error = "Cannot apply action 'cancel' to current state 'tentative'", status = 422 }, answer.data[1])
      assert.same({ error = "Resource does not exist", model = "Booking", status = 404 }, answer.data[2])
      assert.same({ errors = { action = { "action must be a text" } }, status = 422 }, answer.data[3])
      assert.is_string(answer.data[4].errors.decline[1])
      assert.equal("confirmed", answer.data[5].state)
      assert.equal(422, answer.data[6].status)
      assert.equal("tentative confirmed", states())
    end)

    it("stops at the first error when asked to", function()
      local _, answer = bulk({ { id = one, action = "confirm" }, { id = one, action = "confirm" },
        { id = two, action = "confirm" } }, { stop_on_first_error = true })
      assert.same({ 422, 424 }, { answer.data[2].status, answer.data[3].status })
      assert.equal("confirmed tentative", states())
    end)

    it("puts all back when asked to, and what plays by itself with them", function()
      local owner = api:create("group_owner")
      local seat = api:join(owner)
      api.box:relate { one, two }
      api.box:webhook { url = "http://127.0.0.1:1/", secret = "s", graph = "confirm_decline", state = "confirmed" }
      local before = api.box:bookings()
      local _, answer = bulk({
        { id = owner, action = "cancel" }, { id = one, action = "confirm" }, { id = two, action = "cancel" },
        { id = seat, action = "cancel_by_owner" },
      }, { reset_all_on_error = true })
      assert.same({ 424, 424, 424, 422 }, { answer.data[1].status, answer.data[2].status, answer.data[3].status,
        answer.data[4].status })
      assert.same(before, api.box:bookings())
      assert.equal(0, #api.box:deliveries())
      local played = api.box:advance(support.ENDS + 3600 - NOW)
      assert.same({ owner, seat }, { played[1].id, played[2].id })
      assert.equal(2, #played)
    end)

    it("leaves related bookings alone when an item says so", function()
      api.box:relate { one, two }
      bulk { { id = one, action = "confirm", apply_to_bulked_bookings = false } }
      assert.equal("confirmed tentative", states())
      local _, answer = bulk { { id = two, action = "confirm", apply_to_bulked_bookings = "x" } }
      assert.is_string(answer.data[1].errors.apply_to_bulked_bookings[1])
    end)
  end)
end)
