-- Rescheduling, meta, deletion, groups, graphs and rarer includes (spec/api.md 4).
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local support = require "spec.support.box"
local time = require "timekit.text.time"

local START, END, NOW = support.START, support.END, support.NOW

describe("in the sandbox,", function()
  local api

  before_each(function() api = support.new() end)

  describe("rescheduling", function()
    local LATER, LATER_END = "2030-01-02T10:00:00Z", "2030-01-02T11:00:00Z"

    local function move(id, more)
      local body = { start = LATER, ["end"] = LATER_END }
      for name, value in pairs(more or {}) do body[name] = value or nil end
      return api:request("POST", ("/bookings/%s/reschedule?include=attributes,resource"):format(id), body)
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
      api:refuses_action("reschedule", "completed", "POST", ("/bookings/%s/reschedule"):format(id), {})
    end)

    it("takes the address that Timekit's own client writes", function()
      local id = api:create("instant")
      assert.equal(200, (api:request("POST", ("/bookings/%s/reschedule/"):format(id), {
        start = LATER, ["end"] = LATER_END,
      })))
    end)

    it("moves a group's bookings with it, and none of them alone", function()
      local owner = api:create("group_owner")
      local seat = api:join(owner)
      api:refuses("start", "POST", ("/bookings/%s/reschedule"):format(seat), { start = LATER, ["end"] = LATER_END })
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
      -- Its own slot does not stand in its way.
      assert.equal(200, (move(exclusive, { start = END, ["end"] = "2030-01-01T12:30:00Z" })))
    end)

    it("is refused for wrong fields, and changes nothing", function()
      local id = api:create("instant")
      local path = ("/bookings/%s/reschedule"):format(id)
      api:refuses("end", "POST", path, { start = LATER })
      api:refuses("end", "POST", path, { start = LATER, ["end"] = START })
      api:refuses("message", "POST", path, { start = LATER, ["end"] = LATER_END, message = 7 })
      api:refuses("resource_id", "POST", path, { start = LATER, ["end"] = LATER_END, resource_id = 7 })
      assert.equal(START, api:get(id, "attributes").attributes.event_info.start)
      assert.equal(404, (move("nobody")))
    end)
  end)

  it("PUT /bookings/{id} replaces the meta, and nothing else", function()
    local id = api:create("instant", { meta = { a = 1, b = 2 } })
    local path = "/bookings/" .. id
    api.box:advance(10)
    local status, answer = api:request("PUT", path .. "?include=meta", { meta = { c = { 3 } } })
    assert.equal(200, status)
    assert.same({ c = { 3 } }, answer.data.meta)
    assert.equal(time.format(NOW + 10), answer.data.updated_at)
    api:refuses("state", "PUT", path, { meta = {}, state = "cancelled" })
    api:refuses("meta", "PUT", path, {})
    api:refuses("meta", "PUT", path, { meta = "x" })
    assert.same({ c = { 3 } }, api:get(id, "meta").meta)
    assert.equal(404, (api:request("PUT", "/bookings/nobody", { meta = {} })))
  end)

  it("DELETE /bookings/{id} removes a booking that is over, and no other", function()
    local id = api:create("instant")
    api:refuses_action("delete", "confirmed", "DELETE", "/bookings/" .. id)
    api:act(id, "cancel")
    local answer = api.box:handle {
      method = "DELETE", target = "/v2/bookings/" .. id, headers = { Authorization = support.AUTH },
    }
    assert.equal(204, answer.status)
    assert.equal("", answer.body)
    assert.is_nil(answer.headers["content-length"])
    assert.is_nil(answer.headers["content-type"])
    for _, method in ipairs { "GET", "DELETE" } do assert.equal(404, (api:request(method, "/bookings/" .. id))) end
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
      assert.equal(204, (api:request("DELETE", "/bookings/" .. id)))
    end
    assert.equal(0, api:get(owner, "attributes").attributes.group_booking.current_seats)
    assert.same({}, api:get(other, "bulked_bookings").bulked_bookings)
    local late = api:join(owner)
    api:act(owner, "complete")
    api:request("DELETE", "/bookings/" .. owner)
    assert.is_nil(api:get(late, "owner_booking").owner_booking)
  end)

  describe("groups", function()
    it("are listed by pages, searched and ordered, as bookings are", function()
      local owners = {}
      for index = 1, 3 do owners[index] = api:create("group_owner", { resource_id = "r" .. index }) end
      api:create("instant")
      api:join(owners[1])
      local status, answer = api:request("GET", "/bookings/groups?limit=2&sortedBy=desc&include=attributes,resource")
      assert.equal(200, status)
      assert.same({ 3, 1, 2 }, { answer.total, answer.current_page, answer.last_page })
      assert.same({ owners[3], owners[2] }, { answer.data[1].id, answer.data[2].id })
      assert.equal("https://api.timekit.io/v2/bookings/groups?limit=2&sortedBy=desc&include=attributes,resource&page=2",
        answer.next_page_url)
      answer = select(2, api:request("GET", "/bookings/groups?search=resource.id:r1&include=attributes"))
      assert.equal(1, answer.total)
      assert.equal(1, answer.data[1].attributes.group_booking.current_seats)
    end)

    it("are shown one by one, and nothing else is", function()
      local owner = api:create("group_owner")
      local status, answer = api:request("GET", "/bookings/groups/" .. owner)
      assert.equal(200, status)
      assert.equal(owner, answer.data.id)
      for _, id in ipairs { "nobody", api:join(owner), (api:create("instant")) } do
        assert.equal(404, (api:request("GET", "/bookings/groups/" .. id)))
      end
    end)
  end)

  it("GET /bookings/graphs/{graph} describes every graph, also one of the user's own", function()
    for name, graph in pairs(graphs) do
      local status, answer = api:request("GET", "/bookings/graphs/" .. name)
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
    local _, answer = api:request("GET", "/bookings/graphs/confirm_decline")
    assert.same({ message = { type = "string", required = false }, enabled = { type = "boolean", required = false } },
      answer.data.actions[3].inputs)
    assert.same({ after = 3600, from = "end" }, answer.data.actions[#answer.data.actions].autoplay)
    local status
    status, answer = api:request("GET", "/bookings/graphs/nothing")
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
      local _, reserved = api:request("POST", "/bookings/reserve?include=logs", { start = START, ["end"] = END })
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
        api:refuses("include", method, path .. "?include=everything", {})
      end
    end)
  end)
end)
