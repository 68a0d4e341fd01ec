-- A user saw: a crash when a finalizer changed the table of a request that was being started.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- A program of its own, since the heap of a suite is too large to be collected all the time.
local CODE = [[
local core = require "timekit.core"
local pace = require "spec.support.pace"
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0))
local engine = core.engine { base_url = "http://127.0.0.1:" .. select(2, listener:getsockname()) }

pace(0, 1000000)

-- Starts the request while a finalizer does something.
local function start(request, fn)
  local newproxy = _VERSION == "Lua 5.1" and rawget(_G, "newproxy")
  -- From the end of a cycle on the next one begins as soon as memory is allocated, whatever the heap holds. On Lua 5.2
  -- that would be before the request is read, if there were no room for the calls until then.
  collectgarbage()
  collectgarbage("stop")
  if newproxy then getmetatable(newproxy(true)).__gc = fn else setmetatable({}, { __gc = fn }) end
  pcall(pcall, pcall, pcall, type, nil)
  collectgarbage("restart")
  return pcall(engine.start, engine, request)
end

local seen = { [true] = 0, [false] = 0 }
for _ = 1, 100 do
  local headers = { A = "1" }
  local well, message = start({ method = "GET", target = "/x", headers = headers }, function()
    for number = 1, 200 do headers["X-" .. number] = "v" end
  end)
  if not well then assert(message:find("headers: the table has grown", 1, true), message) end
  seen[well] = seen[well] + 1
end
assert(seen[false] > 0, "no finalizer ran in time")

-- A listener of its own, without the connections of the requests above.
engine:close()
listener = assert(socket.bind("127.0.0.1", 0))
engine = core.engine { base_url = "http://127.0.0.1:" .. select(2, listener:getsockname()) }
for number = 1, 30 do
  local request, others = { method = "GET", target = "/" .. ("t"):rep(1000) .. number, headers = { A = "1" } }, {}
  local well, transfer = start(request, function()
    request.target = nil
    collectgarbage()
    -- Whoever still read the memory would read these.
    for size = 900, 1100, 8 do others[size] = ("z"):rep(size) .. number end
  end)
  assert(well or transfer:find("target: expected a string", 1, true), transfer)
  if well then
    local peer = assert(listener:accept())
    peer:settimeout(0)
    local line, partial, _
    repeat
      engine:step()
      line, _, partial = peer:receive("*l", partial)
    until line
    assert(line == "GET /" .. ("t"):rep(1000) .. number .. " HTTP/1.1") -- made only now: Lua 5.1 has equal strings once
    peer:close()
    transfer:release()
  end
end
print("fine")
]]

it("a finalizer may change a request that is being started", function()
  local script = os.tmpname()
  local file = assert(io.open(script, "w"))
  file:write(CODE)
  file:close()
  local _, output = shell.run(this_lua.command .. " " .. script)
  os.remove(script)
  assert.equal("fine\n", output)
end)
