--- Faults: which are planned, which requests they hit, and what they make of an answer.
-- `Box:fault` says what the kinds mean. Pure: `timekit.sandbox.connection` and `timekit.sandbox.served.exchange` do to
-- a connection what a fault says.
-- @module timekit.sandbox.model.faults
local ascii = require "timekit.text.ascii"
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local wire = require "timekit.sandbox.model.wire"

local faults = {}

local ANSWER = { status = true, headers = true, body = true }

-- The kinds, and the fields that each takes besides those that all take.
local KINDS = {
  close = {}, refuse = {},
  late = { after_requests = true, status = true, headers = true, body = true },
  stall = { seconds = true },
  truncate = ANSWER, garbage = ANSWER, status = ANSWER,
}
local ALL_TAKE = { what = true, when = true, match = true, times = true }

-- A request that has not arrived cannot have changed anything, so these know no `after`.
local BEFORE_ONLY = { refuse = true, late = true }

local TYPES = { garbage = "text/html" }
local BODIES = {
  truncate = '{"data":null}',
  garbage = "<html><body><h1>It works!</h1></body></html>",
  status = '{"error":"a planned fault"}', late = '{"error":"a planned fault"}',
}

-- Answers with these statuses have no body.
local BODILESS = { [204] = true, [304] = true }

-- These follow from the answer and the connection, so a plan cannot set them.
local FRAMING = { ["content-length"] = true, ["transfer-encoding"] = true, connection = true }

-- A checker returns true, or false and what is wrong, as `timekit.text.fields` expects.

