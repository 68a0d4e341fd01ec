--- A client: one account of Timekit's, its options and its connections.
-- It is made by `timekit.new`. The key is in none of its fields: a client can be printed and inspected freely.
-- @module timekit.client

local handles = require "timekit.booking"
local Error = require "timekit.error"
local prefetch = require "timekit.call.prefetch"
local batch = require "timekit.methods.batch"
local budget = require "timekit.call.budget"
local bulk = require "timekit.methods.bulk"
local tasks = require "timekit.runtime.tasks"
local core = require "timekit.core"
local free_request = require "timekit.methods.request"
local headers = require "timekit.http.headers"
local hooks = require "timekit.call.hooks"
local lists = require "timekit.methods.lists"
local options = require "timekit.options"
local pump = require "timekit.runtime.pump"
local random = require "timekit.call.random"
local rate = require "timekit.call.rate"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"
local reservations = require "timekit.methods.reservations"
local runtimes = require "timekit.runtime"
local secret = require "timekit.call.redact"
local sending = require "timekit.call.run"
local messages = require "timekit.text.messages"

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

local function check(self, where, level)
  if getmetatable(self) ~= metatable then
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
--
-- Refused before anything is sent, with the kind `input` and `err.fields` naming each field, is only what is certain to
-- be wrong: an action that the known graph lacks or does not begin with, a field that it requires and that is not there
-- (`related.owner_booking_id`), settings of it that are of a wrong type or a slip of the pen (`max_seats`, `timeout`,
-- …), a graph whose bookings are not made so (`reservation`), times that are not RFC 3339 or lack their zone (unless
-- the client has an `input_timestamp_format`), and an end that is not after the start. A graph that is not known here
-- is for Timekit to judge.
-- Raises on wrong options, on fields that JSON cannot say (naming the path), and on a closed client.
-- @tparam table fields `graph`, `resource_id`, `start`, `end`, `what`, `where`, `customer`, …
-- @tparam ?table opts `include`: a name or a list of names to include in the answer; `timeout`: seconds
-- @treturn table|nil the booking, a table like the API's; nil on failure
-- @treturn table `info` as in `Booking:action`, or the error: `input` (see above, or larger than 1 MiB), `transition`,
--   `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain` when the
--   booking may have been created
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
  if type(fields) ~= "table" or core.is_array(fields) or rawget(fields, 1) ~= nil then
    local got = type(fields) == "table" and "a list" or messages.describe(fields)
    error(("%s: expected a table of fields, got %s"):format(where, got), 2)
  end
  local given = options.check(opts, options.read, where, 3)
  local built, problem, reason = request.create(fields, given.include)
  if not built and reason == "type" then error(where .. ": " .. problem, 2) end
  local refused = not built and { kind = "input", message = problem } or refusal.creation(fields, self.rfc3339)
  if refused then
    refused.sent, refused.attempts, refused.elapsed = "no", 0, 0
    return nil, Error.new(refused)
  end
  local graph = rawget(fields, "graph")
  if type(graph) ~= "string" then graph = nil end
  local booking, info = self.run {
    request = request.traced(built, given.traceparent),
    expects = "created", writes = true, graph = graph, timeout = given.timeout,
  }
  return booking, info
end

--- Starts a call: a function that uses the client, in a coroutine of its own that does not keep the host waiting. It
-- runs at once, up to the point where it first waits for Timekit; `update` continues it. In it everything of this
-- client works as elsewhere, in blocking style. What it yields by itself (`coroutine.yield()`) continues at the next
-- update. The client keeps its calls until they are over, whether or not anybody else does.
-- Raises what the function raises before it first waits, when it is no function, and on a closed client. An error of
-- `timekit.error` that the function raises, such as one of a loop over `bookings`, is the call's result: `nil, err`.
-- @tparam function fn
-- @param ... its arguments
-- @treturn Call|nil see `timekit.runtime.tasks`; nil in a phase of nginx that cannot wait
-- @treturn ?table then the error, of the kind `phase`
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
  local hindered = self.hindrance()
  if hindered then return nil, hindered end
  return self.calls:start(fn, ...)
