--- The sandbox's engine: an answer from a state, a request and the time.
-- Pure: no I/O, no clock of its own, and no randomness but what the state's seed gives. The state is changed in place.
-- @module timekit.sandbox.engine
local action_link = require "timekit.link"
local core = require "timekit.core"
local auth = require "timekit.sandbox.routes.auth"
local bookings = require "timekit.sandbox.routes.bookings"
local bulk = require "timekit.sandbox.routes.bulk"
local describe = require "timekit.sandbox.routes.graphs"
local faults = require "timekit.sandbox.model.faults"
local flow = require "timekit.sandbox.model.flow"
local ids = require "timekit.sandbox.model.ids"
local links = require "timekit.sandbox.routes.links"
local list = require "timekit.sandbox.routes.list"
local render = require "timekit.sandbox.routes.render"
local replies = require "timekit.sandbox.routes.replies"
local reservations = require "timekit.sandbox.routes.reservations"
local store = require "timekit.sandbox.model.store"
local timers = require "timekit.sandbox.model.timers"
local wire = require "timekit.sandbox.routes.wire"

local engine = {}

local BASE_URL = "https://api.timekit.io/v2"

-- The first pattern that a path fits counts. `{name}` fits any one segment and becomes a parameter. What is public
-- needs no key, and is for people: whatever is wrong with the request, they get a page.
local ROUTES = {
  { "GET", { "bookings" }, list.bookings },
  { "POST", { "bookings" }, bookings.create },
  { "POST", { "bookings", "bulk" }, bulk.create },
  { "PUT", { "bookings", "bulk" }, bulk.act },
  { "POST", { "bookings", "reserve" }, reservations.create },
  { "PUT", { "bookings", "reserve", "extend" }, reservations.extend },
  { "GET", { "bookings", "groups" }, list.groups },
  { "GET", { "bookings", "groups", "{id}" }, bookings.show_group },
  { "GET", { "bookings", "graphs", "{graph}" }, describe.graph },
  { "GET", { "bookings", "{id}" }, bookings.show },
  { "PUT", { "bookings", "{id}" }, bookings.update },
  { "DELETE", { "bookings", "{id}" }, bookings.delete },
  { "POST", { "bookings", "{id}", "reschedule" }, bookings.reschedule },
  -- Timekit's own client for JavaScript writes a slash behind it.
  { "POST", { "bookings", "{id}", "reschedule", "" }, bookings.reschedule },
  { "PUT", { "bookings", "{id}", "{action}" }, bookings.act },
  { "GET", { "bookings", "{id}", "external_action", "{action}" }, links.follow, public = true },
}

