--- What will happen to a booking by itself, from what it shows of its times.
-- Pure: no I/O, no clock. Which action plays, and how long after what, is the graph's to say.
-- @module timekit.rules.autoplay

local core = require "timekit.core"
local event = require "timekit.rules.event"
local graph = require "timekit.graph"
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"

local autoplay = {}

--- What a booking has to show, as names to include.
autoplay.INCLUDE = "attributes,event"

-- What an action's delay is counted from: how people call it, and where it stands.
local STARTS = {
  created = { name = "when it was created", of = function(booking) return booking.created_at end },
  ["end"] = {
    name = "when its event ends",
    of = function(booking)
      local its_event = event.of(booking)
      return its_event and its_event["end"]
    end,
  },
}

-- A delay given on create, wherever the booking shows it: no source says where (API.md 3). One that is shown and cannot
-- be read comes back, too, when there is none that can.
local function setting(booking, name)
  local attributes = type(booking.attributes) == "table" and booking.attributes or {}
  local unread
  for _, place in ipairs { booking.settings or {}, attributes.settings or {}, attributes, booking } do
    local value = type(place) == "table" and place[name]
    if graph.duration(value) then return value end
    if value and value ~= core.null then unread = value end
  end
  return unread
end

--- What plays by itself next.
-- @tparam table booking as the API returns it, with `autoplay.INCLUDE`
-- @tparam Graph rules its graph
-- @treturn table|nil `{ action =, to =, at = unix seconds }`; nil when nothing will
-- @treturn ?string why that cannot be said, although something will
function autoplay.next(booking, rules)
  if booking.completed == true then return nil end
  if rules:is_final(booking.state) == nil then
    return nil, ("what plays by itself is not known: the graph %s has no state %s"):format(
      messages.quote(rules.name), messages.quote(booking.state))
  end
  local times = { settings = {} }
  for _, play in ipairs(rules:autoplays(booking.state)) do
    local start = STARTS[play.from]
    local text = start.of(booking)
    local at, problem = time.parse(text)
    if not at then
      return nil, ("%s plays by itself, but the booking does not show %s%s"):format(
        messages.quote(play.action), start.name, type(text) == "string" and ": " .. problem or "")
    end
    times[play.from] = at
    local given = play.setting and setting(booking, play.setting)
    if given and not graph.duration(given) then
      return nil, ("%s plays by itself, but the setting %s that the booking shows is no duration"):format(
        messages.quote(play.action), messages.quote(play.setting))
    end
    if given then times.settings[play.setting] = given end
  end
  local play = rules:next_autoplay(booking.state, times)
  if play and not time.is_writable(play.at) then
    return nil, messages.quote(play.action) .. " plays by itself, but beyond the year 9999"
  end
  return play
end

return autoplay
