--- A link to a Redis without a client: what waits for it, and asks it.
local address = require "timekit.redis.address"
local links = require "timekit.redis.link"
local pumps = require "timekit.runtime.pump"
local transport = require "timekit.transport.core"

local redis_link = {}

--- @tparam string where a Redis's address
-- @tparam ?string runtime its name
-- @tparam ?table options of the stream
-- @treturn table `link`, `host` (`runtime` and `pump`), `ask` (function), `close` (function)
function redis_link.open(where, runtime, options)
  local pump = pumps.new(transport:connect { base_url = "http://127.0.0.1:1", username = "", password = "" })
  local at = assert(address.parse(where))
  for name, value in pairs(options or {}) do at[name] = value end
  local link = links.attach(pump, at)
  local host = { runtime = require("timekit.runtime." .. (runtime or "blocking")), pump = pump }
  return {
    link = link, host = host,
    ask = function(args, seconds) return link:ask(host, args, seconds or 20) end,
    close = function() pump:close() end,
  }
end

return redis_link
