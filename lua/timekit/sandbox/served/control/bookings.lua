--- `/_sandbox/bookings`: bookings with their history, and what is possible for one of them.
-- @module timekit.sandbox.served.control.bookings
local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local graph_routes = require "timekit.sandbox.routes.graphs"
local reading = require "timekit.sandbox.served.control.reading"
local replies = require "timekit.sandbox.routes.replies"
local time = require "timekit.text.time"

local bookings = {}

-- What a person may look for, in small letters.
local function text_of(booking)
  local customer = booking.customer or {}
  local parts = { booking.id, booking.event and booking.event.what, customer.name, customer.email }
  local words = {}
  for index = 1, 4 do
    if type(parts[index]) == "string" then words[#words + 1] = ascii.lower(parts[index]) end
  end
  return table.concat(words, "\n")
end

local function fits(booking, query, search)
  return (not query.graph or booking.graph == query.graph) and (not query.state or booking.state == query.state)
    and (not search or text_of(booking):find(search, 1, true) ~= nil)
end

local function brief(booking)
  local customer, event = booking.customer or {}, booking.event or {}
  return {
    number = booking.number, id = booking.id, graph = booking.graph, state = booking.state,
    completed = booking.completed, start = event.starts and time.format(event.starts),
    ["end"] = event.ends and time.format(event.ends), what = event.what, customer = customer.name or customer.email,
  }
end

--- Handles `GET /_sandbox/bookings`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function bookings.list(box, request)
  local query = request.query
  local page, refusal = reading.page(query)
  if refusal then return refusal end
  if not page then return replies.data(200, core.array(box:bookings())) end
  -- Plays what is due: the list shows states.
  box:next_autoplay()
  local search = query.search and query.search ~= "" and ascii.lower(query.search) or nil
  local all, shown, total = box.store.bookings, {}, 0
  for index = #all, 1, -1 do
    local booking = all[index]
    if fits(booking, query, search) then
      total = total + 1
      if booking.number < page.before and #shown < page.newest then shown[#shown + 1] = brief(booking) end
    end
  end
  return { status = 200, body = { data = core.array(shown), total = total } }
end

-- Every action of the graph, each once: that of the booking's state where there is one.
local function actions_of(booking)
  local graph, list, listed = graphs[booking.graph], {}, {}
  for _, action in ipairs(graph_routes.describe(graph).actions) do
    local is_here = false
    for _, from in ipairs(action.from) do is_here = is_here or from == booking.state end
    local place = listed[action.name]
    if not place or is_here then
      if not place then
        place = #list + 1
        listed[action.name] = place
      end
      local possible, reason = graph:can(booking.state, action.name)
      action.possible, action.reason = possible, reason
      list[place] = action
    end
  end
  return core.array(list)
end

--- Handles `GET /_sandbox/bookings/{id}`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function bookings.show(box, request)
  local shown = box:booking(request.params[1])
  if not shown then return replies.not_found("Booking") end
  local booking = box.store:find(shown.id)
  local past = {}
  for index, step in ipairs(booking.history) do past[index] = step.from end
  for _, step in ipairs(shown.history) do step.time = time.format(step.at) end
  core.array(shown.history)
  shown.past, shown.actions = core.array(past), actions_of(booking)
  local timer = booking.timer
  shown.next = timer and { action = timer.action, to = timer.to, at = timer.at, time = time.format(timer.at) }
  return replies.data(200, shown)
end

return bookings
