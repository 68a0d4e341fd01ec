-- A nightly job: declines every booking that nobody has confirmed, and tells what is left to do. Running it again is
-- safe. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new(), rate = { per_second = 10 }, timeout = 120 }

for _ = 1, 3 do
  assert(tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
  })
end

local declined, gone, open = 0, 0, {}
-- The loop raises where a page cannot be read: a list that just ended would look complete.
local complete, problem = pcall(function()
  for booking in tk:bookings { search = { graph = "confirm_decline", state = "tentative" }, limit = 100 } do
    local done, err = tk:booking(booking):decline { message = "Nobody was free" }
    if done then declined = declined + 1
    elseif err.kind == "transition" then gone = gone + 1     -- somebody acted on it meanwhile
    else open[#open + 1] = booking.id .. ": " .. tostring(err)
    end
  end
end)
tk:close()

print(declined, gone, #open, complete)
for _, line in ipairs(open) do io.stderr:write(line, "\n") end
if not complete then io.stderr:write(tostring(problem), "\n") end
os.exit(complete and #open == 0 and 0 or 1)

-- It prints:
-- 3	0	0	true
