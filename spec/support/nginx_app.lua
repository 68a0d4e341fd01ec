--- The client in a real nginx (LuaJIT), next to a sandbox that is served: what the specs of nginx share.
-- A spec that uses it says `setup(app.open)`, `teardown(app.close)` and `after_each(app.stop)`.
local core = require "timekit.core"
local lfs = require "lfs"
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local socket = require "socket"
local timekit = require "timekit"
local tls = require "spec.support.tls"

local app = {}

local KEY = "test_api_key_1"

local ENVIRONMENT = [[
env TIMEKIT_APP_KEY;
env TIMEKIT_BASE_URL;
env TMPDIR;
]]

-- What the locations use: `act` performs an action on the booking that the query names, `plain` turns its result into
-- an answer. `told` is where phases that cannot answer leave word.
local INIT = [[
  told = {}
  timekit = require "timekit"
  function plain(booking, info)
    local core = require "timekit.core"
    if booking then
      return core.encode { state = booking.state, id = booking.id, what = booking.what, attempts = info.attempts }
    end
    return core.encode { kind = info.kind, sent = info.sent, message = info.message, attempts = info.attempts }
  end
  function act(id, action)
    return plain(timekit.booking(id or ngx.var.arg_id):action(action or "confirm"))
  end
]]

--- A location that confirms the booking in its query.
app.CONFIRM = "location = /confirm { content_by_lua_block { ngx.print(act()) } }\n"

local tk

--- Serves the sandbox (`app.box`) and writes certificates into the folder `app.certificates`.
function app.open()
  app.box = sandbox_server.start("KEY=" .. KEY)
  tk = timekit.new { app_key = KEY, base_url = app.box.url }
  app.certificates = os.tmpname()
  os.remove(app.certificates)
  assert(lfs.mkdir(app.certificates))
  tls.write(app.certificates)
end

function app.close()
  tk:close()
  app.box:close()
  os.execute("rm -r " .. app.certificates)
end

--- Stops the nginx of a test, and empties the sandbox.
function app.stop()
  if app.running then app.running:close() end
  app.running = nil
  app.box:request("POST", "/_sandbox/reset")
end

--- Starts nginx with a configuration as it stands, as `app.running`.
function app.run(configuration, environment)
  app.running = nginx.start(configuration,
    ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s %s"):format(KEY, app.box.url, environment or ""))
end

--- Starts nginx with these locations.
-- @tparam string locations
-- @tparam ?table more `main`, `http` and `workers` as in `nginx.configuration`; `init`, Lua code for init_by_lua
-- @tparam ?string environment further variables, as a shell takes them
function app.start(locations, more, environment)
  more = more or {}
  more.main = ENVIRONMENT .. (more.main or "")
  more.http = "init_by_lua_block {" .. INIT .. (more.init or "") .. "}\n" .. (more.http or "")
  app.run(nginx.configuration(locations, more), environment)
end

--- Creates a booking that can be confirmed.
-- @treturn string its id
function app.book()
  return assert(tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
  }).id
end

function app.decode(body, status)
  assert(status == 200, body)
  return assert(core.decode(body))
end

function app.get(path)
  return app.decode(app.running:get(path))
end

--- How often each booking was confirmed, by its id.
function app.confirmed()
  local _, answer = app.box:request("GET", "/_sandbox/requests")
  local times = {}
  for _, request in ipairs(answer.data) do
    local id = request.target:match("^/v2/bookings/([^/]+)/confirm")
    if id and request.status == 200 then times[id] = (times[id] or 0) + 1 end
  end
  return times
end

--- Plans a fault of the sandbox's.
function app.fault(fault)
  assert(app.box:request("POST", "/_sandbox/faults", core.encode(fault)) == 200)
end

--- Makes the next confirms, one unless `times` says more, take so many seconds to be answered.
function app.slow_down(seconds, times)
  app.fault {
    match = "PUT /v2/bookings/*/confirm", what = "stall", when = "after", seconds = seconds, times = times or 1,
  }
end

--- Returns when a confirm has reached the sandbox, of which `slow_down` delays the answer.
function app.wait_until_under_way(id)
  repeat until app.confirmed()[id]
end

--- Confirms all bookings at once.
-- @treturn {table,…} the answers, in order
-- @treturn number seconds from the first question to the last answer
function app.confirm_all(ids)
  local began = socket.gettime()
  local asked, answers = {}, {}
  for index, id in ipairs(ids) do asked[index] = app.running:ask("/confirm?id=" .. id) end
  for index, connection in ipairs(asked) do answers[index] = app.decode(nginx.answer(connection)) end
  return answers, socket.gettime() - began
end

return app
