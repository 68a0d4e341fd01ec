--- A client: one account of Timekit's, its options and its connections.
-- It is made by `timekit.new`. The key is in none of its fields: a client can be printed and inspected freely.
-- @module timekit.client

local handles = require "timekit.booking"
local Error = require "timekit.error"
local blocking = require "timekit.runtime.blocking"
local core = require "timekit.core"
local headers = require "timekit.headers"
local options = require "timekit.options"
local request = require "timekit.request"
local response = require "timekit.response"
local secret = require "timekit.secret"
local shape = require "timekit.shape"

local client = {}

--- A client.
-- @type Client
local Client = {}

local metatable = { __index = Client, __name = "timekit.client" }

-- What a sandbox is shown when no key was given: it takes any, but asks for one as Timekit does.
local TEST_KEY = "test_api_key"

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

-- The one place that does I/O: sends a request, waits, and reads what came.
local function runner(connection, runtime, timeout, redact)
  return function(call)
    local began = runtime.now()
    call.request.timeout = call.request.timeout or timeout
    local transfer = connection:start(call.request)
    runtime.wait(connection, transfer)
    local outcome = transfer:result()
    local data, failure = response.read(outcome, call, os.time)
    local elapsed = runtime.now() - began
    if not data then
      failure.attempts, failure.elapsed = 1, elapsed
      return nil, Error.new(redact(failure))
    end
    return data, {
      status = outcome.status, request_id = headers.request_id(outcome.headers),
      attempts = 1, reconciled = false, elapsed = elapsed,
      rate_limit_remaining = headers.rate_limit_remaining(outcome.headers),
    }
  end
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
  local built, problem, reason = request.create(fields, given.include, given.timeout)
  if not built then
    if reason == "type" then error(where .. ": " .. problem, 2) end
    return nil, Error.new { kind = "input", message = problem, sent = "no", attempts = 0, elapsed = 0 }
  end
  local graph = type(fields.graph) == "string" and fields.graph or nil
  local booking, info = self.run { request = built, expects = "created", writes = true, graph = graph }
  return booking, info
end

--- Closes the client and its connections. Any use of it raises from then on, also through handles made before; closing
-- again is silent. A client that nobody holds any more closes itself, and so does one in a to-be-closed variable of
-- Lua 5.4.
function Client:close()
  if self.closed then return end
  self.closed = true
  self.disconnect()
end

--- @section end

metatable.__gc = Client.close
metatable.__close = Client.close

function metatable:__tostring()
  return ("timekit.client (%s)"):format(self.closed and "closed" or self.base_url)
end

--- Makes a client from complete options.
-- @tparam table settings what `timekit.options.complete` returned
-- @treturn Client
function client.new(settings)
  local password = settings.app_key or settings.resource_key or TEST_KEY
  local connection = connect(settings, password)
  return setmetatable({
    base_url = settings.base_url,
    closed = false,
    run = runner(connection, blocking, settings.timeout, secret.redactor(credentials_of(settings, password))),
    disconnect = function() connection:close() end,
  }, metatable)
end

return client
