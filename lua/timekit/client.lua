--- A client: one account at Timekit, its options and its connections.
-- It is made by `timekit.new`. The key is in none of its fields: a client can be printed and inspected freely.
-- @module timekit.client

local budget = require "timekit.call.budget"
local connect = require "timekit.methods.connect"
local core = require "timekit.core"
local handles = require "timekit.booking"
local headers = require "timekit.http.headers"
local loading = require "timekit.loading"
local messages = require "timekit.text.messages"
local pumps = require "timekit.runtime.pump"
local random = require "timekit.call.random"
local redaction = require "timekit.call.redact"
local run = require "timekit.call.run"
local runtime = require "timekit.runtime"
local url = require "timekit.http.url"

local hooks = loading.late "timekit.call.hooks"
local rate = loading.late "timekit.call.rate"

local client = {}

--- A client.
-- @type Client
local Client = {}

local metatable = { __index = Client, __name = "timekit.client" }

-- Methods that many programs do not use.
local LATER = {
  batch = "timekit.methods.batch", bookings = "timekit.methods.lists", bookings_page = "timekit.methods.lists",
  create_booking = "timekit.methods.create", create_bookings = "timekit.methods.bulk",
  extend_reservation = "timekit.methods.reservations", group_booking = "timekit.methods.lists",
  group_bookings = "timekit.methods.lists", queue = "timekit.queue", request = "timekit.methods.free_request",
  reserve = "timekit.methods.reservations", update_bookings = "timekit.methods.bulk",
}

-- A sandbox takes any key but, as Timekit does, insists on one.
local TEST_KEY = "test_api_key"

-- Where no option names a proxy, libcurl takes it from these.
local PROXY_VARIABLES = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" }

