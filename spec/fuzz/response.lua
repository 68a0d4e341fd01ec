--- What came from a server becomes data or an error, whatever it was. The first bytes choose the call and how the
-- transfer ended; then come header lines, an empty line and the body, as text or as decisions that build JSON such as
-- Timekit's. In all of it the byte FF and the one behind it stand for the key in one of its forms, the byte FE and the
-- one behind it for a run of letters.
local Error = require "timekit.error"
local bytes = require "spec.fuzz.bytes"
local core = require "timekit.core"
local headers = require "timekit.http.headers"
local response = require "timekit.http.response"
local secret = require "timekit.call.redact"
local transport = require "timekit.transport.core"

local to_result = result -- luacheck: ignore 113

local KEY = [[live"k3y\/+9&<z]]

-- The key as it was given, in base64, as HTTP sends it, and escaped for URLs, JSON and HTML.
local FORMS = {
  KEY, "bGl2ZSJrM3lcLys5Jjx6", "OmxpdmUiazN5XC8rOSY8eg==", "live%22k3y%5C%2F%2B9%26%3Cz", "live%22k3y%5c%2f%2b9%26%3cz",
  [[live\"k3y\\/+9&<z]], [[live\"k3y\\\/+9&<z]], [[live"k3y\/+9&amp;&lt;z]],
}

local KINDS = {
  input = true, transition = true, auth = true, not_found = true, validation = true, rate_limited = true,
  server = true, network = true, timeout = true, response = true, uncertain = true, cancelled = true,
}

local SENT = { no = true, maybe = true, yes = true }

local CALLS = {
  { expects = "booking" },
  { expects = "booking", writes = true, action = "confirm", graph = "confirm_decline" },
  { expects = "booking", writes = true, action = "decline" },
  { expects = "booking", writes = true, action = "pay", graph = "a_graph_of_theirs" },
  { expects = "created", writes = true },
  { expects = "page" },
  { expects = "object", writes = true, effect = "the slot was reserved" },
  { expects = "nothing", writes = true, effect = "the booking was deleted" },
  { expects = "anything" },
  { expects = "deleted", writes = true, effect = "DELETE /x took effect" },
  { expects = "turned" },
}

local LOOK = { expects = "booking" }

local STATUSES = {
  200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 409, 422, 429, 500, 502, 503, 504, 599, 600, 999, 0, 0,
}

-- libcurl's codes that the transport tells apart, and some others.
local CODES = { 0, 1, 7, 8, 28, 52, 56, 60, 61, 77, 92 }

local function expand(text)
  text = text:gsub("\255(.)", function(char) return FORMS[char:byte() % #FORMS + 1] end)
  -- Errors are cut at 500 and at 1,000 bytes.
  return (text:gsub("\254(.)", function(char) return ("x"):rep(char:byte() * 5) end))
end

local NAMES = {
  "data", "error", "errors", "message", "id", "state", "graph", "completed", "available_actions", "start",
}

local TEXTS = {
  "confirmed", "declined", "confirm_decline", "b1", "", KEY, FORMS[3], "<title>" .. KEY .. "</title>", "a\nb",
  "Cannot apply action 'confirm' to current state 'declined'",
  "Cannot apply action 'pay' to current state '" .. KEY .. "'",
}

local function build(b, depth)
  local kind = depth < 5 and b:more() and b:byte() % 12 or b:byte() % 6
  if kind < 2 then return b:pick(TEXTS) end
  if kind == 2 then return b:byte() / 4 end
  if kind == 3 then return b:byte() % 2 == 0 end
  if kind == 4 then return core.null end
  if kind == 5 then return expand(b:string()) end
  local made = kind < 8 and core.array() or {}
  for index = 1, b:byte() % 6 do
    local key = kind < 8 and index or b:byte() % 4 > 0 and b:pick(NAMES) or expand(b:string())
    made[key] = build(b, depth + 1)
  end
  return made
end

local function clock() return 1893456000 end

-- The outcome as the client gets it, from a real connection on an engine that knows it all.
local function outcome_of(made)
  local real = core.engine
  core.engine = function()
    return {
      usable = function() return true end,
      start = function() return { result = function() return to_result(made) end } end,
    }
  end
  local outcome = transport:connect({}):start({}):result()
  core.engine = real
  return outcome
end

local function check_no_key(value, seen)
  if type(value) == "string" then
    for _, form in ipairs(FORMS) do assert(not value:find(form, 1, true), value) end
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    for key, item in pairs(value) do
      check_no_key(key, seen)
      check_no_key(item, seen)
    end
  end
end

local function check_line(text, limit)
  assert(type(text) == "string" and #text < limit, text)
  assert(not text:find("%c") and not text:find("\194[\128-\159]") and not text:find("\226\128[\168\169]"), text)
end

local function check_error(err)
  assert(KINDS[err.kind], err.kind)
  assert(SENT[err.sent], err.sent)
  assert(type(err.retryable) == "boolean")
  check_line(err.message, 501)
  check_line(tostring(err), 1000)
  assert(err.retry_after == nil or err.retry_after >= 0, err.retry_after)
  assert(err.allowed == nil or type(err.allowed) == "table")
  assert(err.fields == nil or type(err.fields) == "table")
  if err.cause then check_error(err.cause) end
end

local redact = secret.redactor { { username = "", password = KEY } }

return function(input)
  local b = bytes.reader(input)
  local call, status = b:pick(CALLS), b:pick(STATUSES)
  local reason, code, sent = b:byte(), b:pick(CODES), b:byte() % 4
  -- Usually the answer is complete, and then it has a status.
  reason = status ~= 0 and reason >= 9 and 0 or reason % 8 + 1
  local head, body = b:rest():match("^(.-)\r?\n\r?\n(.*)$")
  head, body = expand(head or ""), body or ""
  -- Text that is not UTF-8 cannot be built into JSON.
  body = sent == 0 and core.encode(build(bytes.reader(body), 0)) or expand(body)
  local outcome = outcome_of {
    status = status, reason = reason, code = code, sent = status ~= 0 and 2 or sent % 2,
    text = head:match("^%Z*"), headers = head, body = body,
  }
  local data, failure, doubt = response.read(outcome, call, clock)
  if data ~= nil then
    assert(failure == nil)
    if call.expects == "nothing" then assert(data == true) else assert(type(data) == "table") end
    local page = call.expects == "page" and data or call.expects == "turned" and data.page
    if page then assert(core.is_array(page.data)) end
    if call.expects == "booking" then assert(not core.is_array(data)) end
    local remaining = headers.rate_limit_remaining(outcome.headers)
    assert(remaining == nil or remaining >= 0)
    return
  end
  if doubt then
    -- The same outcome, as if it came from a read of the booking.
    outcome.status, outcome.failure = 200, nil
    outcome.headers, outcome.body = outcome.headers or {}, outcome.body or body
    failure = response.uncertain(call, failure, response.read(outcome, LOOK, clock), status % 2 == 0 and head or nil)
  else
    assert(not call.writes or outcome.sent == "no" or failure.kind == "cancelled" or status >= 400 and status < 500)
  end
  local err = Error.new(redact(failure))
  check_error(err)
  check_no_key(err, {})
end
