--- What to send: a call becomes a request of the transport contract.
-- Pure: no I/O, no clock. `route` is the template of a request's path, for whoever counts or traces requests.
-- @module timekit.http.request

local core = require "timekit.core"

local request = {}

-- A UUID has 36; nothing that is longer than this is meant to be an id or an action.
local LONGEST_SEGMENT = 1024

local LARGEST_BODY = 1024 * 1024

-- More than any server takes; libcurl has a limit, too, and takes what is beyond it for a want of memory.
local LONGEST_TARGET = 64 * 1024

local JSON = { ["Content-Type"] = "application/json" }

local escape = core.escape

-- As a rule a handle is made for an id, and acts on it.
local latest, latest_segment

--- Encodes a text as one segment of a path.
-- Refused are the texts that could become another path (`.` and `..`, which servers resolve even where they are
-- percent-encoded), an empty one, and control characters, which no id or action has. Everything else, `/`, `?`, `#`
-- and spaces included, is percent-encoded byte by byte (RFC 3986, 2.3).
-- @tparam any text an id or the name of an action
-- @treturn string|nil the segment
-- @treturn ?string what was expected, when the text is refused
-- @usage request.segment("a/b")   --> "a%2Fb"
function request.segment(text)
  if text == latest then return latest_segment end
  if type(text) ~= "string" then return nil, "expected a string, got " .. type(text) end
  if text == "" then return nil, "expected a name, got an empty string" end
  if #text > LONGEST_SEGMENT then return nil, ("expected at most %d bytes, got %d"):format(LONGEST_SEGMENT, #text) end
  if text == "." or text == ".." then return nil, ("'%s' would be another path"):format(text) end
  local escaped = escape(text)
  if escaped ~= text and text:find("%c") then return nil, "control characters cannot stand in it" end
  latest, latest_segment = text, escaped
  return escaped
end

local function include_part(include)
  return "include=" .. escape(include):gsub("%%2C", ",")
end

local function with_include(path, include)
  if not include or include == "" then return path end
  return path .. "?" .. include_part(include)
end

