--- The console in a browser, with the sandbox that serves it.
local browser = require "spec.support.browser"
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"

local console = {}
console.__index = console

--- Makes a console that is opened by `start`.
-- @tparam ?string environment of the sandbox, such as `KEY=x`
-- @treturn table with `browser`; and, once it is started, `served` and `url`
function console.new(environment)
  return setmetatable({ browser = browser.new(), environment = environment }, console)
end

--- Starts the sandbox and the browser, with room for both columns.
function console:start()
  self.served = server.start(self.environment)
  self.url = "http://" .. self.served.host
  self.browser:start()
  self.browser:look(1400, 1000)
end

function console:close()
  self.browser:close()
  self.served:close()
end

--- Shows a view, in a page that is loaded anew.
-- @tparam ?string hash such as `#requests`
function console:open(hash)
  self.browser:open(self.url .. "/" .. (hash or ""), true)
  browser.wait("the clock", function() return self.browser:text("clock-now"):find("UTC", 1, true) end)
end

--- Asks the sandbox beside the page. Returns what is under `data`.
function console:ask(method, path, body)
  local _, answer = self.served:request(method, path, body and core.encode(body))
  return answer and answer.data
end

--- Makes a booking, as a program would.
-- @tparam ?string graph
-- @tparam ?string what
-- @treturn string its id
function console:create(graph, what)
  return self:ask("POST", "/v2/bookings", {
    graph = graph or "confirm_decline", what = what, start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
  }).id
end

--- Waits until a text is seen.
function console:sees(testid, text)
  return browser.wait(testid .. ": " .. text, function()
    return self.browser:text(testid):find(text, 1, true)
  end)
end

--- What a list shows: an attribute of each row.
function console:rows(testid, attribute)
  return self.browser:run([[
    const rows = document.querySelectorAll(`[data-testid="${arguments[0]}"]`);
    return [...rows].map((row) => row.getAttribute(arguments[1]));
  ]], testid, attribute)
end

--- Waits until a list has so many rows.
function console:has_rows(testid, count)
  browser.wait(("%d of %s"):format(count, testid), function() return #self.browser:all(testid) == count end)
end

return console
