--- The fields of a request that makes or moves a booking, and what is wrong with them (API.md 3 and 4).
-- @module timekit.sandbox.routes.form
local core = require "timekit.core"
local time = require "timekit.text.time"
local graph_rules = require "timekit.graph"
local graphs = require "timekit.graphs"
local field_checks = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local ids = require "timekit.sandbox.model.ids"
local seats = require "timekit.sandbox.model.seats"
local store = require "timekit.sandbox.model.store"

local form = {}

local function is_object(value)
  return type(value) == "table" and not core.is_array(value)
end

-- JSON's null says as much as leaving a field out.
local function given(value)
  if value == core.null then return nil end
  return value
end

local function text_of(value)
  return type(value) == "string" and value ~= ""
end

local TYPES = {
  graph = { text_of, "a text" }, action = { text_of, "a text" }, what = { "string", "a text" },
  where = { "string", "a text" }, description = { "string", "a text" },
  resource_id = { text_of, "an id" }, calendar_id = { text_of, "an id" }, project_id = { text_of, "an id" },
  customer = { is_object, "an object" }, meta = { is_object, "an object" }, settings = { is_object, "an object" },
  related = { is_object, "an object" }, participants = { core.is_array, "a list" },
  reservation_id = { text_of, "an id" }, message = { "string", "a text" },
}

--- The field that names the group booking.
form.OWNER = "related.owner_booking_id"
local OWNER = form.OWNER

-- In older versions these stood in an object of their own (fixture create-request-confirm_decline-2016).
local EVENT = { start = true, ["end"] = true, what = true, where = true, description = true, calendar_id = true,
  participants = true }

local CUSTOMER = { name = true, email = true, phone = true, voip = true, timezone = true }

--- The fields of a request, and what is wrong with them.
-- @type Form
local Form = {}
Form.__index = Form

