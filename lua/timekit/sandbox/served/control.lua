--- The control endpoints of a served sandbox, `/_sandbox/…`: clock, faults, requests, bookings, webhooks, reset,
-- health. A new one is a function and a line in ENDPOINTS.
-- @module timekit.sandbox.served.control
local core = require "timekit.core"
local time = require "timekit.text.time"
local faults = require "timekit.sandbox.model.faults"
local fields = require "timekit.text.fields"
local replies = require "timekit.sandbox.routes.replies"
local messages = require "timekit.text.messages"
local webhooks = require "timekit.sandbox.model.webhooks"


local control = {}

local PREFIX = "/_sandbox/"

local function show_clock(box, played)
  return replies.data(200, {
    now = box:now(), time = time.format(box:now()), played = played and core.array(played),
  })
end

-- The object in a body; nil and a reply when it holds something else.
local function read_object(text, example)
  local body = core.decode(text)
  if fields.is_object(body) then return body end
  return nil, replies.error(400, "expected a JSON object such as " .. example)
end

local function advance(box, text)
  local body, refusal = read_object(text, '{"advance": 3600}')
  if not body then return refusal end
  for name in pairs(body) do
    if name ~= "advance" then
      return replies.field(name, ("unknown field '%s'%s"):format(name, messages.hint(name, { "advance" })))
    end
  end
  local ok, played = pcall(box.advance, box, body.advance)
  if ok then return show_clock(box, played) end
  -- `advance` raises for wrong seconds, which are the client's mistake here. Any other error is ours.
  local problem = tostring(played):match("seconds: (.*)") or error(played, 0)
  return replies.field("advance", problem)
end

-- Stands for math.huge, which JSON cannot hold.
local ALWAYS = "always"

local function show_faults(box)
  local planned = box:faults()
  for _, fault in ipairs(planned) do
    if fault.times == math.huge then fault.times = ALWAYS end
  end
  return replies.data(200, core.array(planned))
end

-- What is wrong with a fault; false when nothing is.
local function fault_problem(fault, path)
  if type(fault) == "table" then
    if fault.times == ALWAYS then fault.times = math.huge end
    if fault.what == "refuse" then return path .. ".what: 'refuse' is possible only in the process" end
  end
  local problems = faults.check(fault, path)
  return problems[1] and table.concat(problems, "; ")
end

local function plan(box, text)
  local body, refusal = read_object(text, '{"what": "close", "when": "after"}')
  if not body then return refusal end
  local list, path = { body }, "fault"
  if body.faults ~= nil then
    if not core.is_array(body.faults) or next(body, next(body)) then
      return replies.error(422, "faults: expected a list, and nothing beside it")
    end
    list, path = body.faults, "faults[%d]"
  end
  for index, fault in ipairs(list) do
    local problem = fault_problem(fault, path:format(index))
    if problem then return replies.error(422, problem) end
  end
  for _, fault in ipairs(list) do box:fault(fault) end
  return show_faults(box)
end

local function show_webhooks(box)
  return replies.data(200, { webhooks = core.array(box:webhooks()), deliveries = core.array(box:deliveries()) })
end

local function add_webhook(box, text)
  local hook, refusal = read_object(text,
    '{"url": "http://127.0.0.1:9000/", "secret": "s3cr3t", "graph": "instant", "state": "confirmed"}')
  if not hook then return refusal end
  local problems = webhooks.check(hook)
  if problems[1] then return replies.error(422, table.concat(problems, "; ")) end
  box:webhook(hook)
  return show_webhooks(box)
end

local ENDPOINTS = {
  health = { GET = function() return replies.data(200, { status = "ok" }) end },
  clock = { GET = function(box) return show_clock(box) end, POST = advance },
  faults = { GET = show_faults, POST = plan, DELETE = function(box)
    box:clear_faults()
    return show_faults(box)
  end },
  requests = { GET = function(box) return replies.data(200, core.array(box:requests())) end },
  bookings = { GET = function(box) return replies.data(200, core.array(box:bookings())) end },
  webhooks = { GET = show_webhooks, POST = add_webhook },
  reset = { POST = function(box)
    box:reset()
    return show_clock(box)
  end },
}

local function reply_to(box, method, name, body)
  local endpoint = ENDPOINTS[name]
  if not endpoint then
    return replies.error(404, ("no such endpoint: %s%s%s"):format(PREFIX, name, messages.hint(name, ENDPOINTS)))
  end
  local handler = endpoint[method == "HEAD" and "GET" or method]
  if handler then return handler(box, body) end
  local allowed = {}
  for known in pairs(endpoint) do allowed[#allowed + 1] = known end
  table.sort(allowed)
  return replies.error(405, "Method not allowed", { allow = table.concat(allowed, ", ") })
end

--- Answers a request to a control endpoint.
-- @tparam table box
-- @tparam table request as for `Box:handle`, with a body that is a string
-- @treturn table|nil the answer, as of `Box:handle`; nil when the target is not below `/_sandbox/`
function control.handle(box, request)
  local name = request.target:match("^" .. PREFIX .. "([^?#]*)")
  if not name then return nil end
  local reply = reply_to(box, request.method, name, request.body)
  local text, problem = core.encode(reply.body, "answer")
  -- The answer quotes the request, which may not be UTF-8.
  if not text then reply, text = { status = 400 }, assert(core.encode { error = problem }) end
  local headers = reply.headers or {}
  headers["content-type"], headers["content-length"] = "application/json", tostring(#text)
  return { status = reply.status, headers = headers, body = request.method == "HEAD" and "" or text }
end

return control
