--- A program: what calls in flight take, while the server holds their answers. `lua held.lua URL HELD_URL CALLS` prints
-- the bytes that are resident more than before they were started.
local actions = require "spec.bench.actions"
local process_memory = require "spec.bench.process_memory"
local socket = require "socket"

local URL, HELD_URL, CALLS = arg[1], arg[2], tonumber(arg[3])
-- Seconds within which all requests have reached the server.
local PATIENCE = 4

local function server_holds()
  local host, port = HELD_URL:match("^http://([^:/]+):(%d+)/")
  local connection = assert(socket.connect(host, port))
  assert(connection:send("GET /held_now HTTP/1.0\r\n\r\n"))
  local answer = assert(connection:receive("*a"))
  connection:close()
  return tonumber(answer:match("\r\n\r\n(%d+)"))
end

local function succeeded(booking, info) assert(booking, info) end

local before = actions.client { base_url = URL }
actions.one_after_the_other(before, 1000, succeeded)
actions.many_at_once(before, 16, 1000, succeeded)
before:close()
assert(server_holds() == 0)

local tk = actions.client { base_url = HELD_URL }
local calls = {}
local without = process_memory.resident()
for index = 1, CALLS do calls[index] = actions.start(tk) end
local until_ = socket.gettime() + PATIENCE
repeat
  assert(tk:update(0.05) == CALLS, "a call is over already")
  assert(socket.gettime() < until_, "not all requests reach the server")
until server_holds() == CALLS
print(process_memory.resident() - without)
while tk:update(1) > 0 do end
for _, call in ipairs(calls) do succeeded(call:result()) end
tk:close()
