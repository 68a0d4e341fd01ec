--- The sandbox over HTTP/1.1, for programs in any language: `/v2/…` as the API, `/_sandbox/…` to control it.
--
-- Control, JSON in and out: `POST /_sandbox/clock {"advance": 3600}` moves the clock (it otherwise follows the
-- machine's) and answers what played; `GET /_sandbox/clock`; `GET /_sandbox/requests`; `GET /_sandbox/bookings`, each
-- with its history; `POST /_sandbox/reset`; `GET /_sandbox/health`.
--
-- Faults, as of `Box:fault`: `POST /_sandbox/faults` plans one, or with `{"faults": [...]}` all of a list or none;
-- `GET /_sandbox/faults` shows what is planned; `DELETE /_sandbox/faults` forgets it. `"times": "always"` means every
-- request to come. There is no `refuse`, because a request that reaches the sandbox has a connection. Requests to
-- `/_sandbox/…` never meet a fault.
--
-- Webhooks, as of `Box:webhook`: `POST /_sandbox/webhooks` sets one up; `GET /_sandbox/webhooks` shows them and their
-- deliveries. How often a delivery is tried: see `timekit.sandbox.model.webhooks`.
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
local php_date = require "timekit.sandbox.timestamps.php_date"
local rate_limit = require "timekit.sandbox.model.rate_limit"
local zones = require "timekit.sandbox.timestamps.zones"

local server = {}

-- The header Date (RFC 9110, 5.6.7), by the box's clock: clients compare it with the times of bookings.
local HTTP_DATE = "D, d M Y H:i:s \\G\\M\\T"

local DEFAULT_PORT = 8808

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
-- @tparam ?fun(base_url:string,stop:fun()) options.on_ready function(base_url, stop), called once requests are
--   accepted; `base_url` is like `http://127.0.0.1:8808/v2`, and `stop()` ends the server
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
  local box = sandbox.new { app_key = options.app_key, now = os.time, rate_limit = options.rate_limit }
  local host = options.host or "127.0.0.1"
  local rules = access.new(host, options.allow_hosts or {})
  local url

  local function respond(request)
    -- The address that the client knows, which is another one behind a forwarded port.
    request.base_url = request.host and ("http://%s/v2"):format(request.host) or url
    local answer = rules:answer(request) or control.handle(box, request) or box:handle(request)
    return rules:open(request, dated(box, answer))
  end

  return listener.serve {
    host = host, port = options.port or 0, until_eof = options.until_eof, respond = respond, report = report,
    on_ready = function(origin, stop, queue)
      queue:wrap(require("timekit.sandbox.served.webhook_sender").run, queue, box)
      url = origin .. "/v2"
      if options.on_ready then options.on_ready(url, stop) end
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

--- The program: serves until SIGINT or SIGTERM, and prints the address on its first line.
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
    on_ready = function(url)
      io.stdout:write("timekit sandbox on ", url, "\n")
      io.stdout:flush()
    end,
  })
  if not ok then fail(tostring(served)) end
  if not served then fail(problem) end
end

return server
