-- What the sandbox does beside single bookings and their actions: API.md 4.
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local support = require "spec.support.box"
local time = require "timekit.text.time"

local START, END, NOW = support.START, support.END, support.NOW

describe("in the sandbox,", function()
  local api

  before_each(function() api = support.new() end)

  local function fields(more)
    local all = { graph = "instant", start = START, ["end"] = END }
    for name, value in pairs(more or {}) do all[name] = value or nil end
    return all
  end

  -- Asserts that a request is refused with 422 for one field, and returns what is said of it.
  local function refused(field, method, path, body)
    local status, answer = api:call(method, path, body)
    assert.equal(422, status)
    assert.is_table(answer.errors, core.encode(answer))
    local names = {}
    for name in pairs(answer.errors) do names[#names + 1] = name end
    assert.same({ field }, names)
    return answer.errors[field][1]
  end

  local function transition(action, state, method, path, body)
    local status, answer = api:call(method, path, body)
    assert.equal(422, status)
    assert.same({ error = ("Cannot apply action '%s' to current state '%s'"):format(action, state) }, answer)
  end

  describe("a booking that must not overlap", function()
    local EXCLUSIVE = { allow_double_bookings = false }

    local function create(more)
      return api:call("POST", "/bookings", fields(more))
    end

    it("is refused where another holds the slot, and changes nothing", function()
      api:create("instant")
      assert.matches("already booked", refused("start", "POST", "/bookings", fields { settings = EXCLUSIVE }))
      assert.equal(1, #api.box:bookings())
      -- The rule is asked for by each request; without it bookings may overlap.
      assert.equal(201, (create()))
      assert.equal(201, (create { settings = { allow_double_bookings = true } }))
    end)

    it("is taken beside it: before, after, with another resource, or once it is over", function()
      local id = api:create("instant")
      for _, more in ipairs {
        { start = "2030-01-01T09:00:00Z", ["end"] = START }, { start = END, ["end"] = "2030-01-01T12:00:00Z" },
        { resource_id = "another" },
      } do
        more.settings = EXCLUSIVE
        assert.equal(201, (create(more)))
      end
      assert.equal(422, (create {
        settings = EXCLUSIVE, start = "2030-01-01T10:59:59Z", ["end"] = "2030-01-01T13:00:00Z",
      }))
      api:act(id, "cancel")
      assert.equal(201, (create { settings = EXCLUSIVE }))
    end)

    it("meets what the graphs say of slots", function()
      local id = api:create("confirm_decline")
      assert.is_nil(graphs.confirm_decline.states.tentative.holds_slot)
      local other = api:create("confirm_decline", { settings = EXCLUSIVE })
      api:act(other, "decline")
      api:act(id, "confirm")
      assert.equal(422, (create { settings = EXCLUSIVE }))
    end)

    it("has to say so with a boolean", function()
      refused("settings.allow_double_bookings", "POST", "/bookings",
        fields { settings = { allow_double_bookings = "no" } })
      refused("settings", "POST", "/bookings", fields { settings = "none" })
    end)
  end)

  describe("bulk creation", function()
    local function bulk(items, flags, query)
      local body = { bookings = core.array(items) }
      for name, value in pairs(flags or {}) do body[name] = value end
      return api:call("POST", "/bookings/bulk" .. (query or ""), body)
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
      local _, alone = api:call("POST", "/bookings", BAD)
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
      local _, reservation = api:call("POST", "/bookings/reserve", { start = START, ["end"] = END })
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

    it("refuses what is no bulk", function()
      refused("bookings", "POST", "/bookings/bulk", {})
      refused("bookings", "POST", "/bookings/bulk", { bookings = core.array {} })
      refused("bookings", "POST", "/bookings/bulk", { bookings = fields() })
      for _, flag in ipairs { "relate_bookings", "stop_on_first_error", "delete_all_on_error" } do
        refused(flag, "POST", "/bookings/bulk", { bookings = core.array { fields() }, [flag] = "yes" })
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
      return api:call("PUT", "/bookings/bulk", body)
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

  describe("a reservation", function()
    local function reserve(more)
      local body = { start = START, ["end"] = END }
      for name, value in pairs(more or {}) do body[name] = value or nil end
      return api:call("POST", "/bookings/reserve", body)
    end

    it("holds a slot until it expires", function()
      local status, answer = reserve { reservation_time = 60 }
      assert.equal(201, status)
      assert.same({ "reserved", "reservation", false },
        { answer.data.state, answer.data.graph, answer.data.completed })
      assert.equal(time.format(NOW + 60), answer.data.expires_at)
      local exclusive = fields { settings = { allow_double_bookings = false } }
      assert.equal(422, (api:call("POST", "/bookings", exclusive)))
      assert.equal(0, #api.box:advance(59))
      assert.same({ { id = answer.data.id, from = "reserved", to = "expired", at = NOW + 60 } }, api.box:advance(1))
      assert.is_true(api:get(answer.data.id).completed)
      assert.equal(201, (api:call("POST", "/bookings", exclusive)))
    end)

    it("lasts thirty seconds unless told otherwise", function()
      local _, answer = reserve()
      assert.equal(time.format(NOW + 30), answer.data.expires_at)
    end)

    it("can be extended, from now on, until it has expired", function()
      local _, answer = reserve { reservation_time = 60 }
      local id = answer.data.id
      api.box:advance(50)
      local status
      status, answer = api:call("PUT", "/bookings/reserve/extend", { reservation_id = id, reservation_time = 100 })
      assert.equal(200, status)
      assert.equal(time.format(NOW + 150), answer.data.expires_at)
      assert.equal(0, #api.box:advance(99))
      assert.equal(1, #api.box:advance(1))
      transition("extend", "expired", "PUT", "/bookings/reserve/extend", { reservation_id = id })
    end)

    it("becomes a booking, and is gone then", function()
      local _, reserved = reserve {
        resource_id = "me", project_id = "p", what = "Haircut", customer = { name = "Marty" },
        settings = { allow_double_bookings = false },
      }
      local id = reserved.data.id
      local status, answer = api:call("POST", "/bookings?include=customers,attributes,resource,project", {
        graph = "instant", reservation_id = id, where = "Here", settings = { allow_double_bookings = false },
      })
      assert.equal(201, status)
      assert.equal("Marty", answer.data.customers[1].name)
      assert.same({ "me", "p" }, { answer.data.resource.id, answer.data.project.id })
      assert.same({ start = START, ["end"] = END, what = "Haircut", where = "Here", description = "" },
        answer.data.attributes.event_info)
      assert.equal(404, (api:call("GET", "/bookings/" .. id)))
      assert.matches("does not exist",
        refused("reservation_id", "POST", "/bookings", { graph = "instant", reservation_id = id }))
      assert.equal(0, #api.box:advance(3600))
    end)

    it("is of no use when it has expired, or is none", function()
      local _, reserved = reserve()
      api.box:advance(30)
      assert.matches("is expired",
        refused("reservation_id", "POST", "/bookings", fields { reservation_id = reserved.data.id }))
      local booking = api:create("instant")
      refused("reservation_id", "POST", "/bookings", fields { reservation_id = booking })
      refused("reservation_id", "PUT", "/bookings/reserve/extend", {})
      for _, id in ipairs { "nobody", booking } do
        assert.equal(404, (api:call("PUT", "/bookings/reserve/extend", { reservation_id = id })))
      end
    end)

    it("is refused for wrong fields", function()
      refused("start", "POST", "/bookings/reserve", { ["end"] = END })
      refused("end", "POST", "/bookings/reserve", { start = START, ["end"] = START })
      refused("start", "POST", "/bookings/reserve", { start = "2030-01-01T10:00:00", ["end"] = END })
      for _, seconds in ipairs { 0, -1, 1.5, "30", 1e9 } do
        refused("reservation_time", "POST", "/bookings/reserve",
          { start = START, ["end"] = END, reservation_time = seconds })
      end
      api:create("instant")
      refused("start", "POST", "/bookings/reserve",
        { start = START, ["end"] = END, settings = { allow_double_bookings = false } })
      assert.equal(1, #api.box:bookings())
    end)

    it("takes no action, no new time, and stays until it is over", function()
      local _, reserved = reserve()
      local path = "/bookings/" .. reserved.data.id
      transition("cancel", "reserved", "PUT", path .. "/cancel", {})
      transition("reschedule", "reserved", "POST", path .. "/reschedule", { start = START, ["end"] = END })
      transition("delete", "reserved", "DELETE", path)
      api.box:advance(30)
      assert.equal(204, (api:call("DELETE", path)))
    end)
  end)

  describe("rescheduling", function()
    local LATER, LATER_END = "2030-01-02T10:00:00Z", "2030-01-02T11:00:00Z"

    local function move(id, more)
      local body = { start = LATER, ["end"] = LATER_END }
      for name, value in pairs(more or {}) do body[name] = value or nil end
      return api:call("POST", ("/bookings/%s/reschedule?include=attributes,resource"):format(id), body)
    end

    it("moves a booking, and what plays by itself with it", function()
      local id = api:create("instant", { what = "Haircut" })
      local status, answer = move(id, { resource_id = "another", message = "Sorry" })
      assert.equal(200, status)
      assert.equal("confirmed", answer.data.state)
      assert.equal("another", answer.data.resource.id)
      assert.same({ LATER, LATER_END, "Haircut" }, { answer.data.attributes.event_info.start,
        answer.data.attributes.event_info["end"], answer.data.attributes.event_info.what })
      assert.equal(0, #api.box:advance(support.ENDS + 3600 - NOW))
      assert.equal(support.ENDS + 86400 + 3600, api.box:advance(86400)[1].at)
      assert.same({ "confirm:confirmed:api", "reschedule:confirmed:api", "complete:completed:autoplay" },
        api:history(id))
      transition("reschedule", "completed", "POST", ("/bookings/%s/reschedule"):format(id), {})
    end)

    it("takes the address that Timekit's own client writes", function()
      local id = api:create("instant")
      assert.equal(200, (api:call("POST", ("/bookings/%s/reschedule/"):format(id), {
        start = LATER, ["end"] = LATER_END,
      })))
    end)

    it("moves a group's bookings with it, and none of them alone", function()
      local owner = api:create("group_owner")
      local seat = api:join(owner)
      refused("start", "POST", ("/bookings/%s/reschedule"):format(seat), { start = LATER, ["end"] = LATER_END })
      assert.equal(200, (move(owner)))
      assert.equal(LATER, api:get(seat, "attributes").attributes.event_info.start)
      assert.equal(0, #api.box:advance(support.ENDS + 3600 - NOW))
      assert.equal(2, #api.box:advance(86400))
    end)

    it("does not move to a time that is taken, where that was asked for", function()
      api:create("instant", { start = LATER, ["end"] = LATER_END })
      local free, exclusive = api:create("instant"), api:create("instant", {
        start = END, ["end"] = "2030-01-01T12:00:00Z", settings = { allow_double_bookings = false },
      })
      assert.equal(422, (move(exclusive)))
      assert.equal(422, (move(free, { settings = { allow_double_bookings = false } })))
      assert.equal(200, (move(free)))
      -- Its own slot is no obstacle.
      assert.equal(200, (move(exclusive, { start = END, ["end"] = "2030-01-01T12:30:00Z" })))
    end)

    it("is refused for wrong fields, and changes nothing", function()
      local id = api:create("instant")
      local path = ("/bookings/%s/reschedule"):format(id)
      refused("end", "POST", path, { start = LATER })
      refused("end", "POST", path, { start = LATER, ["end"] = START })
      refused("message", "POST", path, { start = LATER, ["end"] = LATER_END, message = 7 })
      refused("resource_id", "POST", path, { start = LATER, ["end"] = LATER_END, resource_id = 7 })
      assert.equal(START, api:get(id, "attributes").attributes.event_info.start)
      assert.equal(404, (move("nobody")))
    end)
  end)

  it("PUT /bookings/{id} replaces the meta, and nothing else", function()
    local id = api:create("instant", { meta = { a = 1, b = 2 } })
    local path = "/bookings/" .. id
    api.box:advance(10)
    local status, answer = api:call("PUT", path .. "?include=meta", { meta = { c = { 3 } } })
    assert.equal(200, status)
    assert.same({ c = { 3 } }, answer.data.meta)
    assert.equal(time.format(NOW + 10), answer.data.updated_at)
    refused("state", "PUT", path, { meta = {}, state = "cancelled" })
    refused("meta", "PUT", path, {})
    refused("meta", "PUT", path, { meta = "x" })
    assert.same({ c = { 3 } }, api:get(id, "meta").meta)
    assert.equal(404, (api:call("PUT", "/bookings/nobody", { meta = {} })))
  end)

  it("DELETE /bookings/{id} removes a booking that is over, and no other", function()
    local id = api:create("instant")
    transition("delete", "confirmed", "DELETE", "/bookings/" .. id)
    api:act(id, "cancel")
    local answer = api.box:handle {
      method = "DELETE", target = "/v2/bookings/" .. id, headers = { Authorization = support.AUTH },
    }
    assert.equal(204, answer.status)
    assert.equal("", answer.body)
    assert.is_nil(answer.headers["content-length"])
    assert.is_nil(answer.headers["content-type"])
    for _, method in ipairs { "GET", "DELETE" } do assert.equal(404, (api:call(method, "/bookings/" .. id))) end
    assert.equal(0, #api.box:bookings())
  end)

  it("an answer without a body is cut off as a whole", function()
    local id = api:create("instant")
    api:act(id, "cancel")
    api.box:fault { match = "DELETE /v2/bookings/*", what = "truncate", when = "after" }
    local answer = api.box:handle {
      method = "DELETE", target = "/v2/bookings/" .. id, headers = { Authorization = support.AUTH },
    }
    assert.is_nil(answer.status)
    assert.equal(0, #api.box:bookings())
  end)

  it("a booking that is removed leaves its group and its related bookings", function()
    local owner = api:create("group_owner")
    local seat, one, other = api:join(owner), api:create("instant"), api:create("instant")
    api.box:relate { one, other }
    for id, action in pairs { [seat] = "complete", [one] = "cancel" } do
      api:act(id, action)
      assert.equal(204, (api:call("DELETE", "/bookings/" .. id)))
    end
    assert.equal(0, api:get(owner, "attributes").attributes.group_booking.current_seats)
    assert.same({}, api:get(other, "bulked_bookings").bulked_bookings)
    local late = api:join(owner)
    api:act(owner, "complete")
    api:call("DELETE", "/bookings/" .. owner)
    assert.is_nil(api:get(late, "owner_booking").owner_booking)
  end)

  describe("groups", function()
    it("are listed by pages, searched and ordered, as bookings are", function()
      local owners = {}
      for index = 1, 3 do owners[index] = api:create("group_owner", { resource_id = "r" .. index }) end
      api:create("instant")
      api:join(owners[1])
      local status, answer = api:call("GET", "/bookings/groups?limit=2&sortedBy=desc&include=attributes,resource")
      assert.equal(200, status)
      assert.same({ 3, 1, 2 }, { answer.total, answer.current_page, answer.last_page })
      assert.same({ owners[3], owners[2] }, { answer.data[1].id, answer.data[2].id })
      assert.equal("https://api.timekit.io/v2/bookings/groups?limit=2&sortedBy=desc&include=attributes,resource&page=2",
        answer.next_page_url)
      answer = select(2, api:call("GET", "/bookings/groups?search=resource.id:r1&include=attributes"))
      assert.equal(1, answer.total)
      assert.equal(1, answer.data[1].attributes.group_booking.current_seats)
    end)

    it("are shown one by one, and nothing else is", function()
      local owner = api:create("group_owner")
      local status, answer = api:call("GET", "/bookings/groups/" .. owner)
      assert.equal(200, status)
      assert.equal(owner, answer.data.id)
      for _, id in ipairs { "nobody", api:join(owner), (api:create("instant")) } do
        assert.equal(404, (api:call("GET", "/bookings/groups/" .. id)))
      end
    end)
  end)

  it("GET /bookings/graphs/{graph} describes every graph, also one of the user's own", function()
    for name, graph in pairs(graphs) do
      local status, answer = api:call("GET", "/bookings/graphs/" .. name)
      assert.equal(200, status)
      local data = answer.data
      assert.same({ name, graph.initial, graph.first }, { data.name, data.initial, data.first })
      assert.is_true(core.is_array(data.states) and core.is_array(data.actions) and core.is_array(data.requires))
      for _, state in ipairs(data.states) do assert.equal(graph:is_final(state.name), state.final) end
      for index, action in ipairs(data.actions) do
        assert.same(graph.actions[index].name, action.name)
        for _, from in ipairs(action.from) do assert.equal(action.to, graph:next_state(from, action.name)) end
      end
    end
    local _, answer = api:call("GET", "/bookings/graphs/confirm_decline")
    assert.same({ message = { type = "string", required = false }, enabled = { type = "boolean", required = false } },
      answer.data.actions[3].inputs)
    assert.same({ after = 3600, from = "end" }, answer.data.actions[#answer.data.actions].autoplay)
    local status
    status, answer = api:call("GET", "/bookings/graphs/nothing")
    assert.equal(404, status)
    assert.same({ error = "Resource does not exist", model = "Graph" }, answer)
  end)

  describe("the include", function()
    it("logs tells how the booking came to be", function()
      local id = api:create("instant")
      api.box:advance(5)
      api:act(id, "cancel")
      assert.same({
        { action = "confirm", from = "initialized", to = "confirmed", by = "api", created_at = time.format(NOW) },
        { action = "cancel", from = "confirmed", to = "cancelled", by = "api", created_at = time.format(NOW + 5) },
      }, api:get(id, "logs").logs)
      local _, reserved = api:call("POST", "/bookings/reserve?include=logs", { start = START, ["end"] = END })
      assert.same({ core.null, core.null, "reserved" },
        { reserved.data.logs[1].action, reserved.data.logs[1].from, reserved.data.logs[1].to })
    end)

    it("user is the resource, and provider_event is there where a calendar is", function()
      local id, booking = api:create("instant", { resource_id = "me", calendar_id = "mine" })
      booking = api:get(booking.id, "user,provider_event,event,calendar")
      assert.equal("me", booking.user.id)
      assert.equal("mine", booking.calendar.id)
      assert.equal(api:get(id, "event").event.id, booking.provider_event.id)
      assert.is_nil(api:get(api:create("instant"), "provider_event").provider_event)
    end)

    it("is taken by every endpoint that shows bookings, and an unknown one refused by all", function()
      local id = api:create("instant")
      for path, method in pairs {
        ["/bookings/bulk"] = "POST", ["/bookings/reserve"] = "POST", ["/bookings/groups"] = "GET",
        ["/bookings/" .. id] = "PUT", ["/bookings/graphs/instant"] = "GET",
      } do
        refused("include", method, path .. "?include=everything", {})
      end
    end)
  end)
end)
