-- cqueues: a coroutine of the controller waits, the others go on.
local cqueues = require "cqueues"
local timekit = require "timekit"
local tk = timekit.new { runtime = "cqueues" }

local queue, done = cqueues.new(), 0
for _, name in ipairs { "Haircut", "Massage" } do
  queue:wrap(function()
    local booking, err = tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z", what = name,
    }
    if booking then booking, err = tk:booking(booking):confirm() end
    print(booking and booking.state or err)
    done = done + 1
  end)
end
queue:wrap(function()
  print("waiting for both")
  while done < 2 do cqueues.sleep(0.01) end    -- or whatever else your program does
end)
assert(queue:loop())                           -- ends when all coroutines have
tk:close()
