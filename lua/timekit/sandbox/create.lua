--- `POST /bookings`: what a new booking takes, and making it (API.md 3 and 4).
-- @module timekit.sandbox.create
local core = require "timekit.core"
local time = require "timekit.time"
local graph_rules = require "timekit.graph"
local graphs = require "timekit.graphs"
local shape = require "timekit.shape"
local flow = require "timekit.sandbox.flow"
local ids = require "timekit.sandbox.ids"
local replies = require "timekit.sandbox.replies"
local store = require "timekit.sandbox.store"

local create = {}

-- The step that Timekit names when it refuses a field of a new booking (fixture bookingjs-create-422).
local STEP = "save_booking_data"

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
}

local OWNER = "related.owner_booking_id"

-- In older versions these stood in an object of their own (fixture create-request-confirm_decline-2016).
local EVENT = { start = true, ["end"] = true, what = true, where = true, description = true, calendar_id = true,
  participants = true }

local CUSTOMER = { name = true, email = true, phone = true, voip = true, timezone = true }

-- The fields of a request, and what is wrong with them.
local Form = {}
Form.__index = Form

local function new_form(body)
  return setmetatable({ body = body, errors = {}, refused = false }, Form)
end

function Form:refuse(field, text)
  self.errors[field] = self.errors[field] or {}
  table.insert(self.errors[field], text)
  self.refused = true
end

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

function Form:graph()
  local name = self:get("graph")
  if name == nil then
    if not self.refused then self:refuse("graph", "graph is required") end
    return nil
  end
  local graph = rawget(graphs, name)
  if not graph then
    self:refuse("graph", ("graph '%s' does not exist%s"):format(name, shape.hint(name, graphs)))
  elseif not graph.first then
    self:refuse("graph", ("a booking of graph '%s' is not made by POST /bookings"):format(name))
    return nil
  end
  return graph
end

function Form:required(graph)
  for _, path in ipairs(graph.requires) do
    local value = self.body
    for name in path:gmatch("[^.]+") do value = is_object(value) and given(value[name]) or nil end
    if value == nil then self:refuse(path, path .. " is required") end
  end
end

-- The group booking that a customer's booking belongs to.
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
  elseif owner.max_seats and flow.seats_taken(owner) >= owner.max_seats then
    self:refuse(OWNER, "group booking is full: no seats left")
  else
    return owner
  end
end

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

function Form:times()
  local starts, ends = self:instant("start"), self:instant("end")
  if starts and ends and ends <= starts then self:refuse("end", "end must be after start") end
  return starts, ends
end

-- Timekit's pages do not say whether a setting stands under `settings` or beside it [inferred]: both are read.
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
  for _, problem in ipairs(shape.check(graph.settings, found, "")) do
    self:refuse(problem:match("^([%w_]+)") or "settings", problem)
  end
  return found
end

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

function Form:event(owner)
  if owner and self:get("start") == nil and self:get("end") == nil then return owner.event end
  local starts, ends = self:times()
  return {
    starts = starts, ends = ends, start = self:get("start"), ["end"] = self:get("end"),
    what = self:get("what") or "", where = self:get("where") or "", description = self:get("description") or "",
    calendar_id = self:get("calendar_id"), participants = self:get("participants"),
  }
end

--- Makes a booking.
-- @tparam table call the request, see `timekit.sandbox.engine`
-- @treturn table|nil the booking
-- @treturn ?table the reply that refuses it
function create.booking(call)
  local state, now = call.state, call.now
  local form = new_form(call.body)
  local graph = form:graph()
  if not graph then return nil, replies.fields(form.errors, STEP) end

  form:required(graph)
  local owner = form:owner(state, graph)
  -- The times may be the group's, so without the group nothing can be said about them.
  local event = not form.errors[OWNER] and form:event(owner)
  local settings = form:settings(graph)
  local action = form:get("action") or graph.first
  local booking = {
    graph = graph.name, state = graph.initial, completed = false, created = now, updated = now, history = {},
    event = event, owner = owner, max_seats = graph.seats == "owner" and settings.max_seats or nil,
    customer_bookings = graph.seats == "owner" and {} or nil,
    meta = form:get("meta") or {}, project_id = form:get("project_id"),
    resource_id = form:get("resource_id") or (owner and owner.resource_id) or state.resource_id,
    customer = form:customer(state),
  }
  if form.refused then return nil, replies.fields(form.errors, STEP) end
  if not flow.can(booking, action) then return nil, replies.transition(action, booking.state) end

  booking.id = ids.next(state.booking_ids)
  event.id = event.id or ids.next(state.booking_ids)
  booking.times = { created = now, ["end"] = event.ends, settings = settings }
  store.add(state, booking)
  flow.act(state, booking, action, now, "api")
  return booking
end

return create
