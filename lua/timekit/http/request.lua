--- What to send: builds requests as the transport contract wants them.
-- Pure: no I/O, no clock. `route` is the template of a request's path, for whoever counts or traces requests.
-- @module timekit.http.request

local core = require "timekit.core"
local headers = require "timekit.http.headers"

local request = {}

local LARGEST_BODY = 1024 * 1024

-- More than any server takes. libcurl has a limit as well, and reports what exceeds it as a lack of memory.
local LONGEST_TARGET = 64 * 1024

local BOOKING, ACTION = "/bookings/{id}", "/bookings/{id}/{action}"

local JSON = { ["Content-Type"] = "application/json" }

local encode_member, escape, fill = core.encode_member, core.escape, core.path

--- Encodes a text as one segment of a path.
-- Refused are the texts that could become another path (`.` and `..`, which servers resolve even where they are
-- percent-encoded), an empty one, and control characters, which no id or action has. Everything else, `/`, `?`, `#`
-- and spaces included, is percent-encoded byte by byte (RFC 3986, 2.3).
-- @tparam any text an id or the name of an action
-- @treturn string|nil the segment
-- @treturn ?string what was expected, when the text is refused
-- @usage request.segment "a/b"   --> "a%2Fb"
request.segment = core.segment

local function include_part(include)
  return "include=" .. escape(include):gsub("%%2C", ",")
end

--- Names to include, with those that are needed besides.
-- @tparam ?string include the caller's names, joined with commas
-- @tparam string names further ones, likewise
-- @treturn string
-- @usage request.including("customers", "attributes,event")   --> "customers,attributes,event"
function request.including(include, names)
  if not include or include == "" then return names end
  return include .. "," .. names
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

-- The text of an object that goes on with one more member.
local function before_next(text)
  return text == "{" and text or text .. ","
end

-- The body of an action. `text` is what its object begins with: a brace, and perhaps members. Each member is encoded by
-- itself, so that a problem is named by its argument.
local function action_body(text, action, inputs, options)
  local settings, bulked = options.settings, options.apply_to_bulked_bookings
  local problem, reason
  if inputs ~= nil then
    local before, is_end = before_next(text), settings == nil and bulked == nil
    text, problem, reason = encode_member(
      action, "action", inputs, "inputs", LARGEST_BODY, before, is_end and "}" or "")
    if is_end or not text then return text, problem, reason end
  end
  if bulked ~= nil then text = before_next(text) .. '"apply_to_bulked_bookings":' .. tostring(bulked) end
  for _, name in ipairs(settings and sorted_names(settings) or {}) do
    text, problem, reason = encode_member(
      name, "settings", settings[name], "settings." .. name, LARGEST_BODY, before_next(text), "")
    if not text then return nil, problem, reason end
  end
  return text .. "}"
end

--- An action on a booking: `PUT /bookings/{id}/{action}` (spec/api.md 2).
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
  local body, problem, reason = action_body("{", action, inputs, options)
  if not body or #body > LARGEST_BODY then
    if body or reason == "size" then return too_large() end
    return nil, problem, reason
  end
  local target, include = fill(ACTION, id, action), options.include
  if include then target = with_include(target, include) end
  return { method = "PUT", route = ACTION, target = target, headers = JSON, body = body }
end

