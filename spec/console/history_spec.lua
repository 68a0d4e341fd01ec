-- A person at the console: the history, the clock, faults and webhooks.
local browser = require "spec.support.browser"
local console = require "spec.support.console"
local core = require "timekit.core"
local process = require "spec.support.process"
local this_lua = require "spec.support.this_lua"

describe("a person at the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new()
  local b = page.browser

  setup(function() page:start() end)
  teardown(function() page:close() end)
  before_each(function() page:ask("POST", "/_sandbox/reset") end)
  after_each(function() assert.same({}, b:complaints()) end)

  describe("in the history", function()
    it("sees every request of every client, the newest first, as it comes", function()
      page:open "#requests"
      local id = page:create()
      page:has_rows("history-row", 1)
      page:ask("PUT", "/v2/bookings/" .. id .. "/confirm", {})
      page:has_rows("history-row", 2)
      assert.same({ "2", "1" }, page:rows("history-row", "data-number"))
      page:sees("history-row", "PUT")
      page:sees("history-row", "/bookings/" .. id .. "/confirm")
      page:sees("history-row", "200")
    end)

    it("tells the console's own requests from others", function()
      page:open "#create"
      b:click "create-submit"
      b:find "booking-state"
      page:open "#requests"
      page:sees("history-row", "console")
    end)

    it("opens a request in full, which has an address of its own", function()
      local id = page:create(nil, "Haircut")
      page:open "#requests"
      b:click "history-row"
      page:sees("response-status", "201")
      page:sees("response-body", id)
      page:sees("request-body", "Haircut")
      assert.matches("#request=1$", b:run "return location.href")
      page:open "#request=1"
      page:sees("response-body", id)
      browser.wait("the mark", function() return b:attribute("history-row", "aria-current") == "true" end)
      page:open "#request=77"
      page:sees("#main", "It is not in the history")
    end)

    it("sends a request again", function()
      page:create(nil, "Haircut")
      page:open "#request=1"
      b:click "history-again"
      browser.wait("the new request", function() return b:run("return location.hash") == "#request=2" end)
      page:sees("#main", "Request #2")
      assert.equal(2, #page:ask("GET", "/_sandbox/bookings"))
    end)

    it("sees what the client of a request with a fault got", function()
      local id = page:create()
      page:ask("POST", "/_sandbox/faults", { what = "close", when = "after" })
      pcall(page.ask, page, "PUT", "/v2/bookings/" .. id .. "/confirm", {})
      page:open "#request=2"
      page:sees("response-status", "no answer")
      page:sees("#main", "carried out all the same, with the status 200")
      page:sees("#main", "fault: close, after the change")
    end)
  end)

  describe("at the clock", function()
    it("moves it by an hour, a day, and to what plays next", function()
      local id = page:create "instant"
      page:open("#booking=" .. id)
      page:sees("#coming", "complete of " .. id:sub(1, 8))
      local function now() return page:ask("GET", "/_sandbox/clock").now end
      local before = now()
      b:click "clock-hour"
      browser.wait("an hour", function() return now() >= before + 3600 end)
      b:click "clock-day"
      browser.wait("a day", function() return now() >= before + 3600 + 86400 end)
      b:click "clock-next"
      page:sees("booking-state", "completed")
      page:sees("#coming", "Nothing plays by itself")
      page:sees("clock-now", "2099-01-01 12:00")
      page:sees("#main", "by autoplay")
      assert.equal("true", b:attribute("clock-next", "disabled"))
    end)
  end)

  describe("with faults", function()
    it("plans one, sees it, and drops it", function()
      page:open "#faults"
      b:choose("fault-what", "status")
      b:type("fault-status", "504")
      b:choose("fault-when", "after")
      b:type("fault-match", "PUT /v2/bookings/*/confirm")
      b:click "fault-add"
      page:has_rows("fault-row", 1)
      page:sees("fault-row", "status after the change, the next request that matches PUT /v2/bookings/*/confirm")
      local planned = page:ask("GET", "/_sandbox/faults")[1]
      assert.same({ "status", 504, "after", "PUT /v2/bookings/*/confirm", 1 },
        { planned.what, planned.status, planned.when, planned.match, planned.times })
      b:click "fault-drop"
      page:has_rows("fault-row", 0)
      assert.same({}, page:ask("GET", "/_sandbox/faults"))
    end)

    it("plans every kind, and sees when it is used up", function()
      page:open "#faults"
      for count, what in ipairs { "close", "truncate", "garbage", "stall", "status", "late" } do
        b:choose("fault-what", what)
        b:click "fault-add"
        page:has_rows("fault-row", count)
      end
      page:ask("DELETE", "/_sandbox/faults")
      page:ask("POST", "/_sandbox/faults", { what = "garbage" })
      page:has_rows("fault-row", 1)
      page.served:request("HEAD", "/v2/bookings")
      page:has_rows("fault-row", 0)
    end)

    it("is told what is wrong with one", function()
      page:open "#faults"
      b:type("fault-match", "nonsense")
      b:click "fault-add"
      page:sees("error", "expected a method and a path")
      b:click "#error-close"
      assert.is_true(b:run "return document.querySelector('#error').hidden")
    end)
  end)

  it("sets a webhook up, sees its deliveries and their tries, and sends one again", function()
    -- A receiver that answers 500 first and 204 from then on.
    local receiver = process.start(this_lua.command .. " spec/support/flaky_receiver.lua")
    page:open "#webhooks"
    b:type("webhook-url", "http://127.0.0.1:" .. receiver.line .. "/hook")
    b:choose("webhook-graph", "instant")
    b:choose("webhook-state", "confirmed")
    b:click "webhook-add"
    page:sees("#main", "when a booking of instant enters confirmed")
    local id = page:create "instant"
    page:has_rows("delivery-row", 1)
    page:sees("delivery-row", "delivered")
    page:sees("delivery-row", id:sub(1, 8))
    browser.wait("both tries", function() return b:text("delivery-row"):find("500, %d%d:%d%d:%d%d 204") end)
    b:click "delivery-again"
    page:has_rows("delivery-row", 2)
    page:sees("delivery-row", "delivered")
    assert.equal(2, #page:ask("GET", "/_sandbox/webhooks").deliveries)
    assert.is_string(core.encode(page:ask("GET", "/_sandbox/webhooks")))
    receiver:close()
  end)
end)
