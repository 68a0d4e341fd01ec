--- A program whose finalizers release a transfer while it is read, and close an engine while it is used. Prints `fine`.
-- It is a process of its own because the suite's heap is too large to be collected all the time.
local core = require "timekit.core"
local pace = require "spec.support.pace"
local socket = require "socket"

local ROUNDS = 30

local HEADERS = {}
for number = 1, 40 do HEADERS[number] = ("X-Name-%d: %s\r\n"):format(number, ("v"):rep(100)) end

local BODY = '{"a":[' .. ('{"k":"some longer text"},'):rep(300) .. "1]}"

local listener = assert(socket.bind("127.0.0.1", 0))
listener:settimeout(5)
local _, port = listener:getsockname()
local engine = core.engine { base_url = "http://127.0.0.1:" .. port }

local function finalized_by(fn)
  local newproxy = _VERSION == "Lua 5.1" and rawget(_G, "newproxy")
  if newproxy then
    getmetatable(newproxy(true)).__gc = fn
  else
    setmetatable({}, { __gc = fn })
  end
end

local function fetch(body)
  local transfer = engine:start { method = "GET", target = "/x" }
  local peer = assert(listener:accept())
  peer:send("HTTP/1.1 200 OK\r\nConnection: close\r\n" .. table.concat(HEADERS)
    .. ("Content-Length: %d\r\n\r\n%s"):format(#body, body))
  peer:close()
  while not transfer:done() do engine:wait(1) end
  return transfer
end

local function expect(wanted, found)
  if found ~= wanted then error(("expected %s, got %s"):format(tostring(wanted), tostring(found)), 2) end
end

-- What a method of the transfer returns while a finalizer releases it; nothing if the release came first.
local function read_while_released(body, read)
  local transfer, others = fetch(body), {} -- luacheck: ignore 241
  collectgarbage("stop")
  finalized_by(function()
    transfer:release()
    -- A read of memory that was freed would find these.
    for size = 10, 15 do others[size] = ("z"):rep(2 ^ size - 64) .. size end
  end)
  collectgarbage("restart")
  local well, value, problem = pcall(read, transfer)
  if well then return value, problem end
  expect(true, value:find("attempt to use a released transfer", 1, true) ~= nil)
end

pace(0, 1000000)

for _ = 1, ROUNDS do
  local value, problem = read_while_released(BODY, function(transfer) return transfer:decode() end)
  if value ~= nil or problem then expect(301, value and #value.a) end

  value, problem = read_while_released(BODY .. "x", function(transfer) return transfer:decode() end)
  expect(nil, value)
  if problem then expect(true, problem:find("at character " .. #BODY + 1, 1, true) ~= nil) end

  local headers = read_while_released(BODY, function(transfer) return transfer.headers end)
  for number = 1, headers and 40 or 0 do expect(("v"):rep(100), headers["x-name-" .. number]) end

  expect(BODY, read_while_released(BODY, function(transfer) return transfer.body end) or BODY)

  local one, two = read_while_released(BODY, function(transfer) return transfer:header("x-name-1", "x-name-40") end)
  expect(("v"):rep(200), one and one .. two or ("v"):rep(200))

  collectgarbage("stop")
  local other = core.engine { base_url = "http://127.0.0.1:9" }
  finalized_by(function() other:close() end)
  collectgarbage("restart")
  local well, trouble = pcall(other.start, other, { method = "GET", target = "/x", headers = { a = "b", c = "d" } })
  expect(true, well or trouble:find("attempt to use a closed engine", 1, true) ~= nil)
end

print "fine"
