--- The sandbox over HTTP/1.1, for programs in any language: `/v2/…` as the API, `/_sandbox/…` to control it, and for
-- people the console at `/`.
--
-- Control, JSON in and out. The clock otherwise follows the machine's:
--
-- - `POST /_sandbox/clock {"advance": 3600}` moves the clock and answers what played; `{"advance": "next"}` moves it to
--   what plays by itself next, which `GET /_sandbox/clock` names;
-- - `GET /_sandbox/status`: counters and the clock in a few bytes, to be asked again and again;
-- - `GET /_sandbox/requests`: the history, as of `Box:requests`. `?newest=100` answers the latest hundred, newest first
--   and without bodies, and the `total`; `&before=17` those before the number 17. `GET /_sandbox/requests/17` is one in
--   full, `POST /_sandbox/requests/17/again` sends it again, with its own key;
-- - `GET /_sandbox/bookings`, each with its history. `?newest=100&before=17&graph=…&state=…&search=…` as above;
--   `GET /_sandbox/bookings/{id}` is one with its `past` states, its `actions` (which are possible, and why the others
--   are not) and what plays `next`;
-- - `GET /_sandbox/graphs`; `GET /_sandbox/graphs/{name}/picture?format=svg&state=confirmed&past=initialized`,
--   with several past states separated by `+`;
-- - `POST /_sandbox/reset`; `GET /_sandbox/health`.
--
-- Faults, as of `Box:fault`: `POST /_sandbox/faults` plans one, or with `{"faults": [...]}` all of a list or none;
-- `GET /_sandbox/faults` shows what is planned; `DELETE /_sandbox/faults` forgets it, `DELETE /_sandbox/faults/2` the
-- second. `"times": "always"` means every
-- request to come. There is no `refuse`, because a request that reaches the sandbox has a connection. Requests to
-- `/_sandbox/…` never meet a fault.
--
-- Webhooks, as of `Box:webhook`: `POST /_sandbox/webhooks` sets one up; `GET /_sandbox/webhooks` shows them and their
-- deliveries, with each try; `DELETE /_sandbox/webhooks/1` removes the first; `POST /_sandbox/deliveries/3/again` sends
-- the third delivery again. How often a delivery is tried: see `timekit.sandbox.model.webhooks`.
--
-- Timekit's own client for JavaScript runs its methods for bookings against it, unchanged.
--
-- Browsers may use `/v2` from pages of every origin, and `/_sandbox` from its own alone; the Host of a request must be
-- one that the sandbox knows: see `timekit.sandbox.served.access`.
-- @module timekit.sandbox.server
-- @usage
-- PORT=8808 lua5.4 -e 'require("timekit.sandbox.server").main()'
-- curl -u :test_api_key_1 http://127.0.0.1:8808/v2/bookings
-- curl http://127.0.0.1:8808/_sandbox/faults \
--   -d '{"match": "PUT /v2/bookings/*/confirm", "when": "after", "what": "close"}'
local sandbox = require "timekit.sandbox"
local access = require "timekit.sandbox.served.access"
local control = require "timekit.sandbox.served.control"
local fields = require "timekit.text.fields"
local listener = require "timekit.sandbox.served.listener"
local page = require "timekit.sandbox.served.page"
local php_date = require "timekit.sandbox.timestamps.php_date"
local rate_limit = require "timekit.sandbox.model.rate_limit"
local zones = require "timekit.sandbox.timestamps.zones"

local server = {}

-- The header Date (RFC 9110, 5.6.7), by the box's clock: clients compare it with the times of bookings.
local HTTP_DATE = "D, d M Y H:i:s \\G\\M\\T"

local DEFAULT_PORT = 8808

-- As many as the history has.
local FULL_REQUESTS = 10000

local OPTIONS = {
  port = { type = "integer" }, host = { type = "string" }, app_key = { type = "string" },
  allow_hosts = { type = "table" }, until_eof = { type = "boolean" }, on_ready = { type = "function" },
  rate_limit = { type = "table", check = function(limits)
    local problems = rate_limit.check(limits, "")
    return #problems == 0, table.concat(problems, "; ")
  end },
}

local function report(text)
  io.stderr:write("timekit sandbox: ", text, "\n")
end

-- A browser may refuse an address that stands for every one of the machine.
local function console_url(origin)
  return (origin:gsub("//0%.0%.0%.0:", "//127.0.0.1:"):gsub("//%[::]:", "//[::1]:")) .. "/"
end

-- Browsers send a request again, without saying so, when a connection that has served before is lost. Then nobody at
-- the console would ever see a lost answer, and an action would be tried twice. So each request of the page has a
-- connection of its own.
local function closing(request, answer)
  local site = request.headers["sec-fetch-site"]
  if site ~= "same-origin" and site ~= "none" then return answer end
  local resume = answer.resume
  if answer.headers then answer.headers.connection = "close" end
  if resume then answer.resume = function() return closing(request, resume()) end end
  return answer
end

-- Adds the header Date to an answer, also to one that a stall keeps back.
local function dated(box, answer)
  local resume = answer.resume
  if answer.headers then answer.headers.date = php_date.write(HTTP_DATE, box:now(), zones.UTC) end
  if resume then answer.resume = function() return dated(box, resume()) end end
  return answer
end

