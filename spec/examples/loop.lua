-- A loop over bookings whose error keeps its text on every host.
local timekit = require "timekit"
local tk = timekit.new()

local function show_open()
  for booking in tk:bookings { search = { state = "tentative", ["customer.name"] = arg and arg[1] } } do
    print(booking.id)
  end
end

-- The loop raises a table. Where nothing catches it, Lua 5.1 and nginx's log would show no text; they do for a string.
local ok, err = pcall(show_open)
if not ok then error(tostring(err), 0) end
print("that is all")
tk:close()