local function one_of(known)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  local expected = "expected " .. table.concat(names, ", ", 1, #names - 1) .. " or " .. names[#names]
  return function(value)
    if known[value] then return true end
    return false, ("%s, got %s%s"):format(expected, messages.quote(value), messages.hint(value, known))
  end
end

local function whole(value)
  return value >= 1 and value % 1 == 0, "expected a whole number from 1"
end

-- The method and the path's segments; nil and what is wrong.
local function parse(match)
  local method, path = match:match("^([^ \t-\r]+) (/[^ \t-\r?#]*)$")
  if not method or method ~= "*" and not method:find("^[A-Z]+$") then
    return nil, "expected a method and a path without a query, such as 'PUT /v2/bookings/*/confirm', got "
      .. messages.quote(match)
  end
  local segments = wire.target(path)
  if segments[1] ~= "v2" and segments[1] ~= "*" then
    return nil, "expected a path that begins with /v2, got " .. messages.quote(path)
  end
  for _, segment in ipairs(segments) do
    if segment ~= "*" and segment:find("*", 1, true) then
      return nil, "* stands for a whole segment of the path, got " .. messages.quote(segment)
    end
  end
  return method, segments
end

local function check_headers(headers)
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not name:find("^[A-Za-z0-9!#$%%&'*+.^_`|~-]+$") then
      return false, "expected names of headers as keys, got " .. messages.quote(name)
    end
    if FRAMING[ascii.lower(name)] then return false, name .. " follows from the answer, and cannot be given" end
    if type(value) ~= "string" and type(value) ~= "number" then
      return false, ("%s: expected a string or a number, got %s"):format(name, messages.describe(value))
    end
    if ascii.has_control(tostring(value)) then return false, name .. ": expected a text without control characters" end
  end
  return true
end

local FIELDS = {
  what = { type = "string", required = true, check = one_of(KINDS) },
  when = { type = "string", check = one_of { before = true, after = true } },
  match = { type = "string", check = function(match)
    local method, problem = parse(match)
    return method ~= nil, problem
  end },
  times = { type = "number", check = function(times)
    return times == math.huge or whole(times), "expected a whole number from 1, or math.huge"
  end },
  status = { type = "integer", check = function(status)
    return status >= 200 and status <= 599, "expected a status from 200 to 599"
  end },
  headers = { type = "table", check = check_headers },
  body = { type = "string" },
  seconds = { type = "number", check = function(seconds) return seconds > 0, "expected a positive number" end },
  after_requests = { type = "integer", check = whole },
}

-- What is wrong with fields that are each right by itself: the field's name and a text.
local function combination_problem(fault)
  local what, status = fault.what, fault.status
  if fault.when == "after" and BEFORE_ONLY[what] then
    return "when", ("expected before, since what is '%s'"):format(what)
  end
  if what == "status" and not status then return "status", "required, since what is 'status'" end
  if what == "late" and not status then
    local of_answer = fault.headers and "headers" or fault.body and "body"
    if of_answer then return of_answer, "means nothing without a status" end
  end
  if BODILESS[status] then
    if what == "truncate" then return "status", ("an answer with %d has no body to cut off"):format(status) end
    if (fault.body or "") ~= "" then return "body", ("an answer with %d has none"):format(status) end
  end
  if what == "truncate" and fault.body == "" then return "body", "expected a text to cut off" end
end

--- Checks a fault.
-- @tparam any fault as `Box:fault` takes it
-- @tparam string path its name in messages
-- @treturn {string,...} what is wrong with it; empty when nothing is
function faults.check(fault, path)
  local problems = fields.check(FIELDS, fault, path, true)
  if #problems > 0 then return problems end
  for name in pairs(fault) do
    if not ALL_TAKE[name] and not KINDS[fault.what][name] then
      problems[#problems + 1] = ("%s: means nothing where what is '%s'"):format(fields.join(path, name), fault.what)
    end
  end
  local name, problem = combination_problem(fault)
  if name then problems[#problems + 1] = fields.join(path, name) .. ": " .. problem end
  table.sort(problems)
  return problems
end

local function write_headers(headers)
  if not headers then return nil end
  local written = wire.lower(headers)
  for name, value in pairs(written) do
    -- Lua writes a whole float as `5.0`. Retry-After takes whole seconds only.
    written[name] = type(value) == "number" and value % 1 == 0 and ("%.0f"):format(value) or tostring(value)
  end
  return written
end

--- Makes a plan without faults.
-- @treturn table
function faults.new()
  return { planned = {}, delayed = {} }
end

--- Plans a fault.
-- @tparam table plan
-- @tparam table fault one in which `faults.check` finds nothing wrong; it is copied
function faults.add(plan, fault)
  local method, segments
  if fault.match then method, segments = parse(fault.match) end
  plan.planned[#plan.planned + 1] = {
    method = method, segments = segments,
    fault = {
      what = fault.what, when = fault.when or "before", match = fault.match, times = fault.times or 1,
      status = fault.status, headers = write_headers(fault.headers), body = fault.body,
      -- An endless stall has no `seconds`, since JSON has no infinity.
      seconds = fault.seconds ~= math.huge and fault.seconds or nil,
      after_requests = fault.what == "late" and (fault.after_requests or 1) or nil,
    },
  }
end

--- Forgets the planned faults. Requests that are delayed already still come.
-- @tparam table plan
function faults.clear(plan)
  plan.planned = {}
end

--- Forgets one of the planned faults.
-- @tparam table plan
-- @tparam ?number place in the order of the plan, from 1
-- @treturn boolean was there one?
function faults.drop(plan, place)
  if not plan.planned[place] then return false end
  table.remove(plan.planned, place)
  return true
end

--- The faults that are planned and not used up.
-- @tparam table plan
-- @treturn {table,...} in the order of the plan; do not change them
function faults.list(plan)
  local list = {}
  for index, item in ipairs(plan.planned) do list[index] = item.fault end
  return list
end

local function hits(item, method, segments)
  if not item.segments then return true end
  if item.method ~= "*" and item.method ~= method or #item.segments ~= #segments then return false end
  for index, segment in ipairs(item.segments) do
    if segment ~= "*" and segment ~= segments[index] then return false end
  end
  return true
end

--- Takes the fault that a request meets: the first planned one that matches. Its `times` goes down by one.
-- @tparam table plan
-- @tparam string method
-- @tparam string target path and query
-- @treturn table|nil do not change it
function faults.take(plan, method, target)
  if #plan.planned == 0 then return nil end
  local segments = wire.target(target)
  for position, item in ipairs(plan.planned) do
    if hits(item, method, segments) then
      local fault = item.fault
      fault.times = fault.times - 1
      if fault.times == 0 then table.remove(plan.planned, position) end
      return fault
    end
  end
end

--- Delays a request.
-- @tparam table plan
-- @tparam number requests how many others come first
-- @tparam function arrive called when they have come. A closure, because the request holds a key that a walk through
--   the tables must not show
function faults.delay(plan, requests, arrive)
  plan.delayed[#plan.delayed + 1] = { left = requests, arrive = arrive }
end

--- Counts a request that came, for those that are delayed.
-- @tparam table plan
-- @treturn {function,...} `arrive` of those whose turn it is now, in the order they were sent
function faults.count(plan)
  local due, rest = {}, {}
  for _, delayed in ipairs(plan.delayed) do
    delayed.left = delayed.left - 1
    if delayed.left == 0 then due[#due + 1] = delayed.arrive else rest[#rest + 1] = delayed end
  end
  plan.delayed = rest
  return due
end

--- Describes a fault for answers and for the list of requests.
-- @tparam table fault
-- @treturn table `what`, `when`, `status` and `seconds` as they were planned
function faults.describe(fault)
  return { what = fault.what, when = fault.when, status = fault.status, seconds = fault.seconds }
end

--- Makes the answer that leaves the box when a request meets a fault.
-- @tparam table fault
-- @tparam table|nil real the request's own answer; nil when it was not carried out
-- @tparam string method of the request
-- @tparam ?string request_id nil for a request that has not come yet
-- @treturn table an answer with its `fault`. It has no `status` when nothing is answered. The body of a `truncate` is
--   shorter than its content-length says
function faults.answer(fault, real, method, request_id)
  local what, description = fault.what, faults.describe(fault)
  local head = method == "HEAD"
  if what == "stall" then
    return { status = real.status, headers = real.headers, body = real.body, fault = description }
  end
  local answers = KINDS[what] == ANSWER or what == "late" and fault.status
  -- An answer without a body (HEAD, 204) cannot be cut in its middle, so the whole of it is lost.
  local is_bodiless = what == "truncate" and (head or real and BODILESS[real.status])
  if not answers or is_bodiless then return { fault = description } end

  local status, body = fault.status or 200, fault.body or BODIES[what]
  local headers = { ["content-type"] = TYPES[what] or "application/json", ["timekit-request-id"] = request_id }
  if what == "truncate" and real then
    status, body, headers = fault.status or real.status, fault.body or real.body, real.headers
  end
  for name, value in pairs(fault.headers or {}) do headers[name] = value end
  if BODILESS[status] then
    body, headers["content-type"] = "", nil
  else
    headers["content-length"] = tostring(#body)
  end
  if what == "truncate" then body = body:sub(1, math.floor(#body / 2)) end
  return { status = status, headers = headers, body = head and "" or body, fault = description }
end

return faults
