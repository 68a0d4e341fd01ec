--- Reads the fields of a request that makes, moves or reserves a booking, and collects what is wrong with them
-- (spec/api.md 3 and 4).
-- @module timekit.sandbox.routes.forms
local core = require "timekit.core"
local graph_rules = require "timekit.graph"
local graphs = require "timekit.graphs"
local fields = require "timekit.text.fields"
local messages = require "timekit.text.messages"
local capacity = require "timekit.sandbox.model.capacity"
local ids = require "timekit.sandbox.model.ids"


local forms = {}

local given, is_object = fields.given, fields.is_object

local function is_string(value)
  return type(value) == "string"
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

-- field → is a value of the right type, and what is expected
local TYPES = {
  graph = { is_text, "a text" }, action = { is_text, "a text" }, what = { is_string, "a text" },
  where = { is_string, "a text" }, description = { is_string, "a text" },
  resource_id = { is_text, "an id" }, calendar_id = { is_text, "an id" }, project_id = { is_text, "an id" },
  customer = { is_object, "an object" }, meta = { is_object, "an object" }, settings = { is_object, "an object" },
  related = { is_object, "an object" }, participants = { core.is_array, "a list" },
  reservation_id = { is_text, "an id" }, message = { is_string, "a text" },
}

--- The field that names the group booking.
forms.OWNER = "related.owner_booking_id"
local OWNER = forms.OWNER

-- Older versions put these into an object `event` (fixture create-request-confirm_decline-2016).
local EVENT = { start = true, ["end"] = true, what = true, where = true, description = true, calendar_id = true,
  participants = true }

local CUSTOMER = { name = true, email = true, phone = true, voip = true, timezone = true }

--- The fields of a request, and what is wrong with them.
-- @type Form
local Form = {}
Form.__index = Form

--- Records what is wrong with a field. Fields are read more than once, so the same text is recorded only once.
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

--- Reads a field. A value of the wrong type is refused, and read as left out.
-- @tparam string field
-- @treturn any nil when it is left out or null
function Form:get(field)
  local value = given(self.body[field])
  if value == nil and EVENT[field] and is_object(self.body.event) then value = given(self.body.event[field]) end
  local expected = TYPES[field]
  if value == nil or not expected then return value end
  local is_right, description = expected[1], expected[2]
  if is_right(value) then return value end
  self:refuse(field, ("%s must be %s"):format(field, description))
  return nil
end

--- The graph that the request names. Bookings of some graphs, such as reservations, are not made by POST /bookings.
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

--- Refuses the request for each field that the graph requires and the request leaves out.
-- @tparam table graph
function Form:required(graph)
  for _, path in ipairs(graph.requires) do
    local value = self.body
    for name in path:gmatch("[^.]+") do value = is_object(value) and given(value[name]) or nil end
    if value == nil then self:refuse(path, path .. " is required") end
  end
end

--- The group booking that a customer's booking belongs to.
-- @tparam table graph
-- @treturn table|nil
function Form:owner(graph)
  if graph.seats ~= "customer" then return nil end
  local related = self:get("related")
  local id = related and given(related.owner_booking_id)
  if id == nil then return nil end
  local owner = self.store:find(id)
  if not owner then
    self:refuse(OWNER, "owner booking does not exist")
  elseif not owner.customer_bookings then
    self:refuse(OWNER, ("owner booking is of graph '%s', which has no seats"):format(owner.graph))
  elseif owner.completed then
    self:refuse(OWNER, ("owner booking is %s"):format(owner.state))
  elseif capacity.is_full(owner) then
    self:refuse(OWNER, "group booking is full: no seats left")
  else
    return owner
  end
end

-- Reads a timestamp, which is required: as unix seconds, and as the event keeps it.
local function read_time(self, field)
  local value = self:get(field)
  if value == nil then
    self:refuse(field, field .. " is required")
    return nil
  end
  local unix, problem = self.timestamps:read(value)
  if unix then return unix, self.timestamps:kept(value, unix) end
  self:refuse(field, ("%s is not a valid timestamp: %s"):format(field, problem))
