--- Shows bookings as the API does: six native fields, and more by include (spec/api.md 1 and 2).
-- A new include is one function here, `includes.NAME(booking, view)`.
-- @module timekit.sandbox.model.render
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local messages = require "timekit.text.messages"
local capacity = require "timekit.sandbox.model.capacity"
local timestamps = require "timekit.sandbox.timestamps"

local render = {}

local RESOURCE = "Sandbox resource"

local includes = {}

function includes.attributes(booking, view)
  local event = booking.event
  local attributes = {
    event_info = {
      start = view.timestamps:write_kept(event.start, event.starts),
      ["end"] = view.timestamps:write_kept(event["end"], event.ends),
      what = event.what, where = event.where, description = event.description, calendar_id = event.calendar_id,
      participants = event.participants,
    },
  }
  -- A client cannot learn these elsewhere. It needs them to know what plays when, such as the time for paying.
  local settings = booking.times.settings
  if settings and next(settings) ~= nil then attributes.settings = settings end
  if booking.customer_bookings then
    attributes.group_booking = {
      max_seats = booking.max_seats or core.null, current_seats = capacity.seats_taken(booking),
    }
  end
  return attributes
end

function includes.event(booking, view)
  local event, times = booking.event, view.timestamps
  return {
    id = event.id, what = event.what, where = event.where, description = event.description, allDay = false,
    start = times:write(event.starts), ["end"] = times:write(event.ends), created_at = times:write(booking.created),
  }
end

function includes.customers(booking)
  return core.array { booking.customer }
end

function includes.resource(booking)
  return { id = booking.resource_id, name = RESOURCE }
end

function includes.meta(booking)
  return booking.meta
end

function includes.available_actions(booking)
  return core.array(graphs[booking.graph]:actions_in(booking.state))
end

function includes.calendar(booking)
  return booking.event.calendar_id and { id = booking.event.calendar_id }
end

function includes.project(booking)
  return booking.project_id and { id = booking.project_id }
end

function includes.owner_booking(booking, view)
  return booking.owner and render.booking(booking.owner, view)
end

function includes.bulked_bookings(booking, view)
  local others = {}
  for _, other in ipairs(booking.bulk or {}) do
    if other ~= booking then others[#others + 1] = render.booking(other, view) end
  end
  return core.array(others)
end

function includes.provider_event(booking)
  return booking.event.calendar_id and { id = booking.event.id }
end

-- Resources were called users before.
function includes.user(booking)
  return { id = booking.resource_id, name = RESOURCE }
end

function includes.logs(booking, view)
  local logs = {}
  for index, step in ipairs(booking.history) do
    logs[index] = {
      action = step.action or core.null, from = step.from or core.null, to = step.to, by = step.by,
      created_at = view.timestamps:write(step.at),
    }
  end
  return core.array(logs)
end

-- The actions that Timekit makes links for (spec/api.md 5).
local LINKED = { "cancel_by_customer", "reschedule_by_customer" }

function includes.customer_action_links(booking, view)
  if not view.link then return nil end
  local links = {}
  for _, action in ipairs(LINKED) do
    if graphs[booking.graph]:can(booking.state, action) then links[action] = view.link(booking.id, action) end
  end
  return links
end

-- These hold bookings, which have includes of their own: `bulked_bookings.attributes`.
local HOLDS_BOOKINGS = { owner_booking = true, bulked_bookings = true }

local function unknown(name)
  return ("include '%s' does not exist%s"):format(name, messages.hint(name, includes))
end

--- Reads the `include` parameter.
-- @tparam ?string text such as `attributes,bulked_bookings.customers`
-- @treturn table|nil name → the includes of the bookings inside
-- @treturn ?string what is wrong with it
function render.includes(text)
  local wanted = {}
  for name in (text or ""):gmatch("[^,%s]+") do
    local head, rest = name:match("^([^.]*)%.?(.*)$")
    if not includes[head] then return nil, unknown(name) end
    wanted[head] = wanted[head] or {}
    if HOLDS_BOOKINGS[head] and rest ~= "" then
      -- One level only: with more, each level would multiply the number of bookings.
      if not includes[rest] or HOLDS_BOOKINGS[rest] then return nil, unknown(name) end
      wanted[head][rest] = {}
    end
  end
  return wanted
end

--- Shows a booking.
-- A reservation also shows `expires_at`.
-- @tparam table booking
-- @tparam table view `include` (from `render.includes`); `link` (function(id, action) → URL; without it there are no
--   action links); `timestamps` (from `timekit.sandbox.timestamps`; default: the usual ones). A request is a view
-- @treturn table for JSON
function render.booking(booking, view)
  local times = view.timestamps or timestamps.USUAL
  local shown = {
    id = booking.id, state = booking.state, graph = booking.graph, completed = booking.completed,
    created_at = times:write(booking.created), updated_at = times:write(booking.updated),
    expires_at = booking.expires and times:write(booking.expires),
  }
  for name, nested in pairs(view.include) do
    shown[name] = includes[name](booking, { include = nested, link = view.link, timestamps = times })
  end
  return shown
end

return render
