--- A stateful Timekit in this process: the same graphs, the same answers, and a clock that you move.
--
-- It keeps bookings, performs actions on them as the API does, and plays what plays by itself when its clock moves. Its
-- answers are those of spec/api.md. Where that is silent, the sandbox decides:
--
-- - A new booking needs `graph`, `start` and `end`. A customer's booking in a group takes the times of the group
--   booking. Other fields may be left out; if given, they must have the right type.
-- - A booking without `resource_id` belongs to the box's own resource. A group without `max_seats` never fills.
-- - `min_cancel_time`, `min_booking_time` and `max_booking_time` are stored, and never refuse anything.
-- - Bookings of a resource may overlap, unless `settings.allow_double_bookings` is false: then a new booking is refused
--   with 422 where a booking or a reservation holds the slot. Timekit's reference names false as the default. Here it
--   must be given, because examples and tests book the same hour again and again.
-- - `attributes.settings` shows the settings of the graph that were given on create.
-- - A seat is free again when the customer's booking has ended in any way but `complete`.
-- - A replicated action leaves related bookings alone for which it is not possible.
-- - Timestamps are in UTC, unless the headers for their zone and format say otherwise. IANA zones are known where the
--   system has a zone database; an unknown zone or format is refused with 422, naming the header. See
--   `timekit.sandbox.timestamps`.
-- - There is no rate limit unless the box is made with one; `x-ratelimit-remaining` does not sink without. See
--   `timekit.sandbox.model.rate_limit`.
-- - A moment that had passed before the booking entered its state (`complete`, of an event that is over) does not play
--   until the clock is next advanced, so that examples with old dates work.
-- - Bulk requests: see `timekit.sandbox.routes.bulk`.
-- - A reservation lasts `reservation_time` seconds (30), and shows `expires_at`. It is gone once a booking was created
--   with its `reservation_id`; that request need not repeat times, resource and customer. See
--   `timekit.sandbox.routes.reservations`.
-- - A booking that is rescheduled keeps its state. `PUT /bookings/{id}` replaces the `meta` as a whole. `DELETE`
--   answers 204 without a body, and `Cannot apply action 'delete' to current state …` until the state is final.
-- - An action link works when it was signed with the box's key. A box that accepts any key takes links signed with one
--   of the latest 16 keys it has met. The action is replicated as any other. See `timekit.sandbox.routes.links`.
-- - The sandbox that is served over HTTP sends webhooks (`Box:webhook`).
-- @module timekit.sandbox
-- @usage
-- local timekit = require "timekit"
-- local box = timekit.sandbox.new { now = 1893456000 }               -- 2030-01-01T00:00:00Z
-- local tk = timekit.new { transport = box }
-- local booking = tk:create_booking { graph = "confirm_decline",
--   start = "2030-01-01T10:00:00Z", ["end"] = "2030-01-01T11:00:00Z" }
-- my_code_that_confirms(tk, booking.id)
-- assert(box:bookings()[1].state == "confirmed")
-- box:advance(24 * 3600)                                             -- the event is over: it completes by itself
-- assert(box:bookings()[1].history[3].action == "complete")
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"
local graphs = require "timekit.graphs"
local connection = require "timekit.sandbox.connection"
local engine = require "timekit.sandbox.engine"
local faults = require "timekit.sandbox.model.faults"
local flow = require "timekit.sandbox.model.flow"
local keyring = require "timekit.sandbox.model.keyring"
local rate_limit = require "timekit.sandbox.model.rate_limit"
local render = require "timekit.sandbox.model.render"
local store = require "timekit.sandbox.model.store"
local timers = require "timekit.sandbox.model.timers"
local webhooks = require "timekit.sandbox.model.webhooks"

local sandbox = {}

local SNAPSHOT = { include = render.includes("attributes,customers,meta,available_actions") }

--- A box.
-- @type Box
local Box = {}
Box.__index = Box
Box.__name = "timekit.sandbox"

