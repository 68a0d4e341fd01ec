--- `/_sandbox/clock`, `/_sandbox/status`: the time, and what plays by itself next.
-- @module timekit.sandbox.served.control.clock
local core = require "timekit.core"
local messages = require "timekit.text.messages"
local reading = require "timekit.sandbox.served.control.reading"
local replies = require "timekit.sandbox.routes.replies"
local time = require "timekit.text.time"

local clock = {}

local function next_autoplay(box)
  local play = box:next_autoplay()
  if not play then return core.null end
  play.time = time.format(play.at)
  return play
end

--- Handles `GET /_sandbox/clock`.
-- @tparam table box
-- @tparam ?table _ the request
-- @tparam ?{table,...} played by an advance
-- @treturn table reply
function clock.show(box, _, played)
  return replies.data(200, {
    now = box:now(), time = time.format(box:now()), played = played and core.array(played), next = next_autoplay(box),
  })
end

--- Handles `POST /_sandbox/clock`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function clock.advance(box, request)
  local body, refusal = reading.object(request.body, '{"advance": 3600}')
  if not body then return refusal end
  for name in pairs(body) do
    if name ~= "advance" then
      return replies.field(name, ("unknown field '%s'%s"):format(name, messages.hint(name, { "advance" })))
    end
  end
  local seconds = body.advance
  if seconds == "next" then
    local play = box:next_autoplay()
    if not play then return replies.field("advance", "nothing will play by itself") end
    seconds = math.max(0, play.at - box:now())
  end
  local ok, played = pcall(box.advance, box, seconds)
  if ok then return clock.show(box, nil, played) end
  -- `advance` raises for wrong seconds, which are the client's mistake here. Any other error is ours.
  local problem = tostring(played):match("seconds: (.*)") or error(played, 0)
  return replies.field("advance", problem)
end

--- Handles `GET /_sandbox/status`, which is cheap enough to be asked every second.
-- @tparam table box
-- @treturn table reply
function clock.status(box)
  local play = next_autoplay(box)
  local store, delivered = box.store, {}
  for _, delivery in ipairs(store.deliveries:list()) do
    delivered[delivery.status] = (delivered[delivery.status] or 0) + 1
  end
  return replies.data(200, {
    now = box:now(), time = time.format(box:now()), next = play,
    requests = store.requests.count, moves = store.moves, bookings = #store.bookings, faults = #box:faults(),
    webhooks = #store.hooks, deliveries = store.deliveries.count, pending = delivered.pending or 0,
  })
end

return clock
