--- What came: the outcome of a request becomes a result or the fields of an error.
-- Pure: no I/O, no clock of its own.
-- @module timekit.http.response

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local headers = require "timekit.http.headers"
local list = require "timekit.http.list"
local page = require "timekit.http.page"
local refusal = require "timekit.rules.refusal"

local response = {}

local is_object = require("timekit.text.fields").is_object
local open, told = core.answer, headers.told

-- In bytes. Errors keep shorter bodies decoded, and longer ones as text.
local LARGEST_DECODED = 64 * 1024

-- A longer refusal is not decoded to find its reason. KEPT bytes of its text stay. The error keeps fewer, but it cuts
-- after keys are taken out: a key that was cut in two would not be found.
local LARGEST_REFUSAL = 1024 * 1024
local KEPT = LARGEST_DECODED + 8 * 1024

-- The title of a page stands within its first bytes.
local PAGE_HEAD = 4096

local KIND = {
  [401] = "auth", [403] = "auth", [404] = "not_found", [429] = "rate_limited", [503] = "rate_limited",
  [408] = "server", [421] = "server", [425] = "server",
}

-- The server says of itself that it did not act on the request (RFC 9110, 15.5.20; RFC 8470, 5.2).
local WITHOUT_EFFECT = { [421] = true, [425] = true }

local MARK = "\239\187\191"

-- A text behind its byte order mark, if it has one.
local function unmarked(text)
  return text:sub(1, 3) == MARK and text:sub(4) or text
end


-- The lists in a booking (spec/api.md 1 and 2).
local LISTS = { "available_actions", "possible_actions", "customers", "bulked_bookings", "logs" }

-- The readers of data return them as the operation wants them, or nil.

local function read_object(value)
  return is_object(value) and value or nil
end

-- An array has no `state`. `without_numbers`: no object in the value can be a list.
local function read_booking(value, without_numbers)
  if type(value) ~= "table" or type(value.state) ~= "string" then return nil end
  if without_numbers then return value end
  for index = 1, #LISTS do
    local name = LISTS[index]
    local items = value[name]
    if items and is_object(items) then value[name] = list.of(items) or items end
  end
  return value
end

local function read_created(value, without_numbers)
  local booking = read_booking(value, without_numbers)
  return booking and type(booking.id) == "string" and booking or nil
end

local function read_objects(value)
  local items = list.of(value)
  for _, item in ipairs(items or {}) do
    if not is_object(item) then return nil end
    read_booking(item)
  end
  return items
end

local function read_anything(value) return value end

-- What `data` must be, by what the operation expects. `loose`: an answer without `data` is itself the data. `bare`: a
-- 204 needs no body. `deleted`: no answer needs a body.
local SHAPES = {
  booking = { read = read_booking, name = "a booking" },
  created = { read = read_created, name = "a booking with an id" },
  page = { read = read_objects, name = "a list of bookings" },
  turned = { read = read_objects, name = "a list of bookings" },
  bulk = { read = list.of, name = "a list" },
  object = { read = read_object, name = "an object", loose = true },
  anything = { read = read_anything, loose = true, bare = true },
  deleted = { read = read_anything, loose = true, bare = true, deleted = true },
  nothing = { read = read_anything, loose = true, bare = true, deleted = true },
}

-- The data of an answer to a free request, and what stood beside them.
local function parted(data, answer)
  local beside = {}
  if is_object(answer) and answer.data ~= nil then
    for name, value in pairs(answer) do beside[name] = value end
    beside.data = nil
  end
  return { data = data, envelope = beside }
end

-- What the operation returns, where that is not the data alone; or nil and why the answer cannot be used.
local RESULTS = {
  page = page.read,
  turned = function(data, answer, outcome)
    local found, is_last = page.read(data, answer)
    if not found then return nil, is_last end
    return { page = found, is_last = is_last, date = headers.date(outcome) }
  end,
  anything = parted, deleted = parted,
  nothing = function() return true end,
}

-- The others need nothing but `data`, of which the core makes no envelope.
for expects, shape in pairs(SHAPES) do shape.alone = not RESULTS[expects] end

-- Says what came in place of JSON.
local function not_json(text, problem)
  if not ascii.says_something(text) then return "the answer is empty" end
  if not text:find("^[ \t-\r]*<") then return "the answer is not JSON: " .. problem end
  -- Matching a pattern can take time in the square of the text's length, and a hostile page can be made for that.
  local title = text:sub(1, PAGE_HEAD):match("<[tT][iI][tT][lL][eE][^>]*>[ \t-\r]*([^<]*)") or ""
  title = title:match("^.*[^ \t-\r]")
  return "the answer is a page, not JSON" .. (title and ": " .. title or "")
end

