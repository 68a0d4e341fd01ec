local core = require "timekit.core"
local graphs = require "timekit.graphs"
local sorted_keys = require "spec.support.sorted_keys"
local support = require "spec.support.box"

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

local NATIVE = { "completed", "created_at", "graph", "id", "state", "updated_at" }

describe("the sandbox's engine", function()
  local api

  before_each(function() api = support.new() end)

  describe("POST /bookings", function()
    -- spec/api.md 3, by hand.
    local AFTER_CREATE = {
      instant = "confirmed", confirm_decline = "tentative", instant_payment = "tentative", group_owner = "tentative",
      group_customer = "confirmed", group_customer_payment = "tentative",
    }

    it("applies the graph's first action", function()
      local owner = api:create("group_owner")
      for graph, state in pairs(AFTER_CREATE) do
        local _, booking = api:create(graph, { related = { owner_booking_id = owner } })
        assert.equal(state, booking.state)
        assert.equal(graph, booking.graph)
        assert.is_false(booking.completed)
      end
    end)

    it("answers with the six native fields", function()
      local status, answer = api:request("POST", "/bookings",
        { graph = "instant", start = support.START, ["end"] = support.END })
      assert.equal(201, status)
      assert.same({ "data" }, sorted_keys(answer))
      assert.same(NATIVE, sorted_keys(answer.data))
      assert.equal("2030-01-01T00:00:00+0000", answer.data.created_at)
      assert.equal("2030-01-01T00:00:00+0000", answer.data.updated_at)
      assert.matches(UUID, answer.data.id)
    end)

    it("applies the action that is given, and refuses one that does not lead away from the start", function()
      local _, booking = api:create("confirm_decline", { action = "create" })
      assert.equal("tentative", booking.state)
      local status, answer = api:request("POST", "/bookings",
        { graph = "confirm_decline", action = "confirm", start = support.START, ["end"] = support.END })
      assert.equal(422, status)
      assert.same({ error = "Cannot apply action 'confirm' to current state 'initialized'" }, answer)
      assert.equal(1, #api.box:bookings())
    end)

    it("takes requests as public sources show them", function()
      -- Fixtures create-request-confirm_decline-2016, -group_owner, -group_customer.
      local _, booking = api:request("POST", "/bookings?include=attributes,customers", [[{
        "graph": "confirm_decline", "action": "create",
        "event": { "start": "2015-03-01T08:00:00+00:00", "end": "2015-03-01T13:00:00+00:00", "what": "Mens haircut",
          "where": "Sesame St, Middleburg, FL 32068, USA", "calendar_id": "replace-with-id",
          "description": "Please arrive 10 minutes before you time begin" },
        "customer": { "name": "Marty McFly", "email": "marty.mcfly@timekit.io", "phone": "1-591-001-5403", "id": "mine",
          "voip": "McFly", "timezone": "America/Los_Angeles" } }]])
      -- As in the fixture bookingjs-create-201.
      assert.same({
        start = "2015-03-01T08:00:00+00:00", ["end"] = "2015-03-01T13:00:00+00:00", what = "Mens haircut",
        where = "Sesame St, Middleburg, FL 32068, USA", calendar_id = "replace-with-id",
        description = "Please arrive 10 minutes before you time begin",
      }, booking.data.attributes.event_info)
      local customer = booking.data.customers[1]
      assert.matches(UUID, customer.id)
      customer.id = nil
      assert.same({
        name = "Marty McFly", email = "marty.mcfly@timekit.io", phone = "1-591-001-5403", voip = "McFly",
        timezone = "America/Los_Angeles",
      }, customer)

      local status, owner = api:request("POST", "/bookings", [[{
        "graph": "group_owner", "action": "create", "resource_id": "87623db3-cb5f-41e8-b85b-23b5efd04e07",
        "start": "2017-02-20T10:00:00+00:00", "end": "2017-02-20T12:00:00+00:00", "what": "Event 1 what",
        "where": "Event 1 where", "description": "",
        "settings": { "max_seats": 3, "min_cancel_time": "1 day", "min_booking_time": "2 hours",
          "max_booking_time": "14 days" } }]])
      assert.equal(201, status)
      status = api:request("POST", "/bookings", ([[{
        "graph": "group_customer", "action": "create", "related": { "owner_booking_id": "%s" },
        "customer": { "name": "Marty McFly", "email": "marty.mcfly@timekit.io" } }]]):format(owner.data.id))
      assert.equal(201, status)
    end)

    -- What is changed in a good request, and the field that is then refused.
    local REFUSED = {
      { "graph", { graph = false } }, { "graph", { graph = 3 } }, { "graph", { graph = "confrim_decline" } },
      { "graph", { graph = "define" } }, { "graph", { graph = "reservation" } },
      { "start", { start = false } }, { "start", { start = core.null } }, { "start", { start = 1893456000 } },
      { "start", { start = "2030-01-01T10:00:00" } }, { "end", { ["end"] = "tomorrow" } },
      { "end", { ["end"] = support.START } }, { "end", { ["end"] = "2029-12-31T00:00:00Z" } },
      { "customer", { customer = "Marty" } }, { "customer", { customer = core.array { "Marty" } } },
      { "customer.email", { customer = { email = true } } }, { "meta", { meta = "x" } },
      { "participants", { participants = "x" } }, { "resource_id", { resource_id = 7 } },
      { "action", { action = "" } }, { "what", { what = 1 } }, { "settings", { settings = core.array {} } },
      { "timeout", { graph = "instant_payment", timeout = 25 } },
      { "timeout", { graph = "instant_payment", timeout = { time = 25, unit = "parsecs" } } },
      { "timeout", { graph = "instant_payment", settings = { timeout = { time = -1, unit = "min" } } } },
      { "max_seats", { graph = "group_owner", max_seats = "three" } },
      { "related.owner_booking_id", { graph = "group_customer" } },
      { "related.owner_booking_id", { graph = "group_customer", related = { owner_booking_id = core.null } } },
      { "related.owner_booking_id", { graph = "group_customer", related = { owner_booking_id = "nobody" } } },
    }

    it("refuses wrong fields by name, and creates nothing", function()
      for _, case in ipairs(REFUSED) do
        local body = { graph = "instant", start = support.START, ["end"] = support.END }
        for name, value in pairs(case[2]) do body[name] = value or nil end
        local status, answer = api:request("POST", "/bookings", body)
        assert.equal(422, status)
        assert.equal("save_booking_data", answer.action)
        assert.same({ case[1] }, sorted_keys(answer.errors))
        assert.is_true(core.is_array(answer.errors[case[1]]))
        assert.equal("string", type(answer.errors[case[1]][1]))
      end
      assert.same({}, api.box:bookings())
    end)

    it("names every wrong field at once", function()
      local _, answer = api:request("POST", "/bookings", { graph = "instant", start = "x", meta = 1 })
      assert.same({ "end", "meta", "start" }, sorted_keys(answer.errors))
    end)

    it("reads JSON's null as left out", function()
      api:create("instant", { what = core.null, meta = core.null, customer = core.null, action = core.null })
    end)
  end)

  describe("GET /bookings/{id}", function()
    it("shows a booking", function()
      local id, booking = api:create("instant")
      local status, answer = api:request("GET", "/bookings/" .. id)
      assert.equal(200, status)
      assert.same({ data = booking }, answer)
    end)

    it("does not know others", function()
      for _, path in ipairs { "/bookings/nobody", "/bookings/", "/bookings/%2e%2e" } do
        local status, answer = api:request("GET", path)
        assert.equal(404, status)
        assert.same({ error = "Resource does not exist", model = "Booking" }, answer)
      end
    end)
  end)

  describe("PUT /bookings/{id}/{action}", function()
    -- Every action of every graph in every state of every graph, against the rules.
    it("does what the graph says, and nothing else", function()
      local actions = {}
      for _, graph in pairs(graphs) do
        for _, action in ipairs(graph.actions) do actions[action.name] = true end
      end
      local owner = api:create("group_owner")
      local tried = 0
      for name, graph in pairs(graphs) do
        if graph.first then
          local id = api:create(name, { related = { owner_booking_id = owner } })
          for state in pairs(graph.states) do
            for action in pairs(actions) do
              api.box:set_state(id, state)
              local before = api:get(id)
              local status, answer = api:act(id, action)
              local to = graph:next_state(state, action)
              if to then
                assert.equal(200, status)
                assert.equal(to, answer.data.state)
                assert.equal(graph:is_final(to), answer.data.completed)
                assert.same(answer.data, api:get(id))
              else
                assert.equal(422, status)
                assert.same(
                  { error = ("Cannot apply action '%s' to current state '%s'"):format(action, state) }, answer)
                assert.same(before, api:get(id))
              end
              tried = tried + 1
            end
          end
        end
      end
      assert.is_true(tried > 400, tried)
    end)

    it("refuses an action that was already applied", function()
      local id = api:create("instant")
      assert.equal(200, (api:act(id, "cancel")))
      local status, answer = api:act(id, "cancel")
      assert.equal(422, status)
      -- Fixture error-cancel-twice.
      assert.same({ error = "Cannot apply action 'cancel' to current state 'cancelled'" }, answer)
    end)

    it("takes inputs under the action's own name, and further settings", function()
      for _, body in ipairs {
        "", "{}", '{"decline":{"message":"Fully booked"}}', '{"decline":null}',
        '{"decline":{"message":"x","enabled":false},"notify_customer_by_email":{"enabled":false}}',
        '{"decline":{"reason_code":7}}', '{"apply_to_bulked_bookings":null}',
      } do
        local id = api:create("confirm_decline")
        local status, answer = api:request("PUT", ("/bookings/%s/decline"):format(id), body)
        assert.equal(200, status)
        assert.equal("declined", answer.data.state)
        assert.is_true(answer.data.completed)
      end
    end)

    it("refuses wrong inputs and bodies, and changes nothing", function()
      local id = api:create("confirm_decline")
      for body, expected in pairs {
        ['{"decline":{"message":7}}'] = { 422, "decline" },
        ['{"decline":{"mesage":"x"}}'] = { 422, "decline" },
        ['{"decline":"x"}'] = { 422, "decline" },
        ['{"decline":[]}'] = { 422, "decline" },
        ['{"apply_to_bulked_bookings":"no"}'] = { 422, "apply_to_bulked_bookings" },
        ['["decline"]'] = { 422 }, ["3"] = { 422 }, ["{"] = { 400 }, ["{} x"] = { 400 }, ["\255"] = { 400 },
        ['{"decline":{"message":"\255"}}'] = { 400 }, [("["):rep(100)] = { 400 },
      } do
        local status, answer = api:request("PUT", ("/bookings/%s/decline"):format(id), body)
        assert.equal(expected[1], status)
        if expected[2] then
          assert.same({ expected[2] }, sorted_keys(answer.errors))
        else
          assert.equal("string", type(answer.error))
        end
      end
      assert.same({ "create:tentative:api" }, api:history(id))
    end)

    it("says first that an action is impossible, whatever its inputs are", function()
      local id = api:create("confirm_decline")
      local _, answer = api:act(id, "cancel", { cancel = { message = 7 } })
      assert.equal("Cannot apply action 'cancel' to current state 'tentative'", answer.error)
    end)

    it("reads percent-encoding, and quotes what it was asked", function()
      local id = api:create("instant")
      local status, answer = api:act(id, "can%63el")
      assert.equal(200, status)
      assert.equal("cancelled", answer.data.state)
      status, answer = api:act(id, "a%2Fb%20%C3%A9")
      assert.equal(422, status)
      assert.equal("Cannot apply action 'a/b é' to current state 'cancelled'", answer.error)
      assert.equal(400, (api:act(id, "%FF")))
    end)

    it("follows a graph of the user's own", function()
      graphs.define {
        name = "walk_in", initial = "initialized", first = "arrive",
        states = { initialized = {}, present = {}, gone = { final = true } },
        actions = {
          { name = "arrive", from = "initialized", to = "present" },
          { name = "leave", from = "present", to = "gone", inputs = { note = { type = "string", required = true } } },
        },
      }
      local id = api:create("walk_in")
      assert.equal(422, (api:act(id, "leave")))
      assert.equal(200, (api:act(id, "leave", { leave = { note = "bye" } })))
      assert.same({ "arrive:present:api", "leave:gone:api" }, api:history(id))
    end)
  end)

  describe("includes", function()
    it("add fields, and only those", function()
      local id = api:create("confirm_decline", {
        what = "Mens haircut", resource_id = "r1", meta = { order = "A1", tags = core.array {} },
        calendar_id = "c1", project_id = "p1", customer = { name = "Marty", meta = "{}" },
      })
      local booking = api:get(id, "available_actions,meta,resource,calendar,project")
      assert.same({ "confirm", "decline" }, booking.available_actions)
      assert.same({ order = "A1", tags = {} }, booking.meta)
      assert.is_true(core.is_array(booking.meta.tags))
      assert.equal("r1", booking.resource.id)
      assert.same({ id = "c1" }, booking.calendar)
      assert.same({ id = "p1" }, booking.project)
      assert.is_nil(booking.attributes)
      assert.same(NATIVE, sorted_keys(api:get(id)))
      -- Shape of the fixture webhook-payload-instant-confirmed-2017, times in Timekit's usual shape.
      local event = api:get(id, "event").event
      assert.equal("2030-01-01T10:00:00+0000", event.start)
      assert.equal("2030-01-01T11:00:00+0000", event["end"])
      assert.equal("Mens haircut", event.what)
      assert.matches(UUID, event.id)
    end)

    it("show what is possible now", function()
      local id = api:create("confirm_decline")
      local _, answer = api:request("PUT", ("/bookings/%s/decline?include=available_actions"):format(id), {})
      assert.same({}, answer.data.available_actions)
      assert.is_true(core.is_array(answer.data.available_actions))
    end)

    it("show empty lists and objects as such", function()
      local id = api:create("instant")
      local answer = api.box:handle {
        method = "GET", target = "/v2/bookings/" .. id .. "?include=customers,meta,bulked_bookings",
        headers = { Authorization = support.AUTH },
      }
      assert.matches('"customers":[]', answer.body, 1, true)
      assert.matches('"meta":{}', answer.body, 1, true)
      assert.matches('"bulked_bookings":[]', answer.body, 1, true)
    end)

    it("that are unknown are refused before anything happens", function()
      local id = api:create("confirm_decline")
      local one = "/bookings/" .. id
      for _, include in ipairs {
        "atributes", "meta,nothing", "bulked_bookings.atributes", "owner_booking.owner_booking",
      } do
        for method, path in pairs { GET = one, PUT = one .. "/confirm", POST = "/bookings" } do
          local status, answer = api:request(method, path .. "?include=" .. include, "{}")
          assert.equal(422, status)
          assert.same({ "include" }, sorted_keys(answer.errors))
        end
        assert.equal(422, (api:request("GET", "/bookings?include=" .. include)))
      end
      assert.same({ "create:tentative:api" }, api:history(id))
    end)

    it("that Timekit knows are all taken", function()
      local id = api:create("instant")
      api:get(id, "attributes,event,calendar,customers,user,resource,project,meta,logs,available_actions,"
        .. "customer_action_links,owner_booking,bulked_bookings,provider_event")
    end)
  end)

  describe("authentication", function()
    local function status_with(headers)
      local status, answer, answered = api:request("GET", "/bookings", nil, headers)
      return status, answer, answered
    end

    it("wants a key", function()
      for _, header in ipairs {
        "", "Basic", "Basic !!!!", "Bearer OmtleQ==", "Basic Og==", "Basic a2V5", "Basic OmtleQ==x",
      } do
        local status, answer, headers = status_with { Authorization = header }
        assert.equal(401, status)
        assert.equal("string", type(answer.error))
        assert.matches("Basic", headers["www-authenticate"])
      end
      assert.equal(401, (status_with {}))
    end)

    it("takes any app key unless one is set", function()
      assert.equal(200, (status_with { authorization = "Basic OmtleQ==" }))    -- :key
      assert.equal(200, (status_with { AUTHORIZATION = "basic OmE6Yg==" }))    -- :a:b
      api = support.new { app_key = "key" }
      assert.equal(200, (status_with { Authorization = "Basic OmtleQ==" }))
      assert.equal(401, (status_with { Authorization = "Basic Omtlego=" }))    -- :kez\n
      assert.equal(401, (status_with { Authorization = support.AUTH }))
    end)

    it("takes a resource's e-mail and key, with the app named", function()
      local header = "Basic bUB4LmlvOmtleQ=="                                  -- m@x.io:key
      assert.equal(401, (status_with { Authorization = header }))
      assert.equal(401, (status_with { Authorization = header, ["Timekit-App"] = "" }))
      assert.equal(200, (status_with { Authorization = header, ["timekit-app"] = "demo" }))
    end)

    it("comes before anything else", function()
      local id = api:create("confirm_decline")
      local status = api:request("PUT", ("/bookings/%s/confirm"):format(id), {}, {})
      assert.equal(401, status)
      assert.equal("tentative", api:get(id).state)
    end)
  end)

  describe("headers", function()
    it("are those of Timekit", function()
      local seen = {}
      for _ = 1, 3 do
        local _, _, headers = api:request("GET", "/bookings")
        assert.matches(UUID, headers["timekit-request-id"])
        assert.is_nil(seen[headers["timekit-request-id"]])
        seen[headers["timekit-request-id"]] = true
        assert.matches("^%d+$", headers["x-ratelimit-remaining"])
        assert.equal("application/json", headers["content-type"])
        assert.equal("true", headers["timekit-testmode"])
      end
      -- :live_api_key_1, :live_test_key
      for _, key in ipairs { "OmxpdmVfYXBpX2tleV8x", "OmxpdmVfdGVzdF9rZXk=" } do
        local status, _, headers = api:request("GET", "/bookings", nil, { Authorization = "Basic " .. key })
        assert.equal(200, status)
        assert.is_nil(headers["timekit-testmode"])
      end
    end)
  end)

  describe("routes", function()
    it("that do not exist are 404", function()
      for _, target in ipairs { "/v2/nothing", "/v1/bookings", "/", "", "/v2", "/v2/bookings/a/b/c", "v2/bookings" } do
        local answer = api.box:handle { method = "GET", target = target, headers = { Authorization = support.AUTH } }
        assert.equal(404, answer.status)
      end
    end)

    it("name the methods that they take", function()
      for path, allowed in pairs {
        ["/bookings"] = "GET, HEAD, POST", ["/bookings/x"] = "DELETE, GET, HEAD, PUT", ["/bookings/x/confirm"] = "PUT",
      } do
        local status, answer, headers = api:request("BREW", path)
        assert.equal(405, status)
        assert.equal("string", type(answer.error))
        assert.equal(allowed, headers.allow)
      end
    end)

    it("answer HEAD like GET, without the body", function()
      local id = api:create("instant")
      local headers = { Authorization = support.AUTH }
      local get = api.box:handle { method = "GET", target = "/v2/bookings/" .. id, headers = headers }
      local head = api.box:handle { method = "HEAD", target = "/v2/bookings/" .. id, headers = headers }
      assert.equal(200, head.status)
      assert.equal("", head.body)
      assert.equal(tostring(#get.body), head.headers["content-length"])
    end)
  end)
end)
