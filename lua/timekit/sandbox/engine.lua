--- The sandbox's engine: answers a request from a store and the time.
-- Pure: no clock of its own, no randomness but the store's seed, no I/O except reading the system's time zone files.
-- It changes the store in place.
-- @module timekit.sandbox.engine
local link = require "timekit.link"
local core = require "timekit.core"
local auth = require "timekit.sandbox.routes.auth"
local bookings = require "timekit.sandbox.routes.bookings"
local bulk = require "timekit.sandbox.routes.bulk"
local faults = require "timekit.sandbox.model.faults"
local fields = require "timekit.text.fields"
local flow = require "timekit.sandbox.model.flow"
local graphs = require "timekit.sandbox.routes.graphs"
local ids = require "timekit.sandbox.model.ids"
local links = require "timekit.sandbox.routes.links"
local list = require "timekit.sandbox.routes.list"
local render = require "timekit.sandbox.model.render"
local replies = require "timekit.sandbox.routes.replies"
local reservations = require "timekit.sandbox.routes.reservations"
local timers = require "timekit.sandbox.model.timers"
local timestamps = require "timekit.sandbox.timestamps"
local wire = require "timekit.sandbox.model.wire"

local engine = {}

local BASE_URL = "https://api.timekit.io/v2"

-- Every endpoint: method, path below /v2, handler. The first path that fits counts.
--
-- A new endpoint takes a handler in a file of `routes/`, and a line here (a new file also its `require` above). The
-- handler gets a request:
--   `store`, `now` (unix seconds), `method`; `params`, from the `{…}` of the path; `query` (name → value) and
--   `query_parts` (as they came); `body` (an object); `timestamps`, `include` and `link`, which make the request a view
--   for `render.booking`; `base_url`; `booking`, the one that `{booking}` in the path names (404 when there is none).
-- It returns a reply, see `timekit.sandbox.routes.replies`.
--
-- A public endpoint needs no key. It is for people, so it answers a page whatever is wrong with the request. Its
-- request has `store`, `now`, `method`, `params` and `query` only.
local ROUTES = {
  { "GET", { "bookings" }, list.bookings },
  { "POST", { "bookings" }, bookings.create },
  { "POST", { "bookings", "bulk" }, bulk.create },
  { "PUT", { "bookings", "bulk" }, bulk.act },
  { "POST", { "bookings", "reserve" }, reservations.create },
  { "PUT", { "bookings", "reserve", "extend" }, reservations.extend },
  { "GET", { "bookings", "groups" }, list.groups },
  { "GET", { "bookings", "groups", "{booking}" }, bookings.show_group },
  { "GET", { "bookings", "graphs", "{graph}" }, graphs.show },
  { "GET", { "bookings", "{booking}" }, bookings.show },
  { "PUT", { "bookings", "{booking}" }, bookings.update },
  { "DELETE", { "bookings", "{booking}" }, bookings.delete },
  { "POST", { "bookings", "{booking}", "reschedule" }, bookings.reschedule },
  -- Timekit's own client for JavaScript writes a slash at the end.
  { "POST", { "bookings", "{booking}", "reschedule", "" }, bookings.reschedule },
  { "PUT", { "bookings", "{booking}", "{action}" }, bookings.act },
  { "GET", { "bookings", "{id}", "external_action", "{action}" }, links.follow, public = true },
}

local function fit(pattern, segments)
  if #pattern ~= #segments - 1 then return nil end
  local params = {}
  for index, part in ipairs(pattern) do
    local segment = segments[index + 1]
    local name = part:match("^{(.*)}$")
    if name then
      params[name] = segment
    elseif part ~= segment then
      return nil
    end
  end
  return params
end

