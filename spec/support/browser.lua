--- A real browser: Chromium, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2/) over plain HTTP.
-- Waiting is asking again until a condition holds, for as long as `PATIENCE`.
local core = require "timekit.core"
local http = require "socket.http"
local ltn12 = require "ltn12"
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local socket = require "socket"

local browser = {}
browser.__index = browser

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

-- What the protocol calls an element.
local ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

--- Keys that have no character of their own.
browser.TAB, browser.ENTER, browser.RIGHT = "\238\128\132", "\238\128\135", "\238\128\148"

--- Is there a browser?
-- @treturn boolean
function browser.is_there()
  return (shell.run("command -v chromedriver && command -v chromium"))
end

-- Sends a command of the protocol. Returns its value; raises what the driver says went wrong.
local function command(self, method, path, body)
  local parts = {}
  local text = method == "POST" and core.encode(body or {}) or nil
  local ok, status = http.request {
    url = self.driver .. path, method = method,
    sink = ltn12.sink.table(parts), source = text and ltn12.source.string(text),
    headers = text and { ["content-type"] = "application/json", ["content-length"] = #text } or nil,
  }
  assert(ok, status)
  local answer = assert(core.decode(table.concat(parts)))
  local value = answer.value
  if status ~= 200 then error(("%s %s: %s: %s"):format(method, path, value.error, value.message), 0) end
  return value
end

function browser:command(method, path, body)
  return command(self, method, "/session/" .. self.session .. path, body)
end

-- The driver takes a port that is free for IPv6, and ends when the same one is in use for IPv4.
local TRIES = 5

-- Starts the driver. Returns its program and its port.
local function start_driver()
  for _ = 1, TRIES do
    -- The driver does not listen to its standard input, so a shell does.
    local program = process.start(
      "sh -c 'chromedriver --port=0 & pid=$!; cat > /dev/null; kill $pid; wait $pid' 2>&1")
    local line = program.line
    while line and not line:find "Exiting" do
      local port = line:match("successfully on port (%d+)")
      if port then return program, port end
      line = program:read()
    end
    program:close()
  end
  error("chromedriver does not start", 3)
end

--- Makes a browser that does not run yet.
-- @treturn table
function browser.new()
  return setmetatable({}, browser)
end

--- Starts it; it ends by `close()`, or when the suite does.
function browser:start()
  local program, port = start_driver()
  self.program, self.driver = program, "http://127.0.0.1:" .. port
  local started = command(self, "POST", "/session", { capabilities = { alwaysMatch = {
    ["goog:chromeOptions"] = { binary = "/usr/bin/chromium", args = {
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
      "--no-proxy-server",
    } },
    ["goog:loggingPrefs"] = { browser = "ALL" },
  } } })
  self.session = started.sessionId
end

function browser:close()
  pcall(command, self, "DELETE", "/session/" .. self.session)
  self.program:close()
end

--- A command of Chromium's own protocol.
function browser:devtools(name, params)
  return self:command("POST", "/goog/cdp/execute", { cmd = name, params = params })
end

--- Gives the page a size, and a light or dark scheme.
function browser:look(width, height, scheme)
  self:devtools("Emulation.setDeviceMetricsOverride",
    { width = width, height = height, deviceScaleFactor = 1, mobile = false })
  self:devtools("Emulation.setEmulatedMedia",
    { features = core.array { { name = "prefers-color-scheme", value = scheme or "light" } } })
end

--- Opens an address. With `anew`, also when only what follows its `#` is different.
function browser:open(url, anew)
  if anew then self:command("POST", "/url", { url = "about:blank" }) end
  self:command("POST", "/url", { url = url })
end

--- Runs a script in the page; `arguments` are the further ones. Returns what it returns.
function browser:run(script, ...)
  return self:command("POST", "/execute/sync", { script = script, args = core.array { ... } })
end

--- Asks again until a function returns something that is true.
-- @tparam string what is waited for, for the message
-- @tparam function ask
-- @return what it returned
function browser.wait(what, ask)
  local deadline = socket.gettime() + PATIENCE
  repeat
    local found = ask()
    if found then return found end
    -- The page needs the processor more than we do.
    socket.sleep(0.01)
  until socket.gettime() > deadline
  error("waited for " .. what, 2)
end

local function selector(testid)
  return testid:find("^[%[#.]") and testid or ('[data-testid="%s"]'):format(testid)
end

--- The elements of a data-testid, or of a selector of CSS that begins with `[`, `#` or `.`.
function browser:all(testid)
  local list = self:command("POST", "/elements", { using = "css selector", value = selector(testid) })
  for index, element in ipairs(list) do list[index] = element[ELEMENT] end
  return list
end

--- The first of them, once it is there and seen.
function browser:find(testid)
  return browser.wait(testid, function()
    for _, element in ipairs(self:all(testid)) do
      local ok, is_seen = pcall(self.command, self, "GET", "/element/" .. element .. "/displayed")
      if ok and is_seen then return element end
    end
  end)
end

-- An element can be replaced between finding and using it: then it is found again.
local function on(self, testid, use)
  return browser.wait(testid, function()
    local ok, value = pcall(use, self:find(testid))
    if ok then return { value } end
    if not tostring(value):find("stale element", 1, true) and not tostring(value):find("intercepted", 1, true) then
      error(value, 0)
    end
  end)[1]
end

function browser:click(testid)
  return on(self, testid, function(element) return self:command("POST", "/element/" .. element .. "/click") end)
end

--- The text that is seen.
function browser:text(testid)
  return on(self, testid, function(element) return self:command("GET", "/element/" .. element .. "/text") end)
end

function browser:attribute(testid, name)
  return on(self, testid, function(element)
    local value = self:command("GET", ("/element/%s/attribute/%s"):format(element, name))
    return value ~= core.null and value or nil
  end)
end

--- Types into a field, in place of what it holds.
function browser:type(testid, text)
  return on(self, testid, function(element)
    self:command("POST", "/element/" .. element .. "/clear")
    self:command("POST", "/element/" .. element .. "/value", { text = text })
  end)
end

--- Chooses an option of a select.
function browser:choose(testid, value)
  self:find(testid)
  self:run([[
    const select = document.querySelector(arguments[0]);
    select.value = arguments[1];
    select.dispatchEvent(new Event("input", { bubbles: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  ]], selector(testid), value)
end

--- Presses keys where the focus is.
function browser:press(keys)
  local actions = {}
  for key in keys:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    actions[#actions + 1] = { type = "keyDown", value = key }
    actions[#actions + 1] = { type = "keyUp", value = key }
  end
  self:command("POST", "/actions", { actions = core.array {
    { type = "key", id = "keyboard", actions = core.array(actions) },
  } })
end

--- What the page has written to the console since the last call, but for answers with an error status: those are asked
-- for.
-- @treturn {string,...}
function browser:complaints()
  local found = {}
  for _, entry in ipairs(self:command("POST", "/se/log", { type = "browser" })) do
    local is_answer = entry.source == "network" and entry.message:find("Failed to load resource", 1, true)
    if not is_answer and (entry.level == "SEVERE" or entry.level == "WARNING") then
      found[#found + 1] = entry.level .. " " .. entry.message
    end
  end
  return found
end

--- The page as a PNG, in base64.
function browser:screenshot()
  return self:command("GET", "/screenshot")
end

return browser
