-- A game's booking screen, with a button for each action that is possible. No frame waits. The sandbox is Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }
local screen = { rows = {}, text = "loading" }
-- Runs in the background: every method in it lets the frames go on.
local function load()
  local page, err = tk:bookings_page { limit = 20 }
  if not page then screen.text = tostring(err) return end
  screen.rows, screen.text = {}, #page.data .. " bookings"
  for index, booking in ipairs(page.data) do
    local handle = tk:booking(booking)
    screen.rows[index] = { handle = handle, buttons = handle:actions() }   -- the graph knows them: nothing is sent
  end
end

local function press(row, action)
  row.buttons = {}                                     -- until the answer is there
  row.handle:start(action):on_done(function(booking, err)
    screen.text = booking and booking.state or tostring(err)
    row.buttons = row.handle:actions() or {}
  end)
end

local function draw() return screen.text, table.concat(screen.rows[1] and screen.rows[1].buttons or {}, " ") end
local function frames() while tk:update() > 0 do draw() end end       -- a game: one tk:update() in each frame

tk:start(function()
  tk:create_booking { graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }
  load()
end)
frames()
print(draw())
press(screen.rows[1], "confirm")
frames()
print(draw())

-- It prints:
-- 1 bookings	confirm decline
-- confirmed	cancel cancel_by_customer reschedule_by_customer complete
