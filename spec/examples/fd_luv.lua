-- Any loop that can watch a descriptor will do; here luv's, with calls instead of coroutines.
local uv = require "luv"
local timekit = require "timekit"
local tk = timekit.new()

local call = tk:start(function()
  local booking, err = tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
  }
  if not booking then return nil, err end
  return tk:booking(booking):decline { message = "Fully booked" }
end)

local poll = uv.new_poll(tk:fd())              -- readable when there is something to do, timers included
poll:start("r", function()
  if tk:update() == 0 then poll:close() end    -- nothing is left to wait for
end)
call:on_done(function(booking, err)
  print(booking and booking.state or err)
end)
uv.run()
tk:close()
