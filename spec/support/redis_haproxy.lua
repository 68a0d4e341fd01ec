--- What the spec of Redis in HAProxy has it load: services that ask a Redis, add to a queue and work on it.
local host = rawget(_G, "core")

local core = require "timekit.core"
local redis_many = require "spec.support.redis_many"
local timekit = require "timekit"

local ADDRESS = os.getenv "REDIS"
local tk = timekit.new { runtime = "haproxy", base_url = os.getenv "TIMEKIT_BASE_URL" }
local queue = tk:queue { redis = ADDRESS, name = "haproxy" }
local ask = redis_many.new(tk, ADDRESS)

local function serve(name, fn)
  host.register_service(name, "http", function(applet)
    local text = tostring(fn(applet.qs:match("id=([^&]+)")))
    applet:set_status(200)
    applet:start_response()
    applet:send(text)
  end)
end

local function plain(value, err)
  return core.encode(value or { kind = err.kind, message = err.message })
end

serve("many", function(id) return ask(id, 1000) end)
serve("fast", function() return "fast" end)
serve("add", function(id) return plain(queue:add(id, "confirm")) end)
serve("stats", function() return plain(queue:stats()) end)
host.register_task(function() queue:work { concurrency = 2 } end)