function Box:__tostring()
  return ("timekit.sandbox (%d bookings)"):format(#self.store.bookings)
end

local function expect(condition, name, expected, value)
  if condition then return end
  error(("%s: expected %s, got %s"):format(name, expected, messages.describe(value)), 3)
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local new = {}
  for key, item in pairs(value) do new[key] = copy(item) end
  return setmetatable(new, getmetatable(value))
end

-- Plays what has come due since the last look, and returns the time.
local function settle(box)
  local now = box:now()
  flow.play(box.store, now)
  return now
end

local function snapshot_of(booking)
  local snapshot = render.booking(booking, SNAPSHOT)
  snapshot.history = booking.history
  return copy(snapshot)
end

local function find(box, id)
  return box.store:find(id) or error(("no booking '%s' in the sandbox"):format(tostring(id)), 3)
end

--- The box's time.
-- Raises when the box follows a function (`now`) and it returns a time outside the years 0 to 9999.
-- @treturn number unix seconds, whole
-- @usage print(time.format(box:now()))   -- with `time = require "timekit.text.time"`
function Box:now()
  local now = self.clock() + self.offset
  if not time.is_writable(now) then
    error("now: expected a function that tells a time within the years 0 to 9999, got " .. tostring(now), 2)
  end
  return math.floor(now)
end

--- Answers a request as the API would. This is the whole sandbox behind one function.
-- @tparam SandboxRequest request `method` (string), `target` (string: path and query, such as
--   `/v2/bookings/x?include=meta`), `headers` (map, names in any case; Authorization is checked), `body` (string or
--   nil); for the history also `address` (string: where it comes from) and `clock` (function that returns seconds, to
--   measure how long it takes)
-- @treturn SandboxAnswer `{ status = number, headers = {lower-case names}, body = string }`. When the request met a
--   fault there is also `fault`, a table with its `what` and `when`, and `status` and `seconds` if they were planned;
--   `status`, `headers` and `body` are nil if nothing is answered. A stall before the state change has `resume`, a
--   function that carries out the request and returns the answer. Call it if the client is still there after `seconds`.
-- @usage
-- local answer = box:handle { method = "GET", target = "/v2/bookings", headers = { Authorization = "Basic OmtleQ==" } }
-- print(answer.status, answer.body)
function Box:handle(request)
  expect(type(request) == "table", "request", "a table", request)
  expect(type(request.method) == "string", "request.method", "a string", request.method)
  expect(type(request.target) == "string", "request.target", "a string", request.target)
  expect(request.headers == nil or type(request.headers) == "table", "request.headers", "a table", request.headers)
  expect(request.body == nil or type(request.body) == "string", "request.body", "a string", request.body)
  local answer = engine.respond(self.store, request, self:now())
  local resume = answer.resume
  if resume then answer.resume = function() return resume(self:now()) end end
  return answer
end

--- Opens a connection of the transport contract, so that a box is a transport for `timekit.new`.
-- The credentials become the Authorization header that a server would see, and are checked.
-- @tparam ConnectOptions options see `timekit.transport.reference`
-- @treturn connection
-- @usage local tk = timekit.new { app_key = "test_api_key_1", transport = box }
function Box:connect(options)
  expect(type(options) == "table", "options", "a table", options)
  return connection.new(self, options)
end

--- Moves the clock, and plays everything that comes due, in the order of its moments and with their timestamps.
-- @tparam number seconds not negative
-- @treturn {Played,...} what played by itself, in order: `{ id =, action =, from =, to =, at = unix seconds }`
-- @usage
-- for _, played in ipairs(box:advance(3600)) do print(played.id, played.action, played.to) end
function Box:advance(seconds)
  expect(type(seconds) == "number", "seconds", "a number", seconds)
  if seconds < 0 or seconds ~= seconds then
    error(("seconds: expected a number from 0, got %s"):format(tostring(seconds)), 2)
  end
  local from = settle(self)
  if not time.is_writable(from + seconds) then error("seconds: expected a time before the year 10000", 2) end
  self.offset = self.offset + seconds
  return engine.advance(self.store, from, self:now())
end

--- The latest 10,000 requests, oldest first. No key is kept.
-- @treturn {table,...} copies: `{ number =, method =, target =, status =, at = unix seconds, body =, request_id =,
--   who =, address =, seconds =, fault = }`. `number` counts all requests from 1. `who` is the User-Agent, or `console`
--   for the sandbox's own page; `address` and `seconds` (how long it took) are there where it is served. `body` is
--   decoded if it was a JSON object, else the text as it came; an empty table when there was none. `fault` is there
--   when the request met one: `{ what =, when =, status =, seconds = }`. `status` is the outcome of the request itself,
--   even if a fault kept it from the caller; nil when it was not carried out. A late request appears when it comes.
-- @usage
-- local asked = box:requests()
-- assert(asked[#asked].method == "PUT" and asked[#asked].status == 200)
function Box:requests()
  return copy(self.store.requests:list())
end

--- One of the latest 1,000 requests in full (`full_requests` of `sandbox.new`), as long as no more than 32 MiB of texts
-- came after it.
-- @tparam number number of the request
-- @treturn table|nil a copy of its entry in `Box:requests`, with `request` (`headers`, the `body` as a text, and
--   `is_cut` where that was too long to keep), `answer` (the same with the `status`: what the box answered) and `seen`
--   (what the client got, when it met a fault; without a `status` nothing came). The key in it is `***`. nil for one
--   that is forgotten
-- @usage print(box:request(1).answer.body)
function Box:request(number)
  local entry, full = self.store.requests:get(number), self.store.exchanges:get(number)
  if not entry or not full then return nil end
  local shown = copy(entry)
  shown.request, shown.answer, shown.seen = full.request, full.answer, full.seen
  return shown
end

--- Carries one of the latest requests out once more, as if its client had sent it again, with the same key.
-- @tparam number number of the request
-- @treturn SandboxAnswer|nil the answer, as of `Box:handle`; nil when the request is forgotten
-- @treturn ?number the number of the new request; nil for one that a fault keeps from arriving
-- @usage local answer, number = box:again(1)
function Box:again(number)
  local full = self.store.exchanges:get(number)
  if not full then return nil end
  local before = self.store.requests.count
  local answer = full.again(self:now())
  if answer.resume then answer = answer.resume(self:now()) end
  return answer, self.store.requests.count > before and self.store.requests.count or nil
end

--- What plays by itself next.
-- @treturn NextPlayed|nil `{ id =, graph =, action =, from =, to =, at = unix seconds }`; without an `action` for a
--   reservation that expires; nil when nothing will play
-- @usage
-- local play = box:next_autoplay()
-- if play then box:advance(play.at - box:now()) end
function Box:next_autoplay()
  local now = settle(self)
  local entry = timers.next(self.store.timers, now)
  if not entry then return nil end
  local booking = entry.booking
  return {
    id = booking.id, graph = booking.graph, action = entry.action, from = booking.state, to = entry.to, at = entry.at,
  }
end

--- The bookings, in the order they were created.
-- @treturn {table,...} copies, as the API shows them with attributes, customers, meta and available_actions. Each also
--   has its `history`: a list of `{ action =, from =, to =, at = unix seconds, by = }`, where `by` is `api`,
--   `autoplay`, `link` (an action link), `replication` (from a related booking), `group` (from the group booking) or
--   `box` (`Box:set_state`)
-- @usage assert(box:bookings()[1].state == "confirmed")
function Box:bookings()
  settle(self)
  local snapshots = {}
  for index, booking in ipairs(self.store.bookings) do snapshots[index] = snapshot_of(booking) end
  return snapshots
end

--- One booking.
-- @tparam string id
-- @treturn table|nil as of `Box:bookings`; nil when there is none
-- @usage
-- local first = box:bookings()[1]
-- assert(box:booking(first.id).state == first.state)
function Box:booking(id)
  settle(self)
  local booking = self.store:find(id)
  return booking and snapshot_of(booking)
end

--- Relates bookings, as bulk creation with `relate_bookings` does: an action on one of them is replicated to the
-- others, unless `apply_to_bulked_bookings` is false (spec/api.md 2). Their earlier relations end.
-- Raises when there is no such booking.
-- @tparam {string,...} ids
-- @usage box:relate { first_id, second_id }
function Box:relate(ids)
  expect(type(ids) == "table", "ids", "a list of ids", ids)
  settle(self)
  local bookings = {}
  for index, id in ipairs(ids) do bookings[index] = find(self, id) end
  store.relate(bookings)
end

--- Puts a booking into a state without an action, as only the server can (into `error`, for example).
-- Raises when there is no such booking, or its graph has no such state.
-- @tparam string id
-- @tparam string state
-- @usage box:set_state(id, "error")
function Box:set_state(id, state)
  local now = settle(self)
  local booking = find(self, id)
  local states = graphs[booking.graph].states
  if not states[state] then
    error(("graph '%s' has no state '%s'%s"):format(booking.graph, tostring(state), messages.hint(state, states)), 2)
  end
  flow.enter(self.store, booking, nil, state, now, "box")
end

--- Plans a fault, to see how your code takes it when a request goes wrong.
--
-- A request meets the first planned fault that matches it and is not used up. Kinds, by `what`:
--
-- - `close`: the connection is lost before anything is answered. Outcome: failure `network`, sent `maybe`.
-- - `refuse`: no connection. Failure `network`, sent `no`; the state does not change. Only in the process.
-- - `late`: as `close` for the caller, but the request is still on its way. It is carried out once `after_requests`
--   more requests have been answered. Those that met a fault count, except refused and late ones. With a `status` the
--   caller gets that answer at once, as from a gateway that gave up waiting.
-- - `truncate`: half of the answer's body, then the connection is lost. Failure `response`, sent `yes`.
-- - `garbage`: the status is 200 and the body is not JSON: `<html><body><h1>It works!</h1></body></html>`.
-- - `status`: an answer with that status. Its body is `{"error":"a planned fault"}` unless given.
-- - `stall`: nothing comes for `seconds`, then the answer does. If the request's timeout is not longer than that:
--   failure `timeout`, sent `maybe`. With `when = "before"` the request itself waits, and is dropped if the client has
--   gone meanwhile. In the process nobody sleeps: the outcome is there when the client first waits for it, as if the
--   time had passed. The clocks of box and client do not move.
--
-- With `when = "before"` the state does not change (except by `stall`). With `"after"` the request is carried out, and
-- only its answer suffers.
--
-- Raises on unknown fields, naming the nearest known one, and on wrong values and combinations.
-- @tparam Fault fault
-- @tparam FaultKind fault.what the kind
-- @tparam[opt="before"] "before"|"after" fault.when `before` or `after` the state change; `refuse` and `late` take only
--   `before`
-- @tparam ?string fault.match method and path, such as `PUT /v2/bookings/*/confirm`. `*` stands for any method, and for
--   any one segment of the path. The query is ignored. Left out: every request
-- @tparam[opt=1] number fault.times how many requests meet it; math.huge: all
-- @tparam ?integer fault.status for `status` (required), `late`, `garbage` (instead of 200) and `truncate` (instead of
--   the real one)
-- @tparam ?table fault.headers for the same: name → value, added to the usual ones
-- @tparam ?string fault.body for the same; `truncate` sends half of it
-- @tparam ?number fault.seconds for `stall`; left out: nothing ever comes
-- @tparam[opt=1] integer fault.after_requests for `late`
-- @usage
-- box:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
-- local booking, info = tk:booking(id):action("confirm")
-- assert(booking.state == "confirmed" and info.reconciled)   -- the answer was lost; the client read the booking
-- @usage
-- box:fault { what = "status", status = 503, headers = { ["Retry-After"] = 2 }, times = 3 }
-- @usage
-- box:fault { match = "PUT /v2/bookings/*/*", what = "late" }   -- comes after the client has read the booking
function Box:fault(fault)
  local problems = faults.check(fault, "fault")
  if #problems > 0 then error(table.concat(problems, "; "), 2) end
  faults.add(self.store.faults, fault)
end

--- The faults that are planned and not used up, in the order that requests meet them.
-- @treturn {Fault,...} copies, with the defaults filled in; `times` is how many requests still meet it
-- @usage assert(#box:faults() == 0)   -- all were met
function Box:faults()
  return copy(faults.list(self.store.faults))
end

--- Forgets the planned faults. A request that one of them made late still comes.
-- @usage box:clear_faults()
function Box:clear_faults()
  faults.clear(self.store.faults)
end

--- Sets up a webhook: whenever a booking of the graph enters the state, the box makes and signs what Timekit would
-- send. The sandbox that is served over HTTP sends it. In the process nothing is sent: hand what `Box:deliveries`
-- returns to your own handler. A bulk request that is undone sends nothing.
--
-- Raises on unknown fields, naming the nearest known one, and on wrong values.
-- @tparam SandboxWebhook hook
-- @tparam string hook.url http, to a loopback address
-- @tparam string hook.secret what it is signed with
-- @tparam string hook.graph
-- @tparam string hook.state
-- @tparam[opt=false] boolean hook.is_test mark it as a test, `isTest`
-- @usage
-- box:webhook { url = "http://127.0.0.1:9000/hook", secret = "s3cr3t", graph = "instant", state = "confirmed" }
-- my_code_that_books(tk)
-- local sent = box:deliveries()[1]
-- my_handler(sent.body, sent.headers["x-timekit-signature"])
function Box:webhook(hook)
  local problems = webhooks.check(hook)
  if #problems > 0 then error(table.concat(problems, "; "), 2) end
  webhooks.add(self.store, hook)
end

--- The webhooks that are set up.
-- @treturn {table,...} `{ url =, graph =, state =, is_test = }`, without their secrets
-- @usage assert(box:webhooks()[1].url == "http://127.0.0.1:9000/hook")
function Box:webhooks()
  return webhooks.list(self.store)
end

--- The latest 1,000 deliveries of webhooks, oldest first.
-- @treturn {table,...} copies: `{ url =, graph =, state =, booking_id =, headers = {content-type, x-timekit-signature},
--   body = the raw text, status = "pending"|"delivered"|"failed", attempts =, answered = the latest HTTP status,
--   tries = where they are sent: a list of { at = unix seconds, answered = HTTP status } }`
-- @usage
-- local sent = box:deliveries()[1]
-- assert(timekit.webhook.verify(sent.body, sent.headers["x-timekit-signature"], "s3cr3t"))
function Box:deliveries()
  settle(self)
  return copy(self.store.deliveries:list())
end

--- Takes the deliveries that wait to be sent, for a sender of your own.
-- @treturn {table,...} as of `Box:deliveries`, but not copies: the sender keeps `status`, `attempts` and `answered`
--   up to date
-- @usage
-- for _, delivery in ipairs(box:take_deliveries()) do
--   delivery.attempts, delivery.answered = 1, my_post(delivery.url, delivery.headers, delivery.body)
--   delivery.status = delivery.answered == 204 and "delivered" or "failed"
-- end
function Box:take_deliveries()
  settle(self)
  return webhooks.take(self.store)
end

--- Makes the box new again: no bookings, requests, faults or webhooks, nothing used of the rate limit, and clock and
-- ids from the start.
-- @usage before_each(function() box:reset() end)
function Box:reset()
  self.offset = 0
  self.store = store.new {
    seed = self.seed, keys = self.new_keys(), rate_limit = self.rate_limit, full_requests = self.full_requests,
  }
end

--- @section end

local OPTIONS = { app_key = true, now = true, seed = true, rate_limit = true, full_requests = true }

-- Each costs every later request a little, as it is one more for the collector of garbage.
local FULL_REQUESTS = 1000

--- Makes a box.
-- @tparam ?SandboxOptions options
-- @tparam ?string options.app_key the only key that is accepted; left out, any key is
-- @tparam ?number|fun():number options.now unix seconds at which the box's clock stands until it is advanced (default:
--   the present), or a function that returns the time, to which `advance` adds
-- @tparam[opt=1] number options.seed a whole number: the same seed gives the same ids
-- @tparam ?RateLimit options.rate_limit limits as Timekit has them (600 a minute in production, 3000 a day for test
--   accounts). Time is the box's. Left out: no limit
-- @tparam ?integer options.rate_limit.per_minute a leaky bucket, beyond which the answer is 503
-- @tparam ?integer options.rate_limit.burst how many requests that bucket takes at once (default: `per_minute`)
-- @tparam ?integer options.rate_limit.per_day beyond which the answer is 429
-- @tparam[opt=1000] integer options.full_requests how many of the latest requests `Box:request` and `Box:again` know
-- @treturn Box
-- @usage
-- local box = require("timekit.sandbox").new { now = 1893456000 }   -- 2030-01-01T00:00:00Z
-- @usage
-- local box = require("timekit.sandbox").new { rate_limit = { per_minute = 600, burst = 10 } }
function sandbox.new(options)
  options = options or {}
  expect(type(options) == "table", "options", "a table", options)
  for name in pairs(options) do
    if not OPTIONS[name] then
      error(("unknown option '%s'%s"):format(tostring(name), messages.hint(name, OPTIONS)), 2)
    end
  end
  local app_key, seed, now = options.app_key, options.seed or 1, options.now or os.time()
  expect(app_key == nil or type(app_key) == "string" and app_key ~= "", "app_key", "a key", app_key)
  expect(type(seed) == "number" and seed % 1 == 0, "seed", "a whole number", seed)
  local full_requests = options.full_requests or FULL_REQUESTS
  expect(type(full_requests) == "number" and full_requests % 1 == 0 and full_requests > 0, "full_requests",
    "a whole number from 1", full_requests)
  expect(type(now) == "number" or type(now) == "function", "now", "unix seconds or a function", now)
  if type(now) == "number" and not time.is_writable(now) then
    error("now: expected a time within the years 0 to 9999, got " .. tostring(now), 2)
  end
  local problems = options.rate_limit ~= nil and rate_limit.check(options.rate_limit, "rate_limit") or {}
  if #problems > 0 then error(table.concat(problems, "; "), 2) end
  local box = setmetatable({
    seed = seed, rate_limit = copy(options.rate_limit), full_requests = full_requests,
    clock = type(now) == "function" and now or function() return now end,
    -- A closure hides the key from whoever prints the box.
    new_keys = function() return keyring.new(app_key) end,
  }, Box)
  box:reset()
  return box
end

return sandbox
