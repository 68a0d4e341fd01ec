-- A user saw: an empty page of the console for an address that a letter was missing in; an old error beside a success;
-- a time of a booking in one zone in the list, and in another beside it; digits of a long number replaced by zeros.
local browser = require "spec.support.browser"
local console = require "spec.support.console"

describe("the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new()
  local b = page.browser

  setup(function() page:start() end)
  teardown(function() page:close() end)
  after_each(function() assert.same({}, b:complaints()) end)

  it("shows a view for any address", function()
    for hash, seen in pairs {
      ["#booking=%"] = "There is no such booking", ["#request=%E0%A4%A"] = "It is not in the history",
      ["#booking"] = "New booking", ["#request="] = "Requests", ["#toString"] = "New booking",
      ["#__proto__=1"] = "New booking",
    } do
      page:open(hash)
      page:sees("#main", seen)
      assert.equal(0, #b:all "#error:not([hidden])", hash)
    end
  end)

  it("takes an error away once the same thing succeeds", function()
    page:open "#faults"
    b:choose("fault-what", "status")
    b:type("fault-status", "99")
    b:click "fault-add"
    page:sees("error", "expected a status")
    b:type("fault-status", "503")
    b:click "fault-add"
    page:has_rows("fault-row", 1)
    assert.equal(0, #b:all "#error:not([hidden])")
    page:ask("DELETE", "/_sandbox/faults")
  end)

  it("says what is no number, rather than leave it out", function()
    page:open "#faults"
    b:type("fault-times", "1e")
    b:click "fault-add"
    page:sees("error", "times: expected a number")
    assert.same({}, page:ask("GET", "/_sandbox/faults"))
  end)

  it("tells times in UTC", function()
    local id = page:ask("POST", "/v2/bookings", {
      graph = "instant", start = "2099-01-01T23:30:00+02:00", ["end"] = "2099-01-02T00:30:00+02:00",
    }).id
    page:open("#booking=" .. id)
    page:sees("booking-row", "2099-01-01 21:30")
    page:sees("#main .facts", "2099-01-01 21:30 to 2099-01-01 22:30 UTC")
  end)

  it("shows numbers as they came", function()
    local connection = page.served:connect()
    local body = '{"graph":"instant","meta":{"a":12345678901234567890,"b":1.50}}'
    connection:send(("POST /v2/bookings HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s"):format(
      page.served.host, #body, body))
    connection:receive("*l")
    connection:close()
    page:open("#request=" .. page:ask("GET", "/_sandbox/status").requests)
    page:sees("request-body", '"a": 12345678901234567890,')
    page:sees("request-body", '"b": 1.50')
  end)

  it("has no code for a request whose body is cut", function()
    page:ask("POST", "/v2/bookings", { graph = "instant", what = ("x"):rep(300000) })
    page:open("#request=" .. page:ask("GET", "/_sandbox/status").requests)
    page:sees("#main", "too long to keep in full, so there is no code")
    page:has_rows("sample-curl", 0)
  end)

  it("keeps the reasons of actions within their card", function()
    local id = page:create()
    page:ask("PUT", "/v2/bookings/" .. id .. "/confirm", {})
    for _, width in ipairs { 360, 800, 1600 } do
      b:look(width, 1000)
      page:open("#booking=" .. id)
      b:find "action-cancel"
      assert.same({}, b:run [[
        const card = document.querySelector(".actions").getBoundingClientRect();
        const notes = [...document.querySelectorAll(".actions .note")];
        return notes.filter((note) => {
          const range = document.createRange();
          range.selectNodeContents(note);
          return range.getBoundingClientRect().right > card.right + 1;
        }).map((note) => note.textContent);
      ]], width)
      local heights = b:run "return [...document.querySelectorAll('#views a')].map((link) => link.offsetTop)"
      assert.equal(heights[1], heights[4], width)
    end
    b:look(1400, 1000)
  end)
end)
