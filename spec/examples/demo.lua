--- The main job, shown: bookings move through their graphs, over real HTTP.
-- Starts the sandbox as a program of its own on a free port, asks it through the C core, and stops it.
-- `make run` runs this. What it prints after `>` is the code that it runs.
local process = require "spec.support.process"
local core = require "timekit.core"
local timekit = require "timekit"

local KEY = "test_api_key_demo"
local main = [[-e 'require("timekit.sandbox.server").main()']]
local sandbox = process.start(("env PORT=0 KEY=%s UNTIL_EOF=1 %s %s"):format(KEY, arg[-1], main))
local base_url = sandbox.line and sandbox.line:match("http://%S+")
if not base_url then
  sandbox:close()
  error("the sandbox did not start", 0)
end

local tk = timekit.new { app_key = KEY, base_url = base_url }

-- Moves the sandbox's clock through its control endpoint.
local function advance(hours)
  local engine = core.engine { base_url = base_url:match("^http://[^/]+") }
  local transfer = engine:start {
    method = "POST", target = "/_sandbox/clock", body = ('{"advance":%d}'):format(hours * 3600),
    headers = { ["Content-Type"] = "application/json" },
  }
  while not transfer:done() do engine:wait(10) end
  local result = transfer:result()
  engine:close()
  assert(result.status == 200, result.text)
end

local tomorrow = os.time() + 86400
local names = {
  tk = tk, advance = advance,
  start = os.date("!%Y-%m-%dT%H:%M:%SZ", tomorrow), stop = os.date("!%Y-%m-%dT%H:%M:%SZ", tomorrow + 3600),
  marty = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
}

local function compile(code)
  if not setfenv then return assert(load(code, code, "t", names)) end
  return setfenv(assert(loadstring(code, code)), names) -- luacheck: globals setfenv loadstring
end

local function show_booking(booking, info)
  local possible = table.concat(timekit.graphs[booking.graph]:actions_in(booking.state), ", ")
  print(("    state = %q, completed = %s    (HTTP %d in %.1f ms)"):format(
    booking.state, tostring(booking.completed), info.status, info.elapsed * 1000))
  print("    possible now: " .. (possible ~= "" and possible or "nothing, the state is final"))
end

local function show_error(err)
  print("    nil, " .. tostring(err):gsub(" %(HTTP.*", ""))
  print(("    kind = %q, sent = %q%s%s"):format(err.kind, err.sent,
    err.state and (", state = %q, already = %s"):format(err.state, tostring(err.already)) or "",
    err.allowed and (", allowed = { %s }"):format(table.concat(err.allowed, ", ")) or ""))
end

-- Shows a line of code, runs it, shows what came back, and keeps it under a name.
local function run(code, name)
  print("> " .. (name and name .. " = " or "") .. code)
  local booking, info = compile("return " .. code)()
  if booking then show_booking(booking, info) elseif info then show_error(info) end
  if name then names[name] = booking end
end

local function title(text) print("\n-- " .. text) end

print("A Timekit sandbox is running on " .. base_url .. ", as a program of its own.")

title "A booking that waits to be confirmed"
run('tk:create_booking { graph = "confirm_decline", start = start, ["end"] = stop, customer = marty }', "haircut")
run 'tk:booking(haircut.id):action("confirm")'

title "One that is declined, with a message to the customer"
run('tk:create_booking { graph = "confirm_decline", start = start, ["end"] = stop, customer = marty }', "other")
run 'tk:booking(other.id):action("decline", { message = "Fully booked" })'

title "One that is paid for; every action is a method as well"
run('tk:create_booking { graph = "instant_payment", start = start, ["end"] = stop, customer = marty }', "massage")
run 'tk:booking(massage.id):pay { payment_id = "ch_123" }'

title "What is not possible: the error knows the state, and what is possible instead"
run 'tk:booking(haircut.id):action("decline")'
run 'tk:booking(other.id):action("decline")'

title "A slip is noticed before anything is sent, once the graph is known"
run 'tk:booking(massage):action("pay", { payment_ip = "ch_123" })'

title "One hour after its end a booking completes by itself; the sandbox's clock is moved on by 48 hours"
run 'advance(48)'
run 'tk:booking(haircut.id):get()'

tk:close()
sandbox:close()
print("\nThe sandbox has ended. README.md says how to go on.")