--- Serves a sandbox until it is stopped: by SIGINT, SIGTERM, or the function that `on_ready` gets.
-- Needs lua-http (Debian: `apt-get install lua-http`). On Lua 5.3 and 5.4, it adds the folders where Debian has it to
-- `package.path`. Raises for wrong options, and when lua-http is missing.
-- @tparam ?ServeOptions options
-- @tparam[opt=0] integer options.port 0 takes a free one
-- @tparam[opt="127.0.0.1"] string options.host the address to listen on. With `0.0.0.0`, other machines reach the
--   sandbox, and its control, which needs no key
-- @tparam ?{string,...} options.allow_hosts further names that the sandbox is reached by, such as `sandbox` in a
--   network of containers. A Host header with another name is refused, see `timekit.sandbox.served.access`
-- @tparam ?string options.app_key the only key that is accepted; left out, any key is
-- @tparam ?RateLimit options.rate_limit as of `timekit.sandbox.new`
-- @tparam[opt=false] boolean options.until_eof also stop when the standard input ends
-- @tparam ?fun(base_url:string,stop:fun(),console_url:string) options.on_ready function(base_url, stop, console_url),
--   called once requests are accepted; `base_url` is like `http://127.0.0.1:8808/v2`, `stop()` ends the server, and
--   `console_url` is the page for a browser on this machine
-- @treturn boolean|nil true when it was stopped; nil when it could not listen
-- @treturn ?string why it could not
-- @usage
-- require("timekit.sandbox.server").serve { on_ready = function(base_url, stop)
--   print(base_url)
--   stop()
-- end }
function server.serve(options)
  options = options or {}
  local problems = fields.check(OPTIONS, options, "", true)
  if #problems > 0 then error(table.concat(problems, "; "), 2) end
  listener.load_http "serving the sandbox"
  local box = sandbox.new {
    app_key = options.app_key, now = os.time, rate_limit = options.rate_limit, full_requests = FULL_REQUESTS,
  }
  local host = options.host or "127.0.0.1"
  local rules = access.new(host, options.allow_hosts or {})
  local url

  local function respond(request)
    -- The address that the client knows, which is another one behind a forwarded port.
    request.base_url = request.host and ("http://%s/v2"):format(request.host) or url
    request.clock = require("cqueues").monotime
    local answer = rules:answer(request) or page.handle(request) or control.handle(box, request) or box:handle(request)
    return closing(request, rules:open(request, dated(box, answer)))
  end

  return listener.serve {
    host = host, port = options.port or 0, until_eof = options.until_eof, respond = respond, report = report,
    on_ready = function(origin, stop, queue)
      queue:wrap(require("timekit.sandbox.served.webhook_sender").run, queue, box)
      url = origin .. "/v2"
      if options.on_ready then options.on_ready(url, stop, console_url(origin)) end
    end,
  }
end

local function setting(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local function fail(text)
  report(text)
  os.exit(1)
end

-- A whole number from the environment; nil when it is not set.
local function number_setting(name, max)
  local text = setting(name)
  if not text then return nil end
  if text:find("^%d+$") and tonumber(text) <= max then return tonumber(text) end
  fail(("%s: expected a number up to %d, got %s"):format(name, max, text))
end

local MAX_PORT, MAX_RATE = 65535, 1000000000

local function rate_limit_setting()
  local limits = {
    per_minute = number_setting("RATE_PER_MINUTE", MAX_RATE), per_day = number_setting("RATE_PER_DAY", MAX_RATE),
    burst = number_setting("RATE_BURST", MAX_RATE),
  }
  return next(limits) and limits or nil
end

local function allowed_hosts_setting()
  local names = {}
  for name in (setting("ALLOW_HOST") or ""):gmatch("[^%s,]+") do names[#names + 1] = name end
  return names
end

--- The program: serves until SIGINT or SIGTERM, and prints the address on its first line, that of the console on its
-- second.
-- From the environment:
--
-- - `PORT` (default 8808; 0 takes a free one), `HOST` (default 127.0.0.1; `0.0.0.0` for other machines too)
-- - `ALLOW_HOST`: further names that it is reached by, such as `sandbox`, separated by commas
-- - `KEY` or `TIMEKIT_APP_KEY`: the only key that is accepted
-- - `RATE_PER_MINUTE`, `RATE_BURST`, `RATE_PER_DAY`: rate limits, as of `timekit.sandbox.new`
-- - `UNTIL_EOF=1`: also ends when the standard input does
--
-- Ends with status 1 when it cannot serve.
-- @usage PORT=0 lua5.4 -e 'require("timekit.sandbox.server").main()'
function server.main()
  local ok, served, problem = pcall(server.serve, {
    port = number_setting("PORT", MAX_PORT) or DEFAULT_PORT, host = setting("HOST"),
    allow_hosts = allowed_hosts_setting(), app_key = setting("KEY") or setting("TIMEKIT_APP_KEY"),
    rate_limit = rate_limit_setting(), until_eof = setting("UNTIL_EOF") == "1",
    on_ready = function(url, _, console)
      io.stdout:write("timekit sandbox on ", url, "\nconsole for people on ", console, "\n")
      io.stdout:flush()
    end,
  })
  if not ok then fail(tostring(served)) end
  if not served then fail(problem) end
end

return server
