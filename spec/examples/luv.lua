-- luv: a coroutine waits, the loop goes on.
local uv = require "luv"
local timekit = require "timekit"
local tk = timekit.new { runtime = "luv" }

local function book(name)
  local booking, err = tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z", what = name,
  }
  if booking then booking, err = tk:booking(booking):confirm() end
  print(booking and booking.state or err)
end

for _, name in ipairs { "Haircut", "Massage" } do
  coroutine.wrap(book)(name)                   -- both at once
end
print("waiting for both")
uv.run()                                       -- ends when nothing is left to wait for
tk:close()