-- The data of a successful answer, which stand in an envelope (spec/api.md 1); or nil and why they cannot be used.
local function data_of(outcome, expects)
  local shape, result = SHAPES[expects], RESULTS[expects]
  if shape.bare and outcome.body == "" and (shape.deleted or outcome.status == 204) then return result(core.null) end
  local decode = outcome.decode
  local value, problem
  if decode then value, problem = decode(outcome) else value, problem = core.decode(outcome.body) end
  if value == nil then return nil, not_json(unmarked(outcome.body), problem) end
  local data = value
  if type(value) == "table" then
    data = value.data
    if data == nil and shape.loose then data = value end
  end
  data = shape.read(data)
  if data == nil then return nil, "the answer does not hold " .. (shape.name or "anything") end
  if result then return result(data, value, outcome) end
  return data
end

-- Adds the texts in a value of `errors` to `texts`, at whatever depth.
local function collect(value, texts)
  if type(value) == "string" then
    texts[#texts + 1] = value
  elseif core.is_array(value) then
    for _, item in ipairs(value) do collect(item, texts) end
  elseif type(value) == "table" then
    local names = {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do collect(value[name], texts) end
  end
  return texts
end

-- Reads `{"errors": {field: ["text", …]}}`, or texts without fields. Returns the message, and field → list of texts
-- where fields are named.
local function read_errors(errors)
  if not is_object(errors) then return table.concat(collect(errors, {}), "; ") end
  local fields, names, parts = {}, {}, {}
  for name, value in pairs(errors) do
    fields[name] = collect(value, {})
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do parts[index] = name .. ": " .. table.concat(fields[name], ", ") end
  return table.concat(parts, "; "), fields
end

-- The message of an answer that is JSON, nil where it holds none, and the fields that it names.
local function explain(value)
  if not is_object(value) then return type(value) == "string" and value or nil end
  local parts, fields = {}, nil
  local function add(text)
    if type(text) == "string" and text ~= "" then parts[#parts + 1] = text end
  end
  add(is_object(value.error) and value.error.message or value.error)
  if value.errors ~= nil then
    local text
    text, fields = read_errors(value.errors)
    add(text)
  end
  -- The framework behind Timekit writes `message` when the request did not reach the API's own code.
  if #parts == 0 then add(value.message) end
  return parts[1] and table.concat(parts, "; "), fields
end

-- What an unsuccessful answer says: a message, the body for the error, and the fields that the server named.
local function read_refusal(outcome)
  local text = unmarked(outcome.body)
  local value, problem, message, fields
  if #text > LARGEST_REFUSAL then text = text:sub(1, KEPT) else value, problem = core.decode(text) end
  if value ~= nil then
    message, fields = explain(value)
    if #text > LARGEST_DECODED then value = nil end
  elseif text:find("^[ \t-\r]*[^< \t-\r]") then
    message = text:match("^[ \t-\r]*([^\r\n]*)")
  elseif ascii.says_something(text) then
    message = not_json(text, problem or "it is too long")
  end
  message = message or ("the server answered %d without a reason"):format(outcome.status)
  if value == nil then value = text end
  return message, value, fields
end

-- The failure of one try, whatever the operation was.
local function failure_of(outcome, operation, clock)
  local failure, status = outcome.failure, outcome.status
  if failure then return { kind = failure.kind, message = failure.message, body = status and outcome.body } end
  local message, body, fields = read_refusal(outcome)
  if status < 400 or status > 599 then
    local text = "an answer that cannot be used, HTTP %d"
    if status >= 300 and status < 400 then text = "a redirect, HTTP %d, which is never followed" end
    return { kind = "response", message = text:format(status), body = body }
  end
  local kind = KIND[status] or status >= 500 and "server" or "validation"
  local found = { kind = kind, message = message, fields = fields }
  local action, state = message:match("Cannot apply action '([^']*)' to current state '([^']*)'")
  if kind == "validation" and action then found = refusal.transition(action, state, operation.graph, message) end
  if kind == "rate_limited" or WITHOUT_EFFECT[status] then
    found.retry_after = headers.retry_after(outcome.headers, clock)
  end
  found.body = body
  return found
end

-- The doubt that a failed try of an action or a creation leaves, as `response.read` returns it. With 503 Timekit says
-- that its rate limit is exceeded (spec/api.md 1), and a gateway says that it gave up while its backend goes on.
local function doubt_about(found, outcome)
  local failure, status = outcome.failure, outcome.status
  if failure then return not (outcome.sent == "no" or failure.kind == "cancelled") and "lost" or nil end
  if status >= 400 and status < 500 and status ~= 408 then return nil end
  local limited = status == 503 and (headers.tells_limit(outcome.headers) or is_object(found.body))
  return limited and "limited" or "lost"
end

-- May the same request be sent again as it is, without the danger of a double effect?
local function is_retryable(found, outcome, operation, doubt)
  if found.kind == "cancelled" then return false end
  if found.kind == "rate_limited" or outcome.sent == "no" then return doubt ~= "lost" end
  if not outcome.failure and WITHOUT_EFFECT[outcome.status] then return true end
  -- An answer of 200 that cannot be used may be better the next time. A redirect or a refusal will not.
  return not operation.writes and (outcome.failure ~= nil or outcome.status < 300 or found.kind == "server")
end

-- Reads an outcome that is not what was expected, or whose envelope is needed. Returns what `response.read` does.
local function read_whole(outcome, operation, clock, status, is_complete, request_id, remaining)
  local expects = operation.expects
  if is_complete and expects == "any_status" then return true, nil, nil, status, request_id, remaining end
  local found
  if is_complete and status >= 200 and status < 300 then
    local data, problem = data_of(outcome, expects)
    if data then return data, nil, nil, status, request_id, remaining end
    found = { kind = "response", message = problem, body = outcome.body }
  else
    found = failure_of(outcome, operation, clock)
  end
  if type(found.body) == "string" then found.body = found.body:sub(1, KEPT) end
  found.sent, found.status, found.request_id = outcome.sent, status, request_id
  found.action, found.graph = found.action or operation.action, operation.graph
  local doubt = operation.writes and doubt_about(found, outcome) or nil
  found.retryable = is_retryable(found, outcome, operation, doubt)
  return nil, found, doubt, status, request_id, remaining
end

--- Reads the outcome of one try of a request.
-- A failed action or creation is in doubt unless it surely had no effect: after no answer, an incomplete one, one that
-- cannot be used, a redirect, and any 5xx.
-- @tparam table outcome as in the transport contract (see `timekit.transport.reference`)
-- @tparam table operation `writes` (boolean: it changes something), `action` and `graph` (names, where it is an action
--   and the graph is known), and what it `expects`: `"booking"`; `"created"`, a booking with an id; `"object"`;
--   `"page"`, a list, which becomes `{ data =, total =, per_page =, … }`; `"turned"`, likewise, which becomes
--   `{ page =, is_last =, date = }`, as a loop over pages needs it; `"bulk"`, a list of anything; `"nothing"`,
--   which becomes true; `"anything"`, which becomes `{ data =, envelope = }`; `"deleted"`, likewise, which may also be
--   empty; `"any_status"`, a complete answer with whatever status, which becomes true
-- @tparam function clock returns unix seconds; it is only used for a `Retry-After` date without a `Date`
-- @treturn table|nil the data
-- @treturn ?table the fields of an error, for `timekit.error`
-- @treturn ?string the doubt, where the request may have taken effect nevertheless. `"limited"`: Timekit refused it
--   with 503 for its rate limit, as `Retry-After`, an `x-ratelimit-…` header or a JSON object in the body show, and
--   nothing is under way any more. `"lost"`: it may even take effect later
-- @treturn ?number the status, if the server answered
-- @treturn ?string the request's id, as of `timekit.http.headers`'s `told`
-- @treturn ?number how many requests may still be sent, likewise
function response.read(outcome, operation, clock)
  local shape = SHAPES[operation.expects]
  local status, request_id, remaining, data, without_numbers = open(outcome, shape and shape.alone)
  if data ~= nil then
    data = shape.read(data, without_numbers)
    if data ~= nil then return data, nil, nil, status, request_id, remaining end
  end
  if status then return read_whole(outcome, operation, clock, status, true, request_id, remaining) end
  return read_whole(outcome, operation, clock, outcome.status, not outcome.failure, told(outcome))
end

--- The error of an operation whose outcome could not be found out.
-- @tparam table operation as for `response.read`; unless it is an action also `effect`: what may have happened, as the
--   end of a sentence; `the booking was created` unless given
-- @tparam table cause the first failure that left the outcome in doubt
-- @tparam ?table seen the booking as it was last read since then
-- @tparam ?string state its state, if a later refusal named it
-- @treturn table the fields of the error
function response.uncertain(operation, cause, seen, state)
  local what = operation.action and ("the action '%s' was applied"):format(operation.action)
    or operation.effect or "the booking was created"
  local message = ("it is not known whether %s: %s"):format(what, cause.message)
  local graph = operation.graph
  if seen and type(seen.graph) == "string" then graph = seen.graph end
  state = state or seen and seen.state
  if state then message = ("%s; the booking is in the state '%s'"):format(message, state) end
  local rules = state and refusal.rules(graph)
  return {
    kind = "uncertain", message = message, cause = cause, sent = cause.sent, status = cause.status,
    request_id = cause.request_id, body = cause.body, action = operation.action, graph = graph, state = state,
    allowed = rules and rules:is_final(state) ~= nil and rules:actions_in(state) or nil,
  }
end

return response