--- Notes what is wrong with a field; the same is said once, however often the field is read.
-- @tparam string field
-- @tparam string text
function Form:refuse(field, text)
  local texts = self.errors[field] or {}
  self.errors[field], self.refused = texts, true
  for _, known in ipairs(texts) do
    if known == text then return end
  end
  texts[#texts + 1] = text
end

--- Reads a field.
-- One of the wrong type is refused, and as good as left out.
-- @tparam string field
-- @treturn any nil when it is left out or null
function Form:get(field)
  local value = given(self.body[field])
  if value == nil and EVENT[field] and is_object(self.body.event) then value = given(self.body.event[field]) end
  local expected = TYPES[field]
  if value == nil or not expected then return value end
  local ok = expected[1]
  if type(ok) == "string" then ok = type(value) == ok else ok = ok(value) end
  if ok then return value end
  self:refuse(field, ("%s must be %s"):format(field, expected[2]))
  return nil
end

--- The graph that the request names, which must be one whose bookings are made by requests.
-- @treturn table|nil
function Form:graph()
  local name = self:get("graph")
  if name == nil then
    if not self.refused then self:refuse("graph", "graph is required") end
    return nil
  end
  local graph = rawget(graphs, name)
  if not graph then
    self:refuse("graph", ("graph '%s' does not exist%s"):format(name, messages.hint(name, graphs)))
  elseif not graph.first then
    self:refuse("graph", ("a booking of graph '%s' is not made by POST /bookings"):format(name))
    return nil
  end
  return graph
end

--- Refuses what the graph requires and the request leaves out.
-- @tparam table graph
function Form:required(graph)
  for _, path in ipairs(graph.requires) do
    local value = self.body
    for name in path:gmatch("[^.]+") do value = is_object(value) and given(value[name]) or nil end
    if value == nil then self:refuse(path, path .. " is required") end
  end
end

--- The group booking that a customer's booking belongs to.
-- @tparam table state the box's state
-- @tparam table graph
-- @treturn table|nil
function Form:owner(state, graph)
  if graph.seats ~= "customer" then return nil end
  local related = self:get("related")
  local id = related and given(related.owner_booking_id)
  if id == nil then return nil end
  local owner = store.find(state, id)
  if not owner then
    self:refuse(OWNER, "owner booking does not exist")
  elseif not owner.customer_bookings then
    self:refuse(OWNER, ("owner booking is of graph '%s', which has no seats"):format(owner.graph))
  elseif owner.completed then
    self:refuse(OWNER, ("owner booking is %s"):format(owner.state))
  elseif owner.max_seats and seats.taken(owner) >= owner.max_seats then
    self:refuse(OWNER, "group booking is full: no seats left")
  else
    return owner
  end
end

--- Reads a timestamp that must be there.
-- @tparam string field
-- @treturn number|nil unix seconds
function Form:instant(field)
  local text = self:get(field)
  if text == nil then
    self:refuse(field, field .. " is required")
    return nil
  end
  local unix, problem = time.parse(text)
  if unix and not time.is_writable(unix) then unix, problem = nil, "not within the years 0 to 9999 in UTC" end
  if not unix then self:refuse(field, ("%s is not a valid timestamp: %s"):format(field, problem)) end
  return unix
end

--- Reads `start` and `end`.
-- @treturn number|nil unix seconds
-- @treturn number|nil unix seconds
function Form:times()
  local starts, ends = self:instant("start"), self:instant("end")
  if starts and ends and ends <= starts then self:refuse("end", "end must be after start") end
  return starts, ends
end

--- Reads the settings of a graph.
-- Timekit's pages do not say whether a setting stands under `settings` or beside it [inferred]: both are read.
-- @tparam table graph
-- @treturn table
function Form:settings(graph)
  local settings, found = self:get("settings") or {}, {}
  for name in pairs(graph.settings) do
    local value = given(settings[name])
    if value == nil then value = given(self.body[name]) end
    found[name] = value
  end
  for _, action in ipairs(graph.actions) do
    local name = action.autoplay and action.autoplay.setting
    if name and found[name] ~= nil and not graph_rules.duration(found[name]) then
      self:refuse(name, name .. ' must be a duration such as {"time": 25, "unit": "min"}')
    end
  end
  for _, problem in ipairs(field_checks.check(graph.settings, found, "")) do
    self:refuse(problem:match("^([%w_]+)") or "settings", problem)
  end
  return found
end

--- Reads the customer, who gets an id.
-- @tparam table state the box's state
-- @treturn table|nil
function Form:customer(state)
  local customer = self:get("customer")
  if not customer then return nil end
  for field in pairs(CUSTOMER) do
    local value = given(customer[field])
    if value ~= nil and type(value) ~= "string" then
      self:refuse("customer." .. field, ("customer.%s must be a text"):format(field))
    end
  end
  local copy = { id = ids.next(state.booking_ids) }
  for field, value in pairs(customer) do
    if field ~= "id" then copy[field] = value end
  end
  return copy
end

--- The reservation that the request uses up.
-- @tparam table state the box's state
-- @treturn table|nil
function Form:reservation(state)
  local id = self:get("reservation_id")
  if id == nil then return nil end
  local reservation = store.find(state, id)
  if not reservation or not reservation.expires then
    self:refuse("reservation_id", "reservation does not exist")
  elseif reservation.completed then
    self:refuse("reservation_id", ("reservation is %s"):format(reservation.state))
  else
    return reservation
  end
end

--- Reads the event. A customer's booking in a group may take the group's, and one that was reserved what was reserved.
-- @tparam ?table owner the group booking
-- @tparam ?table reservation
-- @treturn table
function Form:event(owner, reservation)
  local timeless = self:get("start") == nil and self:get("end") == nil
  if owner and timeless then return owner.event end
  local held = reservation and reservation.event or {}
  local starts, ends = held.starts, held.ends
  if not (reservation and timeless) then starts, ends = self:times() end
  return {
    starts = starts, ends = ends, start = self:get("start") or held.start, ["end"] = self:get("end") or held["end"],
    what = self:get("what") or held.what or "", where = self:get("where") or held.where or "",
    description = self:get("description") or held.description or "",
    calendar_id = self:get("calendar_id") or held.calendar_id,
    participants = self:get("participants") or held.participants,
  }
end

--- Whether the request asks that the resource be free: `settings.allow_double_bookings` is false.
-- @treturn boolean
function Form:exclusive()
  local settings = self:get("settings")
  local allow = settings and given(settings.allow_double_bookings)
  if allow ~= nil and type(allow) ~= "boolean" then
    self:refuse("settings.allow_double_bookings", "settings.allow_double_bookings must be true or false")
  end
  return allow == false
end

--- @section end

--- Reads the fields of a request.
-- @tparam table body
-- @treturn Form with `errors` (field → list of texts) and `refused` (boolean)
function form.new(body)
  return setmetatable({ body = body, errors = {}, refused = false }, Form)
end

return form
