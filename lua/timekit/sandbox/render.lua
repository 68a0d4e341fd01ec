--- Bookings as the API shows them: six native fields, and more by include (API.md 1 and 2).
-- @module timekit.sandbox.render
local core = require "timekit.core"
local time = require "timekit.time"
local graphs = require "timekit.graphs"
local shape = require "timekit.shape"
local flow = require "timekit.sandbox.flow"

local render = {}

local includes = {}

function includes.attributes(booking)
  local event = booking.event
  local attributes = {
    event_info = {
      start = event.start, ["end"] = event["end"], what = event.what, where = event.where,
      description = event.description, calendar_id = event.calendar_id, participants = event.participants,
    },
  }
  if booking.customer_bookings then
    attributes.group_booking = {
      max_seats = booking.max_seats or core.null, current_seats = flow.seats_taken(booking),
    }
  end
  return attributes
end

function includes.event(booking)
  local event = booking.event
  return {
    id = event.id, what = event.what, where = event.where, description = event.description, allDay = false,
    start = time.format(event.starts), ["end"] = time.format(event.ends), created_at = time.format(booking.created),
  }
end

function includes.customers(booking)
  return core.array { booking.customer }
end

function includes.resource(booking)
  return { id = booking.resource_id, name = "Sandbox resource" }
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

function includes.owner_booking(booking, nested)
  return booking.owner and render.booking(booking.owner, nested)
end

function includes.bulked_bookings(booking, nested)
  local others = {}
  for _, other in ipairs(booking.bulk or {}) do
    if other ~= booking then others[#others + 1] = render.booking(other, nested) end
  end
  return core.array(others)
end

-- Known to Timekit, but there is nothing behind them here: asked for, they are left out.
local function nothing() return nil end
for _, name in ipairs { "user", "logs", "customer_action_links", "provider_event" } do includes[name] = nothing end

-- These hold bookings, which take includes of their own: `bulked_bookings.attributes`.
local HOLDS_BOOKINGS = { owner_booking = true, bulked_bookings = true }

local function unknown(name)
  return ("include '%s' does not exist%s"):format(name, shape.hint(name, includes))
end

--- Reads the `include` parameter.
-- @tparam ?string text such as `attributes,bulked_bookings.customers`
-- @treturn table|nil includes → those of the bookings inside
-- @treturn ?string what is wrong with it
function render.includes(text)
  local wanted = {}
  for name in (text or ""):gmatch("[^,%s]+") do
    local head, rest = name:match("^([^.]*)%.?(.*)$")
    if not includes[head] then return nil, unknown(name) end
    wanted[head] = wanted[head] or {}
    if HOLDS_BOOKINGS[head] and rest ~= "" then
      -- One level only: bookings inside bookings inside bookings would multiply.
      if not includes[rest] or HOLDS_BOOKINGS[rest] then return nil, unknown(name) end
      wanted[head][rest] = {}
    end
  end
  return wanted
end

--- Shows a booking.
-- @tparam table booking
-- @tparam table wanted from `render.includes`
-- @treturn table fit for JSON
function render.booking(booking, wanted)
  local shown = {
    id = booking.id, state = booking.state, graph = booking.graph, completed = booking.completed,
    created_at = time.format(booking.created), updated_at = time.format(booking.updated),
  }
  for name, nested in pairs(wanted) do shown[name] = includes[name](booking, nested) end
  return shown
end

return render