--- Reads a booking: `GET /bookings/{id}` (spec/api.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.get(id, include)
  return { method = "GET", route = BOOKING, target = with_include(fill(BOOKING, id), include) }
end

-- A request whose body is a table, sent as it is. Problems name the table `name`.
local function with_body(method, route, target, body, name)
  local text, problem, reason = core.encode(body, name, LARGEST_BODY)
  if reason == "size" then return too_large() end
  if not text then return nil, problem, reason end
  return { method = method, route = route, target = target, headers = JSON, body = text }
end

--- Creates a booking: `POST /bookings` (spec/api.md 4).
-- @tparam table fields the booking's fields
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request
-- @treturn ?string what cannot be sent, with its path
-- @treturn ?string `"type"` or `"size"`, as in `request.action`
function request.create(fields, include)
  return with_body("POST", "/bookings", with_include("/bookings", include), fields, "fields")
end

--- Holds a slot: `POST /bookings/reserve`; or longer: `PUT /bookings/reserve/extend` (spec/api.md 4).
-- @tparam table fields
-- @tparam boolean longer extend a reservation
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.reserve(fields, longer, include)
  local route = longer and "/bookings/reserve/extend" or "/bookings/reserve"
  return with_body(longer and "PUT" or "POST", route, with_include(route, include), fields, "fields")
end

--- Moves a booking to another time: `POST /bookings/{id}/reschedule` (spec/api.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam table fields `start`, `end`, `resource_id`, `message`
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.reschedule(id, fields, include)
  local route = "/bookings/{id}/reschedule"
  return with_body("POST", route, with_include(fill(route, id), include), fields, "fields")
end

--- Changes a booking's `meta`: `PUT /bookings/{id}` (spec/api.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @tparam table meta
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.meta(id, meta, include)
  return with_body("PUT", BOOKING, with_include(fill(BOOKING, id), include), { meta = meta }, "fields")
end

--- Deletes a booking: `DELETE /bookings/{id}` (spec/api.md 4).
-- @tparam string id a booking's id, as `request.segment` takes it
-- @treturn table the request
function request.delete(id)
  return { method = "DELETE", route = BOOKING, target = fill(BOOKING, id) }
end

-- A request about many bookings. `texts` are the encoded items, `flags` the further members of the body.
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

--- Creates several bookings: `POST /bookings/bulk` (spec/api.md 4).
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

local function item_text(item)
  local text, problem, reason = encode_member("id", "id", item.id, "id", LARGEST_BODY, "{", "")
  if not text then return nil, problem, reason end
  text, problem, reason = encode_member("action", "action", item.action, "action", LARGEST_BODY, text .. ",", "")
  if not text then return nil, problem, reason end
  return action_body(text, item.action, item.inputs, item.options)
end

--- Performs actions on several bookings: `PUT /bookings/bulk` (spec/api.md 4). Each item has the booking's `id`, the
-- `action`, and beside them what the body of `request.action` has.
-- @tparam {table,...} list `{ id =, action =, inputs =, options = }`, as `request.action` takes them
-- @tparam table flags name → boolean: `stop_on_first_error`, `reset_all_on_error`
-- @tparam ?string include names, joined with commas
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.bulk_action(list, flags, include)
  local texts = {}
  for index, item in ipairs(list) do
    local text, problem, reason = item_text(item)
    if not text then return nil, problem, reason end
    texts[index] = text
  end
  return bulk("PUT", texts, flags, include)
end

--- Reads a list: `GET /bookings`, `GET /bookings/groups` (spec/api.md 4).
-- @tparam string route
-- @tparam {table,...} query `{ name, text }` in the order in which they are sent
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.list(route, query, include)
  return { method = "GET", route = route, target = with_query(route, query, include) }
end

--- Reads the booking that offers a group's seats: `GET /bookings/groups/{id}` (spec/api.md 4).
-- @tparam string id its id, as `request.segment` takes it
-- @tparam ?string include names, joined with commas
-- @treturn table the request
function request.group(id, include)
  local route = "/bookings/groups/{id}"
  return { method = "GET", route = route, target = with_include(fill(route, id), include) }
end

-- Ids in a path become `{id}` in its route, else every booking would have a route of its own.
local UUID = ("x"):rep(8) .. ("%-" .. ("x"):rep(4)):rep(3) .. "%-" .. ("x"):rep(12)
UUID = UUID:gsub("x", "%%x")

--- A request to any other endpoint.
-- @tparam string method
-- @tparam string path as `timekit.http.url`'s `path` returned it
-- @tparam table options `query` (list of `{ name, text }`), `body` (table), `include`, each may be nil
-- @treturn table|nil the request; or nil and a problem, as of `request.create`
function request.any(method, path, options)
  local target = with_query(path, options.query or {}, options.include)
  if #target > LONGEST_TARGET then
    return nil, ("the request's path and query exceed the limit of %d bytes"):format(LONGEST_TARGET), "size"
  end
  local route = path:gsub(UUID, "{id}")
  if options.body then return with_body(method, route, target, options.body, "body") end
  return { method = method, route = route, target = target }
end

--- Applies to a request the options that every request has.
-- @tparam table built a request of this module
-- @tparam table given checked options: `headers` (name → value), which replace those of the same name, and
--   `traceparent` (W3C Trace Context), each may be nil
-- @treturn table the same request, with `secrets` where values of its headers are (see `timekit.call.redact`)
function request.with_options(built, given)
  local added = given.headers
  if added then built.secrets = headers.secrets(added) end
  if given.traceparent then added = headers.joined(added or {}, { traceparent = given.traceparent }) end
  if added then built.headers = headers.joined(built.headers or {}, added) end
  return built
end

return request
