-- Links, webhooks, autoplay and free requests: what the client makes, the sandbox takes. In the process and over HTTP.
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local timekit = require "timekit"

local KEY = "test_api_key_1"
local SLOT = { start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

-- Where the sandbox is: `client(options)`; `get(target)`, a request without a key; `control(path, body)`, as over HTTP.
local PLACES = {}

PLACES["in the process"] = function()
  local box = timekit.sandbox.new { app_key = KEY, now = 1893456000 }
  local place = {}
  function place.client(options)
    options.transport = box
    return timekit.new(options)
  end
  function place.get(target) return box:handle { method = "GET", target = target } end
  function place.hook(hook) box:webhook(hook) end
  function place.deliveries() return box:deliveries() end
  function place.advance(seconds) return box:advance(seconds) end
  function place.close() end
  return place
end

PLACES["over HTTP"] = function()
  local served = server.start("KEY=" .. KEY)
  local place = {}
  function place.client(options)
    options.base_url = served.url
    return timekit.new(options)
  end
  function place.get(target)
    local connection = served:connect()
    assert(connection:send(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):format(target)))
    local answer = assert(server.read(connection))
    connection:close()
    return answer
  end
  local function control(path, body)
    local status, answer = served:request(body and "POST" or "GET", "/_sandbox/" .. path, body and core.encode(body))
    assert.equal(200, status)
    return answer.data
  end
  function place.hook(hook) control("webhooks", hook) end
  function place.deliveries() return control("webhooks").deliveries end
  function place.advance(seconds) return control("clock", { advance = seconds }).played end
  function place.close() served:close() end
  return place
end

