--- Which booking plays by itself next. A heap, since a busy sandbox holds many bookings.
-- The graphs say which action plays when (`timekit.graph`); this file keeps the order.
-- @module timekit.sandbox.model.timers
local graphs = require "timekit.graphs"

local timers = {}

local floor = math.floor

local function is_before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.booking.number < b.booking.number
end

local function push(heap, entry)
  local index = #heap + 1
  while index > 1 do
    local parent = floor(index / 2)
    if not is_before(entry, heap[parent]) then break end
    heap[index] = heap[parent]
    index = parent
  end
  heap[index] = entry
end

local function pop(heap)
  local last = table.remove(heap)
  local size = #heap
  if size == 0 then return end
  local index = 1
  while true do
    local child = index * 2
    if child > size then break end
    if child < size and is_before(heap[child + 1], heap[child]) then child = child + 1 end
    if not is_before(heap[child], last) then break end
    heap[index] = heap[child]
    index = child
  end
  heap[index] = last
end

--- Makes the timers of a box.
-- @treturn table plain data: the `heap`, the list of those that are `late`, and whether the box is `playing`
function timers.new()
  return { heap = {}, late = {}, playing = false }
end

-- The server ends a reservation. Its graph has no action for that (spec/api.md 3).
local function expiry(booking)
  return not booking.completed and { at = booking.expires, to = "expired" }
end

--- Sets the timer of a booking that has just entered its state.
--
-- A moment that had passed before the booking entered its state (an event that is over) does not play at once, because
-- examples with old dates would be finished before they began. It is late, and plays when the clock is next advanced.
-- While the box is playing, one autoplay may lead straight to the next.
-- @tparam table all from `timers.new`
-- @tparam table booking
-- @tparam number now unix seconds
function timers.set(all, booking, now)
  local play = booking.expires and expiry(booking)
    or graphs[booking.graph]:next_autoplay(booking.state, booking.times)
  -- An older entry may still be in the heap. It is skipped, since only `booking.timer` counts.
  booking.timer = nil
  if not play then return end
  local entry = { at = play.at, action = play.action, to = play.to, booking = booking }
  booking.timer = entry
  if all.playing then
    entry.at = math.max(play.at, now)
    push(all.heap, entry)
  elseif play.at > now then
    push(all.heap, entry)
  else
    all.late[#all.late + 1] = entry
  end
end

--- Makes everything that is late due at a moment.
-- @tparam table all from `timers.new`
-- @tparam number at unix seconds
function timers.wake(all, at)
  for _, entry in ipairs(all.late) do
    entry.at = at
    push(all.heap, entry)
  end
  all.late = {}
end

--- What plays next, without taking it.
-- @tparam table all from `timers.new`
-- @tparam number now unix seconds; what is late plays as soon as the clock is advanced
-- @treturn table|nil `{ at =, action =, to =, booking = }`; nil when nothing will play
function timers.next(all, now)
  while all.heap[1] and all.heap[1].booking.timer ~= all.heap[1] do pop(all.heap) end
  for _, entry in ipairs(all.late) do
    if entry.booking.timer == entry then
      return { at = now, action = entry.action, to = entry.to, booking = entry.booking }
    end
  end
  return all.heap[1]
end

--- Takes the next timer that is due.
-- @tparam table all from `timers.new`
-- @tparam number now unix seconds
-- @treturn table|nil `{ at =, action =, to =, booking = }`; `action` is nil for a reservation that expires
function timers.due(all, now)
  while all.heap[1] and all.heap[1].at <= now do
    local entry = all.heap[1]
    pop(all.heap)
    if entry.booking.timer == entry then return entry end
  end
  return nil
end

return timers