-- What Timekit grants (API.md 1), less this request. The sandbox limits nothing, so the number does not sink.
local REMAINING, REMAINING_IN_TESTS = "599", "2999"

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
  if #allowed == 0 then return nil, replies.error(404, "Resource does not exist") end
  if listed.GET then allowed[#allowed + 1] = "HEAD" end
  table.sort(allowed)
  return nil, replies.error(405, "Method not allowed", { allow = table.concat(allowed, ", ") })
end

-- What came in is quoted in answers, and JSON cannot say everything: bytes that are no UTF-8.
local function is_sayable(value)
  return core.encode(value) ~= nil
end

local function sayable(text)
  if text == nil or is_sayable(text) then return text end
  return (text:gsub("[\128-\255]", "?"))
end

-- JSON has 64 levels here (`timekit.core`), and an answer shows parts of a body up to six levels deeper than they came:
-- the participants of bulked bookings in a list. A booking that could not be shown would spoil every answer with it.
local LEVELS = 56

local function is_deeper(value, levels)
  if type(value) ~= "table" then return false end
  if levels == 0 then return true end
  for _, item in pairs(value) do
    if is_deeper(item, levels - 1) then return true end
  end
  return false
end

-- The request's body as an object; nil and a reply when it is none.
local function read_body(text)
  if text == nil or text == "" then return {} end
  local body, problem = core.decode(text)
  if body == nil then return nil, replies.error(400, sayable("Invalid JSON: " .. problem)) end
  if type(body) ~= "table" or core.is_array(body) then
    return nil, replies.error(422, "The body must be a JSON object")
  end
  if is_deeper(body, LEVELS) then
    return nil, replies.error(422, ("The body must have at most %d levels of nesting"):format(LEVELS))
  end
  return body
end

-- What a request is once it has come in: a copy, since one that is delayed or stalled outlives the call.
local function receive(request)
  local body, bad_body = read_body(request.body)
  if body and not is_sayable(body) then
    body, bad_body = nil, replies.error(400, "The request is not valid UTF-8")
  end
  return {
    -- HEAD is answered like GET, but for the body.
    method = request.method, answered_as = request.method == "HEAD" and "GET" or request.method,
    target = request.target, headers = wire.lower(request.headers), base_url = request.base_url or BASE_URL,
    body = body, bad_body = bad_body, text = request.body,
  }
end

-- Of the headers nothing is kept: one of them holds the key.
local function note(state, received, now, fault)
  local entry = {
    method = received.method, target = sayable(received.target), at = now,
    body = received.body or sayable(received.text), request_id = ids.next(state.request_ids),
    fault = fault and faults.describe(fault),
  }
  store.note(state, entry)
  return entry
end

local function unauthorized()
  return replies.error(401, "Unauthorized", { ["www-authenticate"] = 'Basic realm="timekit"' })
end

-- `sign` is nil when the request has no key that is known.
local function reply_to(state, received, now, sign)
  local segments, query, parts = wire.target(received.target)
  local route, params = find_route(received.answered_as, segments)
  if route and route.public then
    return route[3] { state = state, now = now, method = received.method, params = params, query = query }
  end
  if not sign then return unauthorized() end
  if not is_sayable(segments) or not is_sayable(query) then
    return replies.error(400, "The request is not valid UTF-8")
  end
  if not route then return params end
  if not received.body then return received.bad_body end
  local include, problem = render.includes(query.include)
  if not include then return replies.field("include", problem) end
  return route[3] {
    state = state, now = now, method = received.method, params = params, query = query, query_parts = parts,
    body = received.body, include = include, base_url = received.base_url,
    link = function(id, action)
      return action_link.make({ base_url = received.base_url, booking_id = id, action = action }, sign)
    end,
  }
end

-- The body of a reply as text, and its type.
local function write(reply)
  if reply.page then return reply.page, "text/html; charset=utf-8" end
  if reply.body then return assert(core.encode(reply.body)), "application/json" end
  return ""
end

-- The answer to a request that was noted, after everything that was due has played.
local function carry_out(state, received, entry, now)
  flow.play(state, now)
  local sign, is_test = auth.check(received.headers, state.keys)
  local reply = reply_to(state, received, now, sign)
  entry.status = reply.status
  local headers = reply.headers or {}
  local text, content_type = write(reply)
  headers["x-ratelimit-remaining"] = sign and (is_test and REMAINING_IN_TESTS or REMAINING) or nil
  headers["timekit-testmode"] = is_test and "true" or nil
  headers["content-type"] = content_type
  headers["cache-control"] = "no-cache"
  -- An answer that has no body has no length either.
  headers["content-length"] = content_type and tostring(#text)
  headers["timekit-request-id"] = entry.request_id
  return { status = reply.status, headers = headers, body = received.method == "HEAD" and "" or text }
end

-- What comes of a request that has met a fault.
local function suffer(state, received, now, fault)
  if fault.what == "late" then
    faults.delay(state.faults, fault.after_requests, function(later)
      carry_out(state, received, note(state, received, later, fault), later)
    end)
    return faults.answer(fault, nil, received.method)
  end
  local entry = note(state, received, now, fault)
  if fault.what == "stall" and fault.when == "before" then
    return { fault = faults.describe(fault), resume = function(later)
      return carry_out(state, received, entry, later)
    end }
  end
  local real = fault.when == "after" and carry_out(state, received, entry, now) or nil
  return faults.answer(fault, real, received.method, entry.request_id)
end

-- Lets the delayed requests come whose turn it is after one more.
local function count(state, now)
  for _, arrive in ipairs(faults.count(state.faults)) do arrive(now) end
end

--- Answers a request, after everything that was due has played.
-- @tparam table state from `timekit.sandbox.model.store`
-- @tparam table request `{ method =, target =, headers =, body =, base_url = }`; `target` is a path with its query,
--   `headers` may have names in any case, `base_url` is where the box is reached, for the addresses of pages
-- @tparam number now unix seconds
-- @treturn table `{ status =, headers = {lower-case names}, body = string, fault =, resume = }` as of `Box:handle`, but
--   that `resume` is a function of the time
function engine.respond(state, request, now)
  local received = receive(request)
  local fault = faults.take(state.faults, received.method, received.target)
  if not fault then
    local answer = carry_out(state, received, note(state, received, now), now)
    count(state, now)
    return answer
  end
  local answer = suffer(state, received, now, fault)
  if fault.what ~= "late" and fault.what ~= "refuse" then count(state, now) end
  return answer
end

--- Moves the clock: plays everything that comes due, in the order of the moments.
-- @tparam table state
-- @tparam number from unix seconds, what the clock showed
-- @tparam number to unix seconds, what it shows now
-- @treturn {table,...} what played: `{ id =, action =, from =, to =, at = }`
function engine.advance(state, from, to)
  timers.wake(state.timers, from)
  return flow.play(state, to)
end

return engine
