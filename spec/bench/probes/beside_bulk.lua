--- Calls one after the other under a rate that bulk work uses up, as a program. Prints the seconds that each waited
-- before it was sent. Arguments: the Redis, Timekit's URL, how many calls, and the seconds between two.
local address, url, count, pause = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4])
local core = require "timekit.core"
local timekit = require "timekit"

local sent
local tk = timekit.new {
  app_key = "test_api_key_1", base_url = url, retries = 0, timeout = 20,
  rate = { redis = address, name = "proof", per_second = 9.8, burst = 10 },
  before = function() sent = core.now() end,
}
for _ = 1, count do
  local began = core.now()
  tk:booking("x"):get()
  print(("%.6f"):format(sent - began))
  -- Not in step with the tokens.
  core.sleep(pause * (0.5 + math.random()))
end
tk:close()