end

--- Reads `start` and `end`.
-- @treturn table `starts` and `ends` in unix seconds, `start` and `end` as the event keeps them; nil where refused
function Form:times()
  local times = {}
  times.starts, times.start = read_time(self, "start")
  times.ends, times["end"] = read_time(self, "end")
  if times.starts and times.ends and times.ends <= times.starts then
    self:refuse("end", "end must be after start")
  end
  return times
end

--- Reads the settings of a graph.
-- Timekit's pages do not say whether a setting stands under `settings` or beside it, so both are read.
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
  for _, problem in ipairs(fields.check(graph.settings, found, "")) do
    self:refuse(problem:match("^([%w_]+)") or "settings", problem)
  end
  return found
end

--- Reads the customer, and gives it an id.
-- @treturn table|nil
function Form:customer()
  local customer = self:get("customer")
  if not customer then return nil end
  for field in pairs(CUSTOMER) do
    local value = given(customer[field])
    if value ~= nil and type(value) ~= "string" then
      self:refuse("customer." .. field, ("customer.%s must be a text"):format(field))
    end
  end
  local copy = { id = ids.next(self.store.booking_ids) }
  for field, value in pairs(customer) do
    if field ~= "id" then copy[field] = value end
  end
  return copy
end

--- The reservation that the request uses up.
-- @treturn table|nil
function Form:reservation()
  local id = self:get("reservation_id")
  if id == nil then return nil end
  local reservation = self.store:find(id)
  if not reservation or not reservation.expires then
    self:refuse("reservation_id", "reservation does not exist")
  elseif reservation.completed then
    self:refuse("reservation_id", ("reservation is %s"):format(reservation.state))
  else
    return reservation
  end
end

--- Reads the event. Without times, a customer's booking in a group shares the group's event. What is left out comes
-- from the reservation.
-- @tparam ?table owner the group booking
-- @tparam ?table reservation
-- @treturn table
function Form:event(owner, reservation)
  local timeless = self:get("start") == nil and self:get("end") == nil
  if owner and timeless then return owner.event end
  local held = reservation and reservation.event or {}
  local times = reservation and timeless and held or self:times()
  return {
    starts = times.starts, ends = times.ends, start = times.start, ["end"] = times["end"],
    what = self:get("what") or held.what or "", where = self:get("where") or held.where or "",
    description = self:get("description") or held.description or "",
    calendar_id = self:get("calendar_id") or held.calendar_id,
    participants = self:get("participants") or held.participants,
  }
end

--- Must the resource be free? It must when `settings.allow_double_bookings` is false.
-- @treturn boolean
function Form:exclusive()
  local settings = self:get("settings")
  local allow = settings and given(settings.allow_double_bookings)
  if allow ~= nil and type(allow) ~= "boolean" then
    self:refuse("settings.allow_double_bookings", "settings.allow_double_bookings must be true or false")
  end
  return allow == false
end

--- Refuses the request when the resource is taken at the time of an event.
-- @tparam string resource_id
-- @tparam table event its `starts` and `ends`
-- @tparam ?table except as in `capacity.is_time_taken`
function Form:require_free(resource_id, event, except)
  -- Wrong fields are the better message, and leave no times to compare.
  if not self.refused and capacity.is_time_taken(self.store, resource_id, event.starts, event.ends, except) then
    self:refuse("start", "the resource is already booked at that time")
  end
end

--- @section end

--- Reads the fields of a request.
-- @tparam table request see `timekit.sandbox.engine`; of it, `store`, `timestamps` and `body`
-- @tparam ?table body the fields, where they are a part of the request's body
-- @treturn Form with `errors` (field → list of texts) and `refused` (boolean)
function forms.new(request, body)
  return setmetatable({
    body = body or request.body, store = request.store, timestamps = request.timestamps, errors = {}, refused = false,
  }, Form)
end

return forms
