-- A user saw: nothing at all after a click on "Send" while the sandbox kept its answer back, and no way out of it.
local browser = require "spec.support.browser"
local console = require "spec.support.console"

describe("the console that waits for an answer", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new()
  local b = page.browser

  setup(function() page:start() end)
  teardown(function() page:close() end)

  it("says so, and a person can stop waiting", function()
    local id = page:create()
    page:ask("POST", "/_sandbox/faults", { what = "stall", when = "after" })
    page:open("#booking=" .. id)
    b:click "action-confirm"
    b:click "send-action"
    page:sees("waiting", "Waiting for the answer")
    page:sees("booking-state", "confirmed")
    b:click "waiting-stop"
    page:sees("#main", "You stopped waiting before an answer came")
    page:has_rows("waiting", 0)
    b:click "action-cancel"
    b:click "send-action"
    page:sees("booking-state", "cancelled")
    assert.same({}, b:complaints())
  end)
end)