end

--- Lets calls go on: once a frame in a game, when `fd` is readable in an event loop.
-- It never waits unless it is told to, and takes a fraction of a millisecond; what is left over is done by the next
-- one. (In a coroutine that a call's function makes itself, requests block, as they do in any plain coroutine.)
-- Raises the error of a call's function or of one set by `on_done`, each once, and the others by the following
-- updates; on a closed client; and when it is called from within an update.
-- @tparam[opt=0] number seconds how long to wait for something to happen, at the most; more than 0 raises in nginx
-- @treturn integer how many calls are not over yet
-- @usage while tk:update(1) > 0 do end
function Client:update(seconds)
  check(self, "client:update", 3)
  if seconds == nil then seconds = 0 end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("client:update: seconds: expected a number from 0, got " .. messages.describe(seconds), 2)
  end
  if seconds > 0 and not self.may_block then
    error("client:update: seconds: this host must not wait: leave it out", 2)
  end
  return self.calls:update(seconds)
end

--- The descriptor that becomes readable when `update` has something to do, timers included: an event loop needs to
-- watch nothing else. It is the same until the client is closed; only a forked process has another one, and a client
-- whose libcurl ran out of memory. It is the client's: do not read or close it, and let your loop forget it before the
-- client is closed (`poll:close()` in luv, `cqueues.cancel(fd)`).
-- Raises on a closed client.
-- @treturn integer|nil nil where there is none: on a system without epoll, and with a sandbox. Go by `timeout` there.
-- @usage
-- local poll = uv.new_poll(tk:fd())
-- poll:start("r", function() tk:update() end)
function Client:fd()
  check(self, "client:fd", 3)
  return self.calls:fd()
end

--- Seconds until `update` has something to do by time alone, for loops that cannot watch `fd`: call `update` then, and
-- every few milliseconds while calls are in flight.
-- Raises on a closed client.
-- @treturn number|nil nil: nothing is due
-- @usage
-- local due = tk:timeout()
-- if due then timer:start(math.ceil(due * 1000), 0, function() tk:update() end) end
function Client:timeout()
  check(self, "client:timeout", 3)
  return self.calls:timeout_with_transfers()
end

--- Performs actions on many bookings, several at once, within the client's `rate`.
-- Waits as every method does: a script until all is done, a call of `start` or a coroutine of an event loop by letting
-- its host go on.
--
-- One item's failure does not stop the others. Raises on wrong options, on a closed client, and on a wrong item (an id
-- or an action that is no name, inputs that JSON cannot say, parts that have names): for a list before anything is
-- sent; for an iterator, and when `on_progress` or the iterator raises, once what is in flight is over, which
-- `on_progress` is told.
-- @tparam table|function items a list of `{ id, action, inputs, options }` as for `Booking:action`, the id may also be
--   a booking; or an iterator function that returns one item at each call and nil at the end: nothing is then kept of
--   what is done, so their number is not limited by memory. It may use the client, `tk:bookings` say, but not from a
--   coroutine of its own (see `update`)
-- @tparam ?table opts
-- @tparam[opt=16] integer opts.concurrency how many at once, at most
-- @tparam ?function opts.on_progress function(index, booking, info, item): an item is done; `nil, err` for the booking
--   and the info of one that failed. In the order in which they are done
-- @tparam[opt=false] boolean opts.stop_on_error start no further item once one has failed
-- @treturn table|nil `done` and `failed`: counts; of a list also the results, in its order: `{ booking, info }` or
--   `{ nil, err }`; an item that was not started has an error of the kind `cancelled`, which was not sent
-- @treturn ?table with nil an error of the kind `phase`: nginx cannot wait here
-- @usage
-- local results = tk:batch({ { id_1, "confirm" }, { id_2, "decline", { message = "Fully booked" } } })
-- for index, result in ipairs(results) do
--   local booking, err = result[1], result[2]
--   print(index, booking and booking.state or err)
-- end
function Client:batch(items, opts)
  local where = "client:batch"
  check(self, where, 3)
  local results, err = batch.run(self, items, options.check(opts, options.batch, where, 3), where, 3)
  return results, err