-- The route and parameters, or nil and a reply.
local function find_route(method, segments)
  local allowed, listed = {}, {}
  for _, candidate in ipairs(segments[1] == "v2" and ROUTES or {}) do
    local params = fit(candidate[2], segments)
    if params then
      if candidate[1] == method then return candidate, params end
      if not listed[candidate[1]] then allowed[#allowed + 1] = candidate[1] end
      listed[candidate[1]] = true
    end
  end
  if #allowed == 0 then return nil, replies.not_found() end
  if listed.GET then allowed[#allowed + 1] = "HEAD" end
  table.sort(allowed)
  return nil, replies.error(405, "Method not allowed", { allow = table.concat(allowed, ", ") })
end

-- Answers quote the request. JSON cannot hold bytes that are not UTF-8.
local function is_quotable(value)
  return core.encode(value) ~= nil
end

local function make_quotable(text)
  if text == nil or is_quotable(text) then return text end
  return (text:gsub("[\128-\255]", "?"))
end

-- The encoder takes 64 levels (`timekit.core`). An answer nests parts of a body up to six levels deeper than they came
-- (participants of bulked bookings in a list). A booking that cannot be shown would break every list it is in.
local LEVELS = 56

local function is_deeper(value, levels)
  if type(value) ~= "table" then return false end
  if levels == 0 then return true end
  for _, item in pairs(value) do
    if is_deeper(item, levels - 1) then return true end
  end
  return false
end

-- The request's body as an object, empty when there is none; nil and a reply when it is not an object.
local function read_body(text)
  if text == nil or text == "" then return {} end
  local body, problem = core.decode(text)
  if body == nil then return nil, replies.error(400, make_quotable("Invalid JSON: " .. problem)) end
  if not fields.is_object(body) then return nil, replies.error(422, "The body must be a JSON object") end
  if is_deeper(body, LEVELS) then
    return nil, replies.error(422, ("The body must have at most %d levels of nesting"):format(LEVELS))
  end
  if not is_quotable(body) then return nil, replies.error(400, "The request is not valid UTF-8") end
  return body
end

-- Copies a request, since one that is delayed or stalled is carried out after its caller has gone on.
local function receive(request)
  local body, bad_body = read_body(request.body)
  return {
    -- HEAD is answered like GET, without the body.
    method = request.method, answered_as = request.method == "HEAD" and "GET" or request.method,
    target = request.target, headers = wire.lower(request.headers), base_url = request.base_url or BASE_URL,
    body = body, bad_body = bad_body, text = request.body, address = request.address, clock = request.clock,
  }
end

-- Who sent a request, as far as it says so. Browsers tell which requests are those of the sandbox's own page.
local function sender(headers, hide)
  if headers["sec-fetch-site"] == "same-origin" then return "console" end
  return make_quotable(hide(headers["user-agent"]))
end

-- Writes a request into the history, without its key.
local function record(store, received, now, fault)
  local hide = store.exchanges:hider(received.headers)
  local text = hide(received.text)
  local body = received.body
  if body and text ~= received.text then body = core.decode(text) end
  local entry = {
    number = store.requests.count + 1, method = received.method, target = make_quotable(hide(received.target)),
    at = now,
    body = body or make_quotable(text), request_id = ids.next(store.request_ids),
    who = sender(received.headers, hide), address = received.address, fault = fault and faults.describe(fault),
  }
  store.requests:add(entry)
  store.exchanges:add(entry.number, received, received.again)
  return entry
end

local function unauthorized()
  return replies.error(401, "Unauthorized", { ["www-authenticate"] = 'Basic realm="timekit"' })
end

-- `sign` is nil when the request has no key that the box accepts.
local function reply_to(store, received, now, sign)
  local segments, query, query_parts = wire.target(received.target)
  local route, params = find_route(received.answered_as, segments)
  local request = { store = store, now = now, method = received.method, params = params, query = query }
  if route and route.public then return route[3](request) end
  if not sign then return unauthorized() end
  if not is_quotable(segments) or not is_quotable(query) then
    return replies.error(400, "The request is not valid UTF-8")
  end
  if not route then return params end
  if not received.body then return received.bad_body end
  local times, name, wrong = timestamps.new(received.headers)
  if not times then return replies.field(name, wrong) end
  local include, problem = render.includes(query.include)
  if not include then return replies.field("include", problem) end
  request.query_parts, request.body, request.base_url = query_parts, received.body, received.base_url
  request.timestamps, request.include = times, include
  request.link = function(id, action)
    return link.make({ base_url = received.base_url, booking_id = id, action = action }, sign)
  end
  if params.booking then
    request.booking = store:find(params.booking)
    if not request.booking then return replies.not_found("Booking") end
  end
  return route[3](request)
end

-- The body of a reply as text, and its type.
local function write(reply)
  if reply.page then return reply.page, "text/html; charset=utf-8" end
  if reply.body then return assert(core.encode(reply.body)), "application/json" end
  return ""
end

-- Plays what is due, then answers the request, and completes its entry in the history.
local function carry_out(store, received, entry, now)
  flow.play(store, now)
  local sign, is_test = auth.check(received.headers, store.keys)
  local refused, remaining
  if sign then refused, remaining = store.rate_limit:count(now, is_test) end
  local reply = refused and replies.error(refused, "Rate limit exceeded") or reply_to(store, received, now, sign)
  entry.status = reply.status
  local headers = reply.headers or {}
  local text, content_type = write(reply)
  headers["x-ratelimit-remaining"] = remaining and ("%d"):format(remaining)
  headers["timekit-testmode"] = is_test and "true" or nil
  headers["content-type"] = content_type
  headers["cache-control"] = "no-cache"
  -- 204 has no body, hence no length.
  headers["content-length"] = content_type and tostring(#text)
  headers["timekit-request-id"] = entry.request_id
  local answer = { status = reply.status, headers = headers, body = received.method == "HEAD" and "" or text }
  store.exchanges:answered(entry.number, "answer", answer)
  if received.clock then entry.seconds = received.clock() - received.started end
  return answer
end

-- Answers a request that has met a fault.
local function respond_with_fault(store, received, now, fault)
  if fault.what == "late" then
    faults.delay(store.faults, fault.after_requests, function(later)
      carry_out(store, received, record(store, received, later, fault), later)
    end)
    return faults.answer(fault, nil, received.method)
  end
  local entry = record(store, received, now, fault)
  if fault.what == "stall" and fault.when == "before" then
    return { fault = faults.describe(fault), resume = function(later)
      return carry_out(store, received, entry, later)
    end }
  end
  local real = fault.when == "after" and carry_out(store, received, entry, now) or nil
  local answer = faults.answer(fault, real, received.method, entry.request_id)
  store.exchanges:answered(entry.number, "seen", answer)
  return answer
end

-- One more request has come: carries out the delayed ones whose turn that makes it.
local function count(store, now)
  for _, arrive in ipairs(faults.count(store.faults)) do arrive(now) end
end

--- Answers a request, after everything that was due has played.
-- @tparam table store from `timekit.sandbox.model.store`
-- @tparam table request `{ method =, target =, headers =, body =, base_url = }`; `target` is a path with its query,
--   names of `headers` may have any case, `base_url` is where the box is reached, for the addresses in answers;
--   `address` and `clock` as of `Box:handle`
-- @tparam number now unix seconds
-- @treturn table `{ status =, headers = {lower-case names}, body = string, fault =, resume = }` as of `Box:handle`,
--   except that `resume` takes the time
function engine.respond(store, request, now)
  local received = receive(request)
  received.started = request.clock and request.clock()
  function received.again(later)
    return engine.respond(store, {
      method = received.method, target = received.target, headers = received.headers, body = received.text,
      base_url = received.base_url, address = received.address, clock = received.clock,
    }, later)
  end
  local fault = faults.take(store.faults, received.method, received.target)
  local answer
  if fault then
    answer = respond_with_fault(store, received, now, fault)
    if fault.what == "late" or fault.what == "refuse" then return answer end
  else
    answer = carry_out(store, received, record(store, received, now), now)
  end
  count(store, now)
  return answer
end

--- Moves the clock: plays everything that comes due, in the order of the moments.
-- @tparam table store
-- @tparam number from unix seconds, what the clock showed
-- @tparam number to unix seconds, what it shows now
-- @treturn {table,...} what played: `{ id =, action =, from =, to =, at = }`
function engine.advance(store, from, to)
  timers.wake(store.timers, from)
  return flow.play(store, to)
end

return engine
