-- What the console looks like, and for whom: widths, light and dark, screen readers, a keyboard alone, many rows.
local browser = require "spec.support.browser"
local console = require "spec.support.console"
local core = require "timekit.core"
local graphs = require "timekit.graphs"

-- `make test-console` installs it.
local AXE = "build/console/node_modules/axe-core/axe.min.js"

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

describe("the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new()
  local b = page.browser
  local views

  -- View → its address and what is seen once it is complete.
  local function make_views()
    local id = page:create("confirm_decline", "Haircut")
    page:create("instant", "A title that is far longer than any title has to be, without an end")
    page:ask("POST", "/_sandbox/faults", { what = "close", match = "PUT /v2/bookings/*/cancel" })
    page:ask("POST", "/_sandbox/webhooks",
      { url = "http://127.0.0.1:1/a", secret = "s", graph = "confirm_decline", state = "tentative" })
    page:create("confirm_decline", "Shave")
    return {
      bookings = { "#bookings", "booking-row" }, booking = { "#booking=" .. id, "graph" },
      create = { "#create", "create-submit" }, requests = { "#requests", "history-row" },
      request = { "#request=1", "response-body" }, faults = { "#faults", "fault-row" },
      webhooks = { "#webhooks", "delivery-row" },
    }
  end

  local function each_view(check)
    for name, view in pairs(views) do
      page:open(view[1])
      b:find(view[2])
      if name == "booking" then
        b:click "action-decline"
        b:find "sample-lua"
      end
      check(name)
    end
  end

  setup(function()
    page:start()
    views = make_views()
  end)
  teardown(function() page:close() end)
  after_each(function() assert.same({}, b:complaints()) end)

  for _, width in ipairs { 360, 768, 1100, 1600 } do
    it(("fits into %d pixels, and hides nothing at its sides"):format(width), function()
      b:look(width, 900)
      each_view(function(name)
        assert.equal(width, b:run "return document.documentElement.scrollWidth", name)
        local outside = b:run [[
          const hidden = (element) => ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX);
          const scrolls = (element) => element && (hidden(element) || scrolls(element.parentElement));
          return [...document.querySelectorAll("main *, header *")].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width > 0 && box.right > innerWidth + 1 && !scrolls(element.parentElement);
          }).map((element) => element.outerHTML.slice(0, 100));
        ]]
        assert.same({}, outside, name)
      end)
    end)
  end

  for _, scheme in ipairs { "light", "dark" } do
    describe("in the " .. scheme, function()
      local axe = read(AXE)
      if not axe then
        pending("cannot be checked: axe-core is not in " .. AXE)
        return
      end

      it("passes axe: labels, landmarks, contrast, names", function()
        for _, width in ipairs { 360, 1400 } do
          b:look(width, 1000, scheme)
          each_view(function(name)
            b:run(axe .. "; window.axeReady = true;")
            local found = b:command("POST", "/execute/async", { args = core.array {}, script = [[
              const done = arguments[arguments.length - 1];
              const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
              axe.run(document, { runOnly: rules }).then((result) =>
                done(result.violations.map((one) => one.id + ": " + one.nodes.slice(0, 3).map((node) =>
                  node.html.slice(0, 150) + " " + (node.any[0]?.message ?? "")).join(" | "))));
            ]] })
            assert.same({}, found, ("%s, %d pixels"):format(name, width))
          end)
        end
      end)
    end)
  end

  it("has pictures whose texts stay within their boxes, as the browser draws them", function()
    b:look(1600, 1000)
    page:open "#bookings"
    for name, graph in pairs(graphs) do
      for state in pairs(graph.states) do
        local wrong = b:run([[
          const text = arguments[0].replace(/<style>[^]*?<\/style>/, "");
          const svg = new DOMParser().parseFromString(text, "image/svg+xml");
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(arguments[0].match(/<style>([^]*?)<\/style>/)[1]);
          document.adoptedStyleSheets = [sheet];
          document.body.append(document.adoptNode(svg.documentElement));
          const drawn = document.body.lastChild, found = [];
          for (const text of drawn.querySelectorAll("text")) {
            const inner = text.getBoundingClientRect();
            const outer = text.parentElement.querySelector(".tk-box, .tk-label").getBoundingClientRect();
            if (inner.left < outer.left || inner.right > outer.right || inner.top < outer.top - 1
              || inner.bottom > outer.bottom + 1) found.push(text.textContent);
          }
          drawn.remove();
          return found;
        ]], graph:picture { format = "svg", state = state })
        assert.same({}, wrong, name .. " " .. state)
      end
    end
  end)

  it("is worked by the keyboard alone", function()
    b:look(1400, 1000)
    page:open()
    b:find "booking-row"
    local function focused()
      return b:run "return document.activeElement.dataset.testid ?? document.activeElement.id"
    end
    local function tab_to(testid)
      for _ = 1, 60 do
        b:press(browser.TAB)
        if focused() == testid then
          local outline = b:run "return getComputedStyle(document.activeElement).outlineStyle"
          assert.equal("solid", outline, testid .. " does not show the focus")
          return
        end
      end
      error("the focus does not come to " .. testid)
    end
    tab_to "skip"
    b:press(browser.ENTER)
    assert.equal("main", focused())
    tab_to "create-open"
    b:press(browser.ENTER)
    b:find "create-submit"
    tab_to "input-what"
    b:press "s"
    tab_to "create-submit"
    b:press(browser.ENTER)
    page:sees("booking-state", "tentative")
    b:find "graph"
    tab_to "action-decline"
    b:press(browser.ENTER)
    b:find "send-action"
    assert.equal("action-decline", focused())
    tab_to "input-message"
    b:press "Full"
    page:sees("request-body", '"message": "Full"')
    tab_to "sample-tab-lua"
    b:press(browser.RIGHT)
    assert.equal("sample-tab-curl", focused())
    b:find "sample-curl"
    b:run "document.querySelector('[data-testid=\"action-decline\"]').focus()"
    tab_to "send-action"
    b:press(browser.ENTER)
    page:sees("booking-state", "declined")
    page:sees("response-status", "200")
    b:click "sample-tab-lua"
  end)

  it("does not move what is there already, nor take the focus away, when something new comes", function()
    b:look(1400, 1000)
    page:open "#requests"
    b:find "history-row"
    b:run [[
      window.shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
      document.querySelector('[data-testid="history-row"]').focus();
    ]]
    local number = b:attribute("history-row", "data-number")
    page:create()
    browser.wait("the new row", function() return b:attribute("history-row", "data-number") ~= number end)
    assert.equal(number, b:run "return document.activeElement.dataset.number")
    page:open("#booking=" .. page:create())
    b:find "graph"
    assert.is_true(b:run [[
      return new Promise((resolve) => {
        let shifted = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value;
          resolve(shifted);
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve(shifted), 300);
      });
    ]] < 0.1)
  end)
end)

describe("a console with 10,000 bookings and as many requests", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  it("shows pages of them, and stays usable", function()
    local page = console.new()
    local b = page.browser
    page:start()
    local connection = page.served:connect()
    local server = require "spec.support.sandbox_server"
    for index = 1, 10000 do
      connection:send(server.request_text("POST", "/v2/bookings", ([[{"graph":"confirm_decline","what":"Booking %d",
        "start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]):format(index)))
      assert.equal(201, server.read(connection).status)
    end
    connection:close()
    b:look(1400, 1000)
    page:open()
    page:has_rows("booking-row", 100)
    page:sees("#main", "100 of 10000")
    b:click "more"
    page:has_rows("booking-row", 200)
    b:type("filter-search", "Booking 4711")
    page:has_rows("booking-row", 1)
    b:click "booking-row"
    b:click "action-confirm"
    b:click "send-action"
    page:sees("booking-state", "confirmed")
    page:open "#requests"
    page:has_rows("history-row", 100)
    page:sees("history-row", "/confirm")
    b:click "more"
    page:has_rows("history-row", 200)
    b:click "history-row"
    page:sees("response-body", "confirmed")
    assert.same({}, b:complaints())
    page:close()
  end)
end)
