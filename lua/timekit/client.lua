--- A client: one account of Timekit's, its options and its connections.
-- It is made by `timekit.new`. The key is in none of its fields: a client can be printed and inspected freely.
-- @module timekit.client

local handles = require "timekit.booking"
local Error = require "timekit.error"
local blocking = require "timekit.runtime.blocking"
local core = require "timekit.core"
local budget = require "timekit.budget"
local headers = require "timekit.headers"
local hooks = require "timekit.hooks"
local options = require "timekit.options"
local random = require "timekit.random"
local rate = require "timekit.rate"
local request = require "timekit.request"
local response = require "timekit.response"
local retry = require "timekit.retry"
local secret = require "timekit.secret"
local shape = require "timekit.shape"

local client = {}

--- A client.
-- @type Client
local Client = {}

local metatable = { __index = Client, __name = "timekit.client" }

-- What a sandbox is shown when no key was given: it takes any, but asks for one as Timekit does.
local TEST_KEY = "test_api_key"

local NO_HEADERS = {}

-- A look at a booking is a read, whatever it is for.
local LOOK = { expects = "booking" }

local function decode_percent(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- All that must not show up in an error. A proxy's URL can hold a password, too.
local function credentials_of(settings, password)
  local list = { { username = settings.resource_email, password = password } }
  local proxy = settings.proxy or ""
  local user, proxy_password = (proxy:match("://(.*)") or proxy):match("^([^:@/]*):(.+)@")
  if user then list[2] = { username = decode_percent(user), password = decode_percent(proxy_password) } end
  return list
end

local function connect(settings, password)
  local transport = settings.transport or require "timekit.transport.core"
  return transport:connect {
    base_url = settings.base_url,
    username = settings.resource_email or "", password = password,
    headers = headers.common(settings),
    user_agent = headers.user_agent(core.version, settings.app_info),
    ca_file = settings.ca_file, proxy = settings.proxy, http2 = settings.http2,
    connect_timeout = settings.connect_timeout, max_response = settings.max_response,
  }
end

-- One try: sends a request, waits, and reads what came.
local function attempt(self, what, call, timeout, number)
  local runtime, watchers = self.runtime, self.hooks
  local event = watchers and watchers:begin(what, call, number)
  local began = runtime.now()
  what.timeout = timeout
  local transfer = self.connection:start(what)
  runtime.wait(self.connection, transfer)
  local outcome = transfer:result()
  local data, failure, doubt = response.read(outcome, what == call.look and LOOK or call, os.time)
  local now = runtime.now()
  local fields = outcome.headers or NO_HEADERS
  if self.limiter then self.limiter:learn(now, outcome.status, headers.rate_limit_remaining(fields)) end
  if watchers then watchers:finish(event, outcome, failure, headers.request_id(fields), now - began) end
  return outcome, data, failure, doubt
end

-- The one loop that does I/O; what is done when is the retry machine's to say.
local function run(self, call)
  local runtime = self.runtime
  local timeout = call.timeout or self.timeout
  local began = runtime.now()
  local machine = retry.new(call, self.policy, began + timeout)
  local now, outcome, number = began, nil, 0
  local verb, what, failure, reconciled = machine:next(now)
  while verb ~= "done" do
    if verb == "wait" then
      runtime.sleep(what)
      now = runtime.now()
      verb, what, failure, reconciled = machine:next(now)
    else
      local data, found, doubt
      number = number + 1
      outcome, data, found, doubt = attempt(self, what, call, timeout - (now - began), number)
      now = runtime.now()
      verb, what, failure, reconciled = machine:answer(now, data, found, doubt)
    end
  end
  local elapsed = now - began
  if failure then
    failure.attempts, failure.elapsed = machine.attempts, elapsed
    return nil, Error.new(self.redact(failure))
  end
  -- A success that a refusal told may end with a look that got no answer.
  local fields = outcome.headers or NO_HEADERS
  return what, {
    status = outcome.status, request_id = self.redact(headers.request_id(fields)),
    attempts = machine.attempts, reconciled = reconciled, elapsed = elapsed,
    rate_limit_remaining = headers.rate_limit_remaining(fields),
  }
end

local function check(self, where, level)
  if type(self) ~= "table" or getmetatable(self) ~= metatable then
    error(("%s: call it with a colon, as in tk:%s(…)"):format(where, where:match("[%w_]+$")), level)
  end
  if self.closed then error(where .. ": the client is closed", level) end
end

--- A handle for a booking. Nothing is sent.
-- Raises on an id that is not a string, is empty, `.` or `..`, or holds control characters, and on a closed client.
-- @tparam string|table booking a booking's id, or a booking as the API returns it: its `graph`, `state` and `completed`
--   are then used as hints of what is possible
-- @treturn Booking
-- @usage
-- local booking, err = tk:booking("58190fc6-1ec0-4ebb-b627-7ce6aa9fc703"):action("confirm")
function Client:booking(booking)
  check(self, "client:booking", 3)
  local handle = handles.new(self, booking, "client:booking", 3)
  return handle
end

--- Creates a booking: `POST /bookings` (API.md 4).
-- The fields go to Timekit as they are; when `action` is left out, the graph's first action applies (API.md 3). A
-- creation is never repeated by itself: nothing at Timekit's side would notice.
-- Raises on wrong options, on fields that JSON cannot say (naming the path), and on a closed client.
-- @tparam table fields `graph`, `resource_id`, `start`, `end`, `what`, `where`, `customer`, …
-- @tparam ?table opts `include`: a name or a list of names to include in the answer; `timeout`: seconds
-- @treturn table|nil the booking, a table like the API's; nil on failure
-- @treturn table `info` as in `Booking:action`, or the error: `input` (larger than 1 MiB), `transition`, `auth`,
--   `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`; `uncertain` when the booking may have
--   been created
-- @usage
-- local booking, err = tk:create_booking {
--   graph = "confirm_decline", resource_id = resource_id, what = "Mens haircut", where = "Sesame St",
--   start = "2027-03-01T08:00:00+00:00", ["end"] = "2027-03-01T09:00:00+00:00",
--   customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
-- }
-- if booking then tk:booking(booking):confirm() end
function Client:create_booking(fields, opts)
  local where = "client:create_booking"
  check(self, where, 3)
  if type(fields) ~= "table" or core.is_array(fields) or #fields > 0 then
    local got = type(fields) == "table" and "a list" or shape.describe(fields)
    error(("%s: expected a table of fields, got %s"):format(where, got), 2)
  end
  local given = options.check(opts, options.read, where, 3)
  local built, problem, reason = request.create(fields, given.include)
  if not built then
    if reason == "type" then error(where .. ": " .. problem, 2) end
    return nil, Error.new { kind = "input", message = problem, sent = "no", attempts = 0, elapsed = 0 }
  end
  local graph = type(fields.graph) == "string" and fields.graph or nil
  local booking, info = self.run {
    request = request.traced(built, given.traceparent),
    expects = "created", writes = true, graph = graph, timeout = given.timeout,
  }
  return booking, info
end

-- Silent when it was closed before.
local function shut(self)
  if self.closed then return nil end
  self.closed = true
  return self.disconnect()
end

--- Closes the client and its connections. Any use of it raises from then on, also through handles made before; closing
-- again is silent. A client that is no longer used closes itself, on Lua 5.4 also as `local tk <close>`.
-- Raises the first error that a hook raised, once everything is closed. (The garbage collector, which may run anywhere,
-- raises nothing.)
function Client:close()
  local problem = shut(self)
  if problem then error(problem, 2) end
end

--- @section end

metatable.__gc = function(self) shut(self) end

-- An error that is on its way already is not replaced.
function metatable:__close(pending)
  local problem = shut(self)
  if problem and pending == nil then error(problem, 0) end
end

function metatable:__tostring()
  return ("timekit.client (%s)"):format(self.closed and "closed" or self.base_url)
end

--- Makes a client from complete options.
-- @tparam table settings what `timekit.options.complete` returned
-- @treturn Client
function client.new(settings)
  local password = settings.app_key or settings.resource_key or TEST_KEY
  local connection = connect(settings, password)
  local redact = secret.redactor(credentials_of(settings, password))
  local inner = {
    connection = connection, runtime = blocking, timeout = settings.timeout, redact = redact,
    hooks = hooks.new(settings, redact), limiter = settings.rate and rate.new(settings.rate),
  }
  inner.policy = {
    retries = settings.retries, uncertain = settings.uncertain,
    random = random.new(), budget = budget.new(), limiter = inner.limiter,
  }
  -- In functions rather than in fields, where nobody who prints a client finds what is inside.
  return setmetatable({
    base_url = settings.base_url,
    closed = false,
    run = function(call) return run(inner, call) end,
    disconnect = function()
      connection:close()
      return inner.hooks and inner.hooks:take_problem()
    end,
  }, metatable)
end

return client
