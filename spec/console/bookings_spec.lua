-- A person at the console: bookings, actions, and what came of them.
local browser = require "spec.support.browser"
local console = require "spec.support.console"
local graphs = require "timekit.graphs"

describe("a person at the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new()
  local b = page.browser

  setup(function() page:start() end)
  teardown(function() page:close() end)
  before_each(function() page:ask("POST", "/_sandbox/reset") end)
  after_each(function() assert.same({}, b:complaints()) end)

  it("makes a booking from a form that knows the graph", function()
    page:open()
    b:click "create-open"
    b:choose("create-graph", "instant")
    page:sees("request-body", '"graph": "instant"')
    b:type("input-what", "Massage")
    page:sees("sample-lua", 'what = "Massage"')
    b:click "create-submit"
    page:sees("booking-state", "confirmed")
    page:sees("response-status", "201")
    page:has_rows("booking-row", 1)
    assert.equal("confirmed", b:attribute("booking-row", "data-state"))
    local made = page:ask("GET", "/_sandbox/bookings")[1]
    assert.equal(made.id, b:attribute("booking-row", "data-id"))
    assert.equal("Massage", made.attributes.event_info.what)
    assert.equal("Marty McFly", made.customers[1].name)
  end)

  it("is offered the group bookings where a graph needs one", function()
    local group = page:create("group_owner", "Yoga")
    page:open "#create"
    b:choose("create-graph", "group_customer")
    page:sees("request-body", ('"owner_booking_id": "%s"'):format(group))
    b:click "create-submit"
    page:sees("booking-state", "confirmed")
  end)

  it("sees why a booking was not made", function()
    page:open "#create"
    b:find "input-start"
    b:type("input-start", "soon")
    b:click "create-submit"
    page:sees("response-status", "422")
    page:sees("response-body", "start is not a valid timestamp")
    assert.equal(0, #page:ask("GET", "/_sandbox/bookings"))
  end)

  it("sees the graph with the current state lit, the past marked, and what is possible", function()
    local id = page:create()
    page:ask("PUT", "/v2/bookings/" .. id .. "/confirm", {})
    page:open("#booking=" .. id)
    b:find "graph"
    assert.equal("true", b:attribute('[data-testid="graph"] [data-state="confirmed"]', "aria-current"))
    assert.equal(1, #b:all '[data-testid="graph"] [aria-current]')
    assert.equal(2, #b:all '[data-testid="graph"] .tk-past')
    assert.is_nil(b:attribute("action-cancel", "aria-disabled"))
    assert.equal("true", b:attribute("action-decline", "aria-disabled"))
    assert.matches(select(2, graphs.confirm_decline:can("confirmed", "decline")), b:text ".actions", 1, true)
  end)

  it("performs an action, with inputs", function()
    local id = page:create()
    page:open("#booking=" .. id)
    b:click "action-decline"
    b:type("input-message", 'Fully "booked"')
    page:sees("request-body", [["message": "Fully \"booked\""]])
    page:sees("sample-lua", [[:action("decline", {]])
    assert.equal(0, #b:all "response-status")
    b:click "send-action"
    page:sees("response-status", "200")
    page:sees("response-body", '"state": "declined"')
    page:sees("booking-state", "declined")
    assert.equal("true", b:attribute('[data-testid="graph"] [data-state="declined"]', "aria-current"))
    assert.equal('Fully "booked"', page:ask("GET", "/_sandbox/requests")[2].body.decline.message)
    -- The form stays, and tells that the action is not possible any more.
    b:find "send-anyway"
  end)

  it("performs an action by a click in the picture", function()
    local id = page:create()
    page:open("#booking=" .. id)
    b:click '[data-testid="graph"] [data-action="confirm"]'
    b:click "send-action"
    page:sees("booking-state", "confirmed")
  end)

  it("sends what is not possible anyway, to see the refusal", function()
    local id = page:create()
    page:open("#booking=" .. id)
    b:click "action-cancel"
    assert.equal(0, #b:all "send-action")
    b:click "send-anyway"
    page:sees("response-status", "422")
    page:sees("response-body", "Cannot apply action 'cancel' to current state 'tentative'")
    page:sees("booking-state", "tentative")
  end)

  it("deletes a booking whose state is final", function()
    local id = page:create()
    page:open("#booking=" .. id)
    assert.equal("true", b:attribute("action-delete", "aria-disabled"))
    page:ask("PUT", "/v2/bookings/" .. id .. "/decline", {})
    browser.wait("delete", function() return b:attribute("action-delete", "aria-disabled") == nil end)
    b:click "action-delete"
    b:click "send-action"
    page:sees("response-status", "204")
    page:sees("#main", "It was deleted.")
    page:has_rows("booking-row", 0)
    assert.equal(0, #page:ask("GET", "/_sandbox/bookings"))
  end)

  it("searches by state, graph and text", function()
    page:create("instant", "Massage")
    page:create("confirm_decline", "Haircut")
    page:create("confirm_decline", "Shave")
    page:open()
    page:has_rows("booking-row", 3)
    b:choose("filter-state", "tentative")
    page:has_rows("booking-row", 2)
    b:type("filter-search", "shav")
    page:has_rows("booking-row", 1)
    page:sees("booking-row", "Shave")
    b:choose("filter-graph", "instant")
    page:has_rows("booking-row", 0)
    page:sees("#main", "No booking fits.")
    for _, name in ipairs { "filter-graph", "filter-state" } do b:choose(name, "") end
  end)

  it("sees at once what a program does", function()
    page:open()
    local id = page:create()
    page:has_rows("booking-row", 1)
    b:click "booking-row"
    b:click "action-confirm"
    page:ask("PUT", "/v2/bookings/" .. id .. "/decline", {})
    page:sees("booking-state", "declined")
    b:find "send-anyway"
  end)

  it("learns that an outcome is uncertain", function()
    local id = page:create()
    page:open("#booking=" .. id)
    page:ask("POST", "/_sandbox/faults", { what = "close", when = "after", match = "PUT /v2/bookings/*/confirm" })
    b:click "action-confirm"
    b:click "send-action"
    page:sees("response-status", "no answer")
    page:sees("#main", "The request may have taken effect or not")
    page:sees("booking-state", "confirmed")
  end)

  it("is told when there is no such booking, and when the sandbox is gone", function()
    page:open "#booking=nothing"
    page:sees("#main", "There is no such booking.")
  end)
end)

describe("the key at the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  it("is what is typed, stays in this tab, and is seen nowhere else", function()
    local page = console.new "KEY=test_only_this_key"
    local b = page.browser
    page:start()
    page:open "#create"
    b:click "create-submit"
    page:sees("response-status", "401")
    b:type("credentials-key", "test_only_this_key")
    b:click "create-submit"
    page:sees("booking-state", "tentative")
    page:open "#requests"
    assert.equal("test_only_this_key", b:run "return document.querySelector('#key').value")
    assert.equal("password", b:attribute("credentials-key", "type"))
    b:click "history-row"
    b:find "response-status"
    assert.falsy(b:run("return document.documentElement.innerHTML"):find("only_this_key", 1, true))
    local kept = b:run "return location.href + document.cookie + JSON.stringify(localStorage)"
    assert.falsy(kept:find("only_this", 1, true))
    page:close()
  end)
end)

describe("a console whose sandbox is gone", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  it("says so, and goes on when it is back", function()
    local page = console.new()
    page:start()
    page:open()
    page.served:close()
    page:sees("error", "The sandbox does not answer")
    local again = require("spec.support.sandbox_server").start("PORT=" .. page.served.port)
    browser.wait("the end of the error", function()
      return page.browser:run "return document.querySelector('#error').hidden"
    end)
    page.browser:close()
    again:close()
  end)
end)
