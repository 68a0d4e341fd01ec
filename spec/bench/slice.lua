--- A slice of load, in Lua: what the peers share. The arguments and the environment are those of peers/slice.h.
local socket = require "socket"

local slice = {
  url = arg[1], protocol = arg[2],
  in_flight = tonumber(arg[3]), warmup = tonumber(arg[4]), count = tonumber(arg[5]),
  body = os.getenv("BENCH_BODY"), auth = os.getenv("BENCH_AUTH"), ca_file = os.getenv("BENCH_CA"),
}
slice.total = slice.warmup + slice.count

-- To be put before a path.
slice.host, slice.port, slice.path = slice.url:match("^https?://([^:/]+):(%d+)(/.*)$")

local began, cpu_began
local finished = 0

local function begin()
  began, cpu_began = socket.gettime(), os.clock()
end

--- A request was answered: raises unless it is with the booking that is expected.
-- @tparam table|nil booking
-- @param problem what to raise for nil
function slice.answered(booking, problem)
  if not booking then error(tostring(problem), 0) end
  if booking.state ~= "confirmed" or #booking.customers ~= 11 then error("an answer that was not expected", 0) end
  finished = finished + 1
  if finished == slice.warmup then begin() end
end

--- Prints what came of it.
function slice.report()
  local seconds, cpu = socket.gettime() - began, os.clock() - cpu_began
  if finished ~= slice.total then error(("%d requests instead of %d"):format(finished, slice.total), 0) end
  print(("%d %.6f %.6f"):format(slice.count, seconds, cpu))
end

return slice