-- A path with a query, from a list of `{ name, text }`.
local function with_query(path, pairs_of_query, include)
  local parts = {}
  for index, pair in ipairs(pairs_of_query) do parts[index] = escape(pair[1]) .. "=" .. escape(pair[2]) end
  if include and include ~= "" then parts[#parts + 1] = include_part(include) end
  return #parts == 0 and path or path .. "?" .. table.concat(parts, "&")
end

local function too_large()
  return nil, ("the request's body exceeds the limit of %d bytes"):format(LARGEST_BODY), "size"
end

local function sorted_names(fields)
  local names = {}
  for name in next, fields do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- Names of actions as they are sent: `segment` in the path, `opening` before the inputs where these are all that is in
-- the body. Programs name few of them; a limit keeps it so.
local actions, room_for_actions = {}, 256

-- As an action that may be kept; or nil and a problem, as of `request.segment` or of the encoder.
local function action_texts(action)
  if actions[action] then return actions[action] end
  local segment, problem = request.segment(action)
  if not segment then return nil, problem, "type" end
  local opening, unsaid, reason = core.encode(action, "action", nil, "{", ":")
  if not opening then return nil, unsaid, reason end
  local texts = { segment = segment, opening = opening }
  if room_for_actions > 0 then
    actions[action], room_for_actions = texts, room_for_actions - 1
  end
  return texts
end

--- Why a text cannot be the name of an action.
-- @tparam any action
-- @treturn string|nil what was expected, as of `request.segment`; nil: it can
function request.action_problem(action)
  if actions[action] then return nil end
  local _, problem = request.segment(action)
  return problem
end

-- One member of the body's object. Each is encoded by itself, so that a problem is named by the argument that it
-- stands in.
local function member(name, name_path, value, value_path)
  local key, problem, reason = core.encode(name, name_path)
  if not key then return nil, problem, reason end
  local text
  text, problem, reason = core.encode(value, value_path, LARGEST_BODY)
  if not text then return nil, problem, reason end
  return key .. ":" .. text
end

-- A text with one more member.
local function with_member(text, one)
  return text == "" and one or text .. "," .. one
end

-- The body of an action. `members`: what stands before it, a text, may be empty.
local function action_body(members, action, inputs, options)
  if inputs ~= nil then
    local text, problem, reason = member(action, "action", inputs, "inputs")
    if not text then return nil, problem, reason end
    members = with_member(members, text)
  end
  if options.apply_to_bulked_bookings ~= nil then
    members = with_member(members, '"apply_to_bulked_bookings":' .. tostring(options.apply_to_bulked_bookings))
  end
  if options.settings then
    for _, name in ipairs(sorted_names(options.settings)) do
      local text, problem, reason = member(name, "settings", options.settings[name], "settings." .. name)
      if not text then return nil, problem, reason end
      members = with_member(members, text)
    end
  end
  return "{" .. members .. "}"
end

--- An action on a booking: `PUT /bookings/{id}/{action}` (API.md 2).
-- The inputs stand under the action's own name: no inputs send `{}`, an empty table of inputs `{"confirm":{}}`.
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam string action its name, likewise
-- @tparam ?table inputs name → value
-- @tparam table options `apply_to_bulked_bookings`, `settings` (further keys of the body) and `include` (names, joined
--   with commas), each may be nil
-- @treturn table|nil the request: `method`, `target`, `headers`, `body`, and its `route`
-- @treturn ?string what cannot be sent, with its path
-- @treturn ?string `"type"`: JSON cannot say it; `"size"`: it exceeds 1 MiB
function request.action(id, action, inputs, options)
  local texts, body, problem, reason = actions[action], nil, nil, nil
  if inputs ~= nil and options.apply_to_bulked_bookings == nil and not options.settings then
    if not texts then texts, problem, reason = action_texts(action) end
    if texts then body, problem, reason = core.encode(inputs, "inputs", LARGEST_BODY, texts.opening, "}") end
  else
    body, problem, reason = action_body("", action, inputs, options)
  end
  if reason == "size" or body and #body > LARGEST_BODY then return too_large() end
  if not body then return nil, problem, reason end
  local path = "/bookings/" .. request.segment(id) .. "/" .. (texts and texts.segment or request.segment(action))
  return {
    method = "PUT", route = "/bookings/{id}/{action}",
    target = options.include and with_include(path, options.include) or path, headers = JSON, body = body,
  }
end

--- Reads a booking: `GET /bookings/{id}` (API.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.get(id, include)
  return {
    method = "GET", route = "/bookings/{id}",
    target = with_include("/bookings/" .. request.segment(id), include),
  }
end

-- A request whose body is a table as it is. `name` is how problems call the table.
local function with_body(method, route, target, body, name)
  local text, problem, reason = core.encode(body, name, LARGEST_BODY)
  if reason == "size" then return too_large() end
  if not text then return nil, problem, reason end
  return { method = method, route = route, target = target, headers = JSON, body = text }
end

--- Creates a booking: `POST /bookings` (API.md 4).
-- @tparam table fields the booking's fields
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request
-- @treturn ?string what cannot be sent, with its path
-- @treturn ?string `"type"` or `"size"`, as in `request.action`
function request.create(fields, include)
  return with_body("POST", "/bookings", with_include("/bookings", include), fields, "fields")
end

--- Holds a slot: `POST /bookings/reserve`; or longer: `PUT /bookings/reserve/extend` (API.md 4).
-- @tparam table fields
-- @tparam boolean longer extend a reservation
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.reserve(fields, longer, include)
  local route = longer and "/bookings/reserve/extend" or "/bookings/reserve"
  return with_body(longer and "PUT" or "POST", route, with_include(route, include), fields, "fields")
end

--- Moves a booking to another time: `POST /bookings/{id}/reschedule` (API.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam table fields `start`, `end`, `resource_id`, `message`
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.reschedule(id, fields, include)
  local path = ("/bookings/%s/reschedule"):format(request.segment(id))
  return with_body("POST", "/bookings/{id}/reschedule", with_include(path, include), fields, "fields")
end

--- Changes a booking's `meta`: `PUT /bookings/{id}` (API.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam table meta
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.meta(id, meta, include)
  local path = "/bookings/" .. request.segment(id)
  return with_body("PUT", "/bookings/{id}", with_include(path, include), { meta = meta }, "fields")
end

--- Deletes a booking: `DELETE /bookings/{id}` (API.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @treturn table the request
function request.delete(id)
  return { method = "DELETE", route = "/bookings/{id}", target = "/bookings/" .. request.segment(id) }
end

-- A request about many bookings, from the text of each, and flags by name.
local function bulk(method, texts, flags, include)
  local members = { '"bookings":[' .. table.concat(texts, ",") .. "]" }
  for _, name in ipairs(sorted_names(flags)) do
    members[#members + 1] = ('"%s":%s'):format(name, tostring(flags[name]))
  end
  local body = "{" .. table.concat(members, ",") .. "}"
  if #body > LARGEST_BODY then return too_large() end
  return {
    method = method, route = "/bookings/bulk", target = with_include("/bookings/bulk", include), headers = JSON,
    body = body,
  }
end

--- Creates several bookings: `POST /bookings/bulk` (API.md 4).
-- @tparam {table,...} list the fields of each
-- @tparam table flags name → boolean: `relate_bookings`, `stop_on_first_error`, `delete_all_on_error`
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.bulk_create(list, flags, include)
  local texts = {}
  for index, fields in ipairs(list) do
    local text, problem, reason = core.encode(fields, ("bookings[%d]"):format(index), LARGEST_BODY)
    if reason == "size" then return too_large() end
    if not text then return nil, problem, reason end
    texts[index] = text
  end
  return bulk("POST", texts, flags, include)
end

--- Performs actions on several bookings: `PUT /bookings/bulk` (API.md 4). Each item has the booking's `id`, the
-- `action`, and beside them what the body of `request.action` has.
-- @tparam {table,...} list `{ id =, action =, inputs =, options = }`, as `request.action` takes them
-- @tparam table flags name → boolean: `stop_on_first_error`, `reset_all_on_error`
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.bulk_action(list, flags, include)
  local texts = {}
  for index, item in ipairs(list) do
    local text, problem, reason = action_body(
      member("id", "id", item.id, "id") .. "," .. member("action", "action", item.action, "action"),
      item.action, item.inputs, item.options)
    if not text then return nil, problem, reason end
    texts[index] = text
  end
  return bulk("PUT", texts, flags, include)
end

--- Reads a list: `GET /bookings`, `GET /bookings/groups` (API.md 4).
-- @tparam string route
-- @tparam {table,...} query `{ name, text }` in the order in which they are sent
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.list(route, query, include)
  return { method = "GET", route = route, target = with_query(route, query, include) }
end

--- Reads the booking that offers a group's seats: `GET /bookings/groups/{id}` (API.md 4).
-- @tparam string id its id, as `request.segment` takes it
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.group(id, include)
  return {
    method = "GET", route = "/bookings/groups/{id}",
    target = with_include("/bookings/groups/" .. request.segment(id), include),
  }
end

-- Ids in a path would make a route of every booking.
local UUID = ("x"):rep(8) .. ("%-" .. ("x"):rep(4)):rep(3) .. "%-" .. ("x"):rep(12)
UUID = UUID:gsub("x", "%%x")

--- A request of whatever the API has beside what this module knows.
-- @tparam string method
-- @tparam string path as `timekit.http.path` takes it
-- @tparam table options `query` (list of `{ name, text }`), `body` (table), `headers` (name → value), `include`, each
--   may be nil
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.any(method, path, options)
  local target = with_query(path, options.query or {}, options.include)
  if #target > LONGEST_TARGET then
    return nil, ("the request's path and query exceed the limit of %d bytes"):format(LONGEST_TARGET), "size"
  end
  local route = path:gsub(UUID, "{id}")
  local built = { method = method, route = route, target = target }
  if options.body then
    local problem, reason
    built, problem, reason = with_body(method, route, target, options.body, "body")
    if not built then return nil, problem, reason end
  end
  return request.with_headers(built, options.headers)
end

--- Adds headers to a request, which may replace those that it has.
-- @tparam table built a request of this module
-- @tparam ?table headers name → value; nil leaves the request as it is
-- @treturn table the same request
function request.with_headers(built, headers)
  if headers then
    local all, names = {}, {}
    for name, value in pairs(built.headers or {}) do all[name], names[name:lower()] = value, name end
    for name, value in pairs(headers) do
      if names[name:lower()] then all[names[name:lower()]] = nil end
      all[name] = value
    end
    built.headers = all
  end
  return built
end

--- Passes a trace context on (W3C Trace Context).
-- @tparam table built a request of this module
-- @tparam ?string traceparent the header's value; nil leaves the request as it is
-- @treturn table the same request
function request.traced(built, traceparent)
  return request.with_headers(built, traceparent and { traceparent = traceparent })
end

return request