end

-- Silent when it was closed before.
local function shut(self)
  if self.closed then return nil end
  self.closed = true
  return self.disconnect()
end

--- Closes the client and its connections. Any use of it raises from then on, also through handles made before; closing
-- again is silent. A client that is no longer used closes itself, on Lua 5.4 also as `local tk <close>`.
-- Calls in flight end, with an error of the kind `cancelled` for what they waited for.
-- Raises the first error of a hook or a call that was not raised yet, once everything is closed. (The garbage
-- collector, which may run anywhere, raises nothing, and continues no call.)
-- @usage
-- local tk = timekit.new()
-- local booking, err = tk:booking(id):confirm()
-- tk:close()
function Client:close()
  local problem = shut(self)
  if problem then error(problem, 2) end
end

bulk.install(Client, check)
free_request.install(Client, check)
lists.install(Client, check)
reservations.install(Client, check)

--- @section end

metatable.__gc = function(self)
  if not self.closed then
    self.closed = true
    self.drop()
  end
end

-- Lua 5.1 and LuaJIT finalize no tables. What they do finalize is a userdata made by `newproxy`, which later Luas lack.
local function finalized(self)
  local newproxy = _VERSION == "Lua 5.1" and rawget(_G, "newproxy")
  if newproxy then
    self.finalizer = newproxy(true)
    getmetatable(self.finalizer).__gc = function() metatable.__gc(self) end
  end
  return self
end

-- An error that is on its way already is not replaced.
function metatable:__close(pending)
  local problem = shut(self)
  if problem and pending == nil then error(problem, 0) end
end

function metatable:__tostring()
  return ("timekit.client (%s)"):format(self.closed and "closed" or self.base_url)
end

--- Is a value a client?
-- @tparam any value
-- @treturn boolean
function client.is(value)
  return getmetatable(value) == metatable
end

--- Makes a client from complete options.
-- @tparam table settings what `timekit.options.complete` returned
-- @treturn Client
function client.new(settings)
  local password = settings.app_key or settings.resource_key or TEST_KEY
  local connection = connect(settings, password)
  local app_key = not settings.resource_key and password
  local redact, clean = secret.redactor(credentials_of(settings, password))
  local registry = {}
  local inner = {
    pump = pump.new(connection), registry = registry, stepped = tasks.runtime(registry),
    runtime = runtimes.of(settings.runtime), timeout = settings.timeout, redact = redact,
    hooks = hooks.new(settings, clean), limiter = settings.rate and rate.new(settings.rate),
  }
  local own = tasks.new(inner.pump, registry)
  inner.policy = {
    retries = settings.retries, uncertain = settings.uncertain,
    random = random.new(), budget = budget.new(), limiter = inner.limiter,
  }
  -- In functions rather than in fields, where nobody who prints a client finds what is inside.
  return finalized(setmetatable({
    base_url = settings.base_url,
    rfc3339 = settings.input_timestamp_format == nil,
    closed = false,
    calls = own,
    default_timeout = settings.timeout, redact = redact,
    run = function(call) return sending.run(inner, call) end,
    ahead = function(call) return prefetch.start(inner, call) end,
    -- With the app key; nil where there is none.
    sign = app_key and function(text) return core.hmac_sha256(app_key, text) end or nil,
    pause = function(seconds) return sending.pause(inner, seconds) end,
    may_block = inner.runtime.can_wait == nil,
    hindrance = function()
      local message = sending.phase_problem((sending.here(inner)))
      return message and Error.new { kind = "phase", message = message, sent = "no", attempts = 0, elapsed = 0 }
    end,
    clock = function() return sending.here(inner).now() end,
    group = function()
      return tasks.new(inner.pump, registry, true), (sending.here(inner)), inner.stepped
    end,
    drop = function() connection:close() end,
    disconnect = function()
      inner.pump:close()
      local problem = own:close()
      return inner.hooks and inner.hooks:take_problem() or problem
    end,
  }, metatable))
end

return client
