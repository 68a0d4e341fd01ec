-- A game: calls go on between the frames, and no frame waits for them.
local timekit = require "timekit"
local tk = timekit.new()

local call = tk:start(function()
  local booking, err = tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
  }
  if not booking then return nil, err end
  return tk:booking(booking):confirm()
end)
call:on_done(function(booking, err)
  print(booking and booking.state or err)
end)

local FRAME = 1 / 60                           -- seconds
repeat
  local began = os.clock()
  local left = tk:update()                     -- once a frame; never waits
  while os.clock() - began < FRAME do
    -- here the game moves and draws
  end
until left == 0                                -- a game would go on, of course
tk:close()
