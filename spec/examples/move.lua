-- Moves a booking to another hour. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }
local booking = assert(tk:create_booking {
  graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
})

local function move(id, start, stop)
  local moved, err = tk:booking(id):reschedule { start = start, ["end"] = stop, message = "We open later." }
  if moved then return moved.id, "moved" end           -- Timekit may have made a new booking: use its id from now on
  if err.fields then                                   -- nothing was sent, or Timekit named the fields
    local name, texts = next(err.fields)
    return id, name .. ": " .. texts[1]
  end
  return id, err.kind
end

local id, outcome = move(booking.id, "2030-03-01T10:00:00Z", "2030-03-01T09:00:00Z")
print(outcome)
id, outcome = move(id, "2030-03-01T10:00:00Z", "2030-03-01T11:00:00Z")
print(outcome)
local event = assert(tk:booking(id):get { include = "attributes" }).attributes.event_info
print(event.start, event["end"])
tk:close()

-- It prints:
-- end: expected a time after start
-- moved
-- 2030-03-01T10:00:00Z	2030-03-01T11:00:00Z