for name, open in pairs(PLACES) do
  describe(name .. ",", function()
    local place, tk

    before_each(function()
      place = open()
      tk = place.client { app_key = KEY, timeout = 20 }
    end)

    after_each(function()
      tk:close()
      place.close()
    end)

    local function book(graph)
      local fields = { graph = graph or "instant" }
      for field, value in pairs(SLOT) do fields[field] = value end
      return tk:booking(assert(tk:create_booking(fields)))
    end

    local function state_of(handle) return assert(tk:booking(handle.id):get()).state end

    local function target_of(url) return (url:gsub("^%a+://[^/]*", "")) end

    local function refused(status, target)
      local answer = place.get(target)
      assert.equal(status, answer.status)
      assert.matches("^text/html", answer.headers["content-type"])
      assert.matches("This link does not work", answer.body, 1, true)
      assert.is_nil(answer.headers.location)
    end

    it("a link performs its action once, and leads on", function()
      local handle = book()
      local url = assert(handle:link("cancel", { redirect = "https://example.com/bye?a=b&c=d" }))
      assert.is_true(timekit.link.verify(url, KEY))
      local answer = place.get(target_of(url))
      assert.same({ 302, "https://example.com/bye?a=b&c=d" }, { answer.status, answer.headers.location })
      assert.equal("cancelled", state_of(handle))
      refused(422, target_of(url))
      local _, err = handle:cancel()
      assert.same({ "transition", true }, { err.kind, err.already })
    end)

    it("a link is good for its action on its booking, by its key, and for nothing else", function()
      local handle, other = book(), book()
      local target = target_of(assert(handle:link "cancel"))
      local forger = place.client { app_key = "test_api_key_2" }
      refused(403, target_of(assert(forger:booking(handle.id):link "cancel")))
      forger:close()
      refused(403, (target:gsub("external_action/cancel", "external_action/complete")))
      refused(403, (target:gsub("bookings/[^/]*", "bookings/" .. other.id)))
      refused(403, target:sub(1, -2))
      refused(403, (target:gsub("%?.*", "")))
      refused(403, target:gsub("signature=[^.]*", "signature=eyJhbGciOiJub25lIn0"))
      for _, redirect in ipairs {
        "javascript:alert(1)", "JavaScript:alert(1)", "%09javascript:alert(1)", "//example.com", "http:example.com",
        "https://user@example.com", "https://example.com%0d%0aX:%20y",
      } do
        refused(422, target .. "&redirect=" .. redirect)
      end
      assert.same({ "confirmed", "confirmed" }, { state_of(handle), state_of(other) })
    end)

    it("the customer's links work as they come", function()
      local handle = book()
      local links = assert(handle:customer_links())
      assert.is_true(timekit.link.verify(links.cancel_by_customer, KEY))
      assert.is_true(timekit.link.verify(links.reschedule_by_customer, KEY))
      assert.equal(200, place.get(target_of(links.cancel_by_customer)).status)
      assert.equal("cancelled_by_customer", state_of(handle))
      assert.same({}, (handle:customer_links()))
    end)

    it("a webhook's delivery is verified and parsed to a handle that acts", function()
      -- No server listens there, but the sandbox keeps what it was going to send.
      place.hook { url = "http://127.0.0.1:1/", secret = "whsec_1", graph = "confirm_decline", state = "tentative" }
      local handle = book "confirm_decline"
      local sent = place.deliveries()[1]
      assert.is_true(timekit.webhook.verify(sent.body, sent.headers["x-timekit-signature"], "whsec_1"))
      assert.is_false((timekit.webhook.verify(sent.body, sent.headers["x-timekit-signature"], KEY)))
      local parsed = assert(timekit.webhook.parse(sent.body, { client = tk }))
      assert.same({ handle.id, "confirm_decline", "tentative", false },
        { parsed.id, parsed.graph, parsed.state, parsed.is_test })
      assert(parsed:confirm())
      assert.equal("confirmed", state_of(handle))
    end)

    it("what plays by itself plays when it was said to, and is waited for", function()
      local handle = book()
      local action, at, text = handle:next_autoplay()
      assert.same({ "complete", 1898589600, "2030-03-01T10:00:00+00:00" }, { action, at, text })
      local waiting = tk:start(function() return handle:wait_until("completed", { timeout = 15, every = 0.01 }) end)
      for _ = 1, 3 do tk:update() end
      assert.is_false(waiting:done())
      local played = place.advance(10 * 365 * 86400)
      assert.same({ "complete", at }, { played[1].action, played[1].at })
      while tk:update(0.1) > 0 do end
      local booking, info = waiting:result()
      assert.same({ "completed", true }, { booking.state, info.attempts >= 2 })
      assert.is_nil(handle:next_autoplay())
    end)

    it("a free request reaches everything, with the client's errors", function()
      local created, info = tk:request("POST", "/bookings", {
        body = { graph = "confirm_decline", start = SLOT.start, ["end"] = SLOT["end"], meta = { shop = "north" } },
        include = { "meta", "available_actions" },
      })
      assert.same({ 201, "north", { "confirm", "decline" } },
        { info.status, created.meta.shop, created.available_actions })
      local path = "/bookings/" .. created.id
      assert.equal("confirmed", assert(tk:request("PUT", path .. "/confirm", { body = {} })).state)
      local none, err = tk:request("PUT", path .. "/confirm", { body = {} })
      assert.is_nil(none)
      assert.same({ "transition", "confirmed", 422, "yes" }, { err.kind, err.state, err.status, err.sent })
      local list
      list, info = tk:request("GET", "/bookings", {
        query = { search = "state:confirmed", limit = 1 }, headers = { ["Timekit-Timezone"] = "Europe/Copenhagen" },
      })
      assert.same({ created.id, 1, "1" }, { list[1].id, info.envelope.total, info.envelope.per_page })
      assert.equal("initialized", assert(tk:request("GET", "/bookings/graphs/instant")).initial)
      assert(tk:request("PUT", path .. "/cancel"))
      none, info = tk:request("DELETE", path)
      assert.same({ timekit.null, 204 }, { none, info.status })
      assert.equal("not_found", select(2, tk:request("GET", path)).kind)
    end)
  end)
end
