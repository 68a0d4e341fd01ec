-- A user saw: "no complete answer within 0,5 seconds". The core's messages had the decimal point of the German locale.
local locale = require "spec.support.locale"

local CODE = [[
assert(os.setlocale("odd", "numeric"))
-- LuaJIT formats numbers without the C library.
assert(rawget(_G, "jit") or ("%g"):format(0.5) == "0,5")
local core = require "timekit.core"
local socket = require "socket"
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local engine = core.engine { base_url = "http://127.0.0.1:" .. port }
for _, timeout in ipairs { 1 / 20, 1 / 10, 3 / 40, 63 / 5000, 1 } do
  local transfer = engine:start { method = "GET", target = "/", timeout = timeout }
  while not transfer:done() do engine:wait(1) end
  print(transfer:result().text)
end
]]

it("a deadline is told with a decimal point, whatever the locale has", function()
  local expected = {}
  for index, seconds in ipairs { "0.05", "0.1", "0.075", "0.013", "1" } do
    expected[index] = ("no complete answer within %s seconds\n"):format(seconds)
  end
  assert.equal(table.concat(expected), (locale.run(",", CODE)))
end)
