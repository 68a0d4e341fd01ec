--- What will happen to a booking by itself, from the times that it shows.
-- Pure: no I/O, no clock. The graph says which action plays, and how long after what.
-- @module timekit.rules.autoplay

local duration = require "timekit.text.duration"
local event = require "timekit.rules.event"
local given = require("timekit.text.fields").given
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"

local autoplay = {}

--- What `next` needs to see of a booking, as names to include.
autoplay.INCLUDE = "attributes,event"

-- What an action's delay is counted from: its name in messages, and where a booking shows it.
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

-- A delay given on create, wherever the booking shows it: Timekit's documents do not say where (spec/api.md 3). If none
-- can be read, one that cannot be read is returned, so that the caller can tell it from none at all.
local function setting(booking, name)
  local attributes = type(booking.attributes) == "table" and booking.attributes or {}
  local unread
  for _, place in ipairs { booking.settings or {}, attributes.settings or {}, attributes, booking } do
    local value = type(place) == "table" and given(place[name])
    if duration.read(value) then return value end
    unread = value or unread
  end
  return unread
end

--- What plays by itself next.
-- @tparam table booking as the API returns it, with `autoplay.INCLUDE`
-- @tparam Graph rules its graph
-- @treturn table|nil `{ action =, to =, at = unix seconds }`; nil when nothing will
-- @treturn ?string why it is not known what will, or when
-- @usage
-- local booking = { state = "confirmed", event = { ["end"] = "2027-03-01T09:00:00+0000" } }
-- autoplay.next(booking, graphs.confirm_decline)   --> { action = "complete", to = "completed", at = 1803895200 }
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
    local delay = play.setting and setting(booking, play.setting)
    if delay and not duration.read(delay) then
      return nil, ("%s plays by itself, but the setting %s that the booking shows is not a duration"):format(
        messages.quote(play.action), messages.quote(play.setting))
    end
    if delay then times.settings[play.setting] = delay end
  end
  local play = rules:next_autoplay(booking.state, times)
  if play and not time.is_writable(play.at) then
    return nil, messages.quote(play.action) .. " plays by itself, but beyond the year 9999"
  end
  return play
end

return autoplay