-- Everything that must not appear in an error: keys, passwords of proxies, and headers whose names say they are secret.
local function credentials_of(settings, password)
  local list = { { username = settings.resource_email, password = password } }
  local function add(secret, username)
    if secret then list[#list + 1] = { username = username, password = secret } end
  end
  local function add_proxy(proxy)
    local user, secret = url.credentials(proxy)
    if not user then return end
    add(secret)
    add(url.decode(secret), url.decode(user))
  end
  if settings.proxy then
    add_proxy(settings.proxy)
  else
    for _, name in ipairs(PROXY_VARIABLES) do add_proxy(os.getenv(name) or "") end
  end
  add(settings.key_password)
  for _, secret in ipairs(headers.secrets(settings.headers)) do add(secret) end
  return list
end

local function open_connection(settings, password)
  local transport = settings.transport or require "timekit.transport.core"
  return transport:connect {
    base_url = settings.base_url, allow_http = settings.allow_http,
    username = settings.resource_email or "", password = password,
    headers = headers.common(settings),
    user_agent = headers.user_agent(core.version, settings.app_info),
    ca_file = settings.ca_file, cert_file = settings.cert_file, key_file = settings.key_file,
    key_password = settings.key_password, tls = settings.tls,
    proxy = settings.proxy, http2 = settings.http2,
    connect_timeout = settings.connect_timeout, max_response = settings.max_response,
  }
end

local function check(self, where, level)
  if getmetatable(self) ~= metatable then
    error(("%s: call it with a colon, as in tk:%s(…)"):format(where, where:match("[%w_]+$")), level)
  end
  if self.closed then error(where .. ": the client is closed", level) end
end

--- Makes a handle for a booking. Nothing is sent.
-- Raises on an id that is not a string, is empty, `.` or `..`, or holds control characters, and on a closed client.
-- @tparam string|BookingData booking a booking's id, or a booking as the API returns it, whose `graph`, `state` and
--   `completed` then serve as hints of what is possible
-- @treturn Booking
-- @usage
-- local booking, err = tk:booking("58190fc6-1ec0-4ebb-b627-7ce6aa9fc703"):action("confirm")
function Client:booking(booking)
  check(self, "client:booking", 3)
  local handle = handles.new(self, booking, "client:booking", 3)
  return handle
end

--- Starts a call: runs a function that uses the client without keeping the host waiting.
-- The function runs in a coroutine of its own: at once, up to where it first waits for Timekit, and from then on within
-- `update`. All methods of this client work in it as elsewhere, in blocking style. If it yields by itself
-- (`coroutine.yield()`), the next update continues it. The client keeps its calls until they are over.
--
-- Raises what the function raises before it first waits, if `fn` is not a function, and on a closed client. An error of
-- `timekit.error` that the function raises, such as one of a loop over `bookings`, is the call's result: `nil, err`.
-- @tparam function fn
-- @tparam any ... its arguments
-- @treturn Call|nil see `timekit.runtime.call`; nil where the host cannot wait (nginx, HAProxy)
-- @treturn ?Error then the error, of the kind `phase`
-- @usage
-- local call = tk:start(function(handle)
--   local booking, err = handle:confirm()
--   if not booking then return nil, err end
--   return handle:get { include = "customers" }
-- end, tk:booking(id))
-- repeat draw_frame(); tk:update() until call:done()
-- print(call:result())
function Client:start(fn, ...)
  check(self, "client:start", 3)
  if type(fn) ~= "function" then error("client:start: expected a function, got " .. messages.describe(fn), 2) end
  local hindered = self.runner:hindrance()
  if hindered then return nil, hindered end
  return self.runner:calls():start(fn, ...)
end

--- Continues calls. A game does this once a frame, an event loop when `fd` is readable.
-- An update never waits unless it is told to, and takes a fraction of a millisecond. The next one does what is left
-- over. In a program of plain Lua the first update, or the first call if that comes before, loads the rest of this
-- library, which takes about 5 milliseconds: a game makes one on its loading screen. (Requests block in a coroutine
-- that a call's function makes itself, as in any plain coroutine.)
-- Raises the error of a call's function, or of one set by `on_done`: each error once, one in each update. Raises on a
-- closed client, and when it is called from within an update.
-- @tparam[opt=0] number seconds the longest wait for something to happen; more than 0 raises in nginx and HAProxy
-- @treturn integer the number of calls that are not over yet
-- @usage while tk:update(1) > 0 do end
function Client:update(seconds)
  check(self, "client:update", 3)
  if seconds == nil then seconds = 0 end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("client:update: seconds: expected a number from 0, got " .. messages.describe(seconds), 2)
  end
  if seconds > 0 and self.runner.runtime.can_wait then
    error("client:update: seconds: this host must not wait: leave it out", 2)
  end
  return self.runner:calls():update(seconds)
end

--- The descriptor that becomes readable when `update` has something to do, timers included. An event loop needs to
-- watch nothing else. It stays the same until the client is closed, except in a forked process and after libcurl ran
-- out of memory. The client owns it: do not read or close it, and make your loop forget it before you close the client
-- (`poll:close()` in luv, `cqueues.cancel(fd)`).
-- Raises on a closed client.
-- @treturn integer|nil nil where there is none: on a system without epoll, and with a sandbox. Use `timeout` there.
--   nil, too, while the process has too many files open; requests fail then, so ask again before the next one
-- @usage
-- local poll = uv.new_poll(tk:fd())
-- poll:start("r", function() tk:update() end)
function Client:fd()
  check(self, "client:fd", 3)
  return self.runner:calls():fd()
end

--- Seconds until `update` has something to do by time alone. Without an `fd` it is a millisecond at most while an
-- answer is under way, so a loop needs nothing else. A loop that has an `fd`, but cannot watch it, has to call `update`
-- every few milliseconds while calls are in flight.
-- Raises on a closed client.
-- @treturn number|nil nil: nothing is due
-- @usage
-- local due = tk:timeout()
-- if due then timer:start(math.ceil(due * 1000), 0, function() tk:update() end) end
function Client:timeout()
  check(self, "client:timeout", 3)
  return self.runner:calls():timeout_with_transfers()
end

-- Closes what is behind the client. Returns the first error of a hook or a call that was not raised yet.
local function shut(self)
  if self.closed then return nil end
  self.closed = true
  local runner = self.runner
  runner.pump:close()
  local problem = runner.tasks and runner.tasks:close()
  return runner.hooks and runner.hooks:take_problem() or problem
end

--- Closes the client and its connections. From then on any use of it raises, also through a handle made before. Closing
-- it again does nothing. The garbage collector closes a client that nobody uses, and on Lua 5.4 so does
-- `local tk <close>`. Calls in flight end: what they waited for ends with an error of the kind `cancelled`.
-- Raises the first error of a hook or a call that was not raised yet, once everything is closed. (The garbage
-- collector, which may run anywhere, raises nothing, and continues no call.)
-- @usage
-- local tk = timekit.new { app_key = key }
-- local booking, err = tk:booking(id):confirm()
-- tk:close()
function Client:close()
  local problem = shut(self)
  if problem then error(problem, 2) end
end

connect.install(Client, check)
local later = loading.methods(Client, LATER, function(module) module.install(Client, check) end)
setmetatable(Client, { __index = function(_, name) return later(name) end })

--- @section end

-- The garbage collector may run anywhere, so nothing is continued and nothing is raised here.
function metatable:__gc()
  if self.closed then return end
  self.closed = true
  self.runner.pump.reach():close()
end

-- Lua 5.1 and LuaJIT do not finalize tables, but a userdata made by `newproxy`, which later Luas lack.
local function finalized(self)
  local newproxy = _VERSION == "Lua 5.1" and rawget(_G, "newproxy")
  if newproxy then
    self.finalizer = newproxy(true)
    getmetatable(self.finalizer).__gc = function() metatable.__gc(self) end
  end
  return self
end

-- An error that is being raised already is not replaced.
function metatable:__close(pending)
  local problem = shut(self)
  if problem and pending == nil then error(problem, 0) end
end

function metatable:__tostring()
  return ("timekit.client (%s)"):format(self.closed and "closed" or self.base_url)
end

--- Is a value a client?
-- @local
-- @tparam any value
-- @treturn boolean
function client.is(value)
  return getmetatable(value) == metatable
end

-- The limiter of a client, if it has one.
local function limiter_of(settings, pump, draw)
  local limits = settings.rate
  if not limits then return nil end
  if not limits.redis then return rate.new(limits) end
  local link = require("timekit.redis.link").attach(pump, limits.redis)
  return require("timekit.call.shared_rate").new(limits, link, draw)
end

--- Makes a client from complete options.
-- @local
-- @tparam table settings what `timekit.options.complete` returned
-- @treturn Client
function client.new(settings)
  local password = settings.app_key or settings.resource_key or TEST_KEY
  local redact, clean, shortest = redaction.redactor(credentials_of(settings, password))
  local pump = pumps.new(open_connection(settings, password))
  local app_key, draw = not settings.resource_key and password, random.new()
  if runtime.of(settings.runtime) ~= runtime.of "blocking" then loading.rest() end
  return finalized(setmetatable({
    base_url = settings.base_url,
    rfc3339 = settings.input_timestamp_format == nil,
    output_format = settings.output_timestamp_format,
    closed = false,
    resolve = false, -- see `default.later`
    runner = run.new {
      pump = pump, timeout = settings.timeout, redact = redact, shortest = shortest,
      runtime = runtime.of(settings.runtime),
      hooks = (settings.before or settings.after) and hooks.new(settings, clean, shortest) or nil,
      policy = {
        retries = settings.retries, uncertain = settings.uncertain, random = draw, budget = budget.new(),
        limiter = limiter_of(settings, pump, draw),
      },
    },
    -- A function, so that the key is in no field. nil where there is no app key.
    sign = app_key and function(text) return core.hmac_sha256(app_key, text) end or nil,
  }, metatable))
end

return client
