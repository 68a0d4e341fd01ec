-- Which time of a resource is taken: bookings that must not overlap, and reservations (spec/api.md 4).
local graphs = require "timekit.graphs"
local support = require "spec.support.box"
local time = require "timekit.text.time"

local START, END, NOW, fields = support.START, support.END, support.NOW, support.fields

describe("in the sandbox,", function()
  local api

  before_each(function() api = support.new() end)

  describe("a booking that must not overlap", function()
    local EXCLUSIVE = { allow_double_bookings = false }

    local function create(more)
      return api:request("POST", "/bookings", fields(more))
    end

    it("is refused where another holds the slot, and changes nothing", function()
      api:create("instant")
      assert.matches("already booked", api:refuses("start", "POST", "/bookings", fields { settings = EXCLUSIVE }))
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
      api:refuses("settings.allow_double_bookings", "POST", "/bookings",
        fields { settings = { allow_double_bookings = "no" } })
      api:refuses("settings", "POST", "/bookings", fields { settings = "none" })
    end)
  end)

  describe("a reservation", function()
    local function reserve(more)
      local body = { start = START, ["end"] = END }
      for name, value in pairs(more or {}) do body[name] = value or nil end
      return api:request("POST", "/bookings/reserve", body)
    end

    it("holds a slot until it expires", function()
      local status, answer = reserve { reservation_time = 60 }
      assert.equal(201, status)
      assert.same({ "reserved", "reservation", false },
        { answer.data.state, answer.data.graph, answer.data.completed })
      assert.equal(time.format(NOW + 60), answer.data.expires_at)
      local exclusive = fields { settings = { allow_double_bookings = false } }
      assert.equal(422, (api:request("POST", "/bookings", exclusive)))
      assert.equal(0, #api.box:advance(59))
      assert.same({ { id = answer.data.id, from = "reserved", to = "expired", at = NOW + 60 } }, api.box:advance(1))
      assert.is_true(api:get(answer.data.id).completed)
      assert.equal(201, (api:request("POST", "/bookings", exclusive)))
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
      status, answer = api:request("PUT", "/bookings/reserve/extend", { reservation_id = id, reservation_time = 100 })
      assert.equal(200, status)
      assert.equal(time.format(NOW + 150), answer.data.expires_at)
      assert.equal(0, #api.box:advance(99))
      assert.equal(1, #api.box:advance(1))
      api:refuses_action("extend", "expired", "PUT", "/bookings/reserve/extend", { reservation_id = id })
    end)

    it("becomes a booking, and is gone then", function()
      local _, reserved = reserve {
        resource_id = "me", project_id = "p", what = "Haircut", customer = { name = "Marty" },
        settings = { allow_double_bookings = false },
      }
      local id = reserved.data.id
      local status, answer = api:request("POST", "/bookings?include=customers,attributes,resource,project", {
        graph = "instant", reservation_id = id, where = "Here", settings = { allow_double_bookings = false },
      })
      assert.equal(201, status)
      assert.equal("Marty", answer.data.customers[1].name)
      assert.same({ "me", "p" }, { answer.data.resource.id, answer.data.project.id })
      assert.same({ start = START, ["end"] = END, what = "Haircut", where = "Here", description = "" },
        answer.data.attributes.event_info)
      assert.equal(404, (api:request("GET", "/bookings/" .. id)))
      assert.matches("does not exist",
        api:refuses("reservation_id", "POST", "/bookings", { graph = "instant", reservation_id = id }))
      assert.equal(0, #api.box:advance(3600))
    end)

    it("cannot be used when it has expired, or does not exist", function()
      local _, reserved = reserve()
      api.box:advance(30)
      assert.matches("is expired",
        api:refuses("reservation_id", "POST", "/bookings", fields { reservation_id = reserved.data.id }))
      local booking = api:create("instant")
      api:refuses("reservation_id", "POST", "/bookings", fields { reservation_id = booking })
      api:refuses("reservation_id", "PUT", "/bookings/reserve/extend", {})
      for _, id in ipairs { "nobody", booking } do
        assert.equal(404, (api:request("PUT", "/bookings/reserve/extend", { reservation_id = id })))
      end
    end)

    it("is refused for wrong fields", function()
      api:refuses("start", "POST", "/bookings/reserve", { ["end"] = END })
      api:refuses("end", "POST", "/bookings/reserve", { start = START, ["end"] = START })
      api:refuses("start", "POST", "/bookings/reserve", { start = "2030-01-01T10:00:00", ["end"] = END })
      for _, seconds in ipairs { 0, -1, 1.5, "30", 1e9 } do
        api:refuses("reservation_time", "POST", "/bookings/reserve",
          { start = START, ["end"] = END, reservation_time = seconds })
      end
      api:create("instant")
      api:refuses("start", "POST", "/bookings/reserve",
        { start = START, ["end"] = END, settings = { allow_double_bookings = false } })
      assert.equal(1, #api.box:bookings())
    end)

    it("takes no action, no new time, and stays until it is over", function()
      local _, reserved = reserve()
      local path = "/bookings/" .. reserved.data.id
      api:refuses_action("cancel", "reserved", "PUT", path .. "/cancel", {})
      api:refuses_action("reschedule", "reserved", "POST", path .. "/reschedule", { start = START, ["end"] = END })
      api:refuses_action("delete", "reserved", "DELETE", path)
      api.box:advance(30)
      assert.equal(204, (api:request("DELETE", path)))
    end)
  end)
end)
