--- A program that gives up a request while the name of its host is being looked up: spec/c/slow_dns.c makes that hang.
--
-- Arguments: a base URL, and how to give up: "cancel" the transfer, "close" the connection, or let the collector
-- "collect" both. It prints `{}`, starts the request, waits for a line of input, gives up, and prints how long that
-- took and the transfer's result.
local core = require "timekit.core"
local transport = require "timekit.transport.core"

local base_url, how = ...

local function say(value)
  io.write(assert(core.encode(value)), "\n")
  io.flush()
end

local connection = transport:connect { base_url = base_url, username = "", password = "test_key", headers = {} }
say {}
local transfer = connection:start { method = "PUT", target = "/bookings/b1/confirm", body = "{}", timeout = 1000 }
io.read("*l")
local pending = not transfer:done()

local began = core.now()
if how == "cancel" then transfer:cancel() end
if how == "close" then connection:close() end
local outcome = transfer:result()
if how == "collect" then
  connection, transfer = nil, nil -- luacheck: ignore 311
  collectgarbage()
  collectgarbage()
end
say {
  elapsed = core.now() - began, pending = pending,
  kind = outcome and outcome.failure.kind, sent = outcome and outcome.sent,
}
