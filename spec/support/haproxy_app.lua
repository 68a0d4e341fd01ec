--- What the specs of HAProxy have it load: services, fetches and a converter that use the client.
local host = rawget(_G, "core")
local early

-- Before the runtime is loaded, which can then not know what a fetch is.
host.register_fetches("early", function(txn) return early(txn.f:url_param("id")) end)

local core = require "timekit.core"
local timekit = require "timekit"

local function client(url)
  return timekit.new { runtime = "haproxy", base_url = url }
end

local tk, held = client(os.getenv "TIMEKIT_BASE_URL"), client(os.getenv "HELD_URL")

local function plain(booking, info)
  if booking then return core.encode { state = booking.state, attempts = info and info.attempts } end
  return core.encode { kind = info.kind, sent = info.sent, message = info.message }
end

local function confirm(id)
  return plain(tk:booking(id):confirm())
end

early = confirm

local SOME_ID = "11111111-2222-4333-8444-555555555555"
local told = { body = confirm(SOME_ID) }

host.register_init(function() told.init = confirm(SOME_ID) end)

host.register_task(function() told.task = plain(held:booking(SOME_ID):get()) end)

local function serve(name, fn)
  host.register_service(name, "http", function(applet)
    local text = fn(applet.qs:match("id=([^&]+)"))
    applet:set_status(200)
    applet:start_response()
    applet:send(text)
  end)
end

serve("confirm", confirm)
serve("get_held", function(id) return plain(held:booking(id):get()) end)
serve("fast", function() return "fast" end)
serve("told", function() return core.encode(told) end)
serve("timeout", function(id) return plain(held:booking(id):get { timeout = 0.2 }) end)
serve("plain_coroutine", function(id) return coroutine.wrap(confirm)(id) end)
serve("call", function(id)
  local call = tk:start(function() return tk:booking(id):confirm() end)
  while not call:done() do
    tk:update()
    host.msleep(1)
  end
  return plain(call:result())
end)

host.register_action("confirm", { "http-req" }, function(txn)
  txn:set_var("txn.told", confirm(txn.f:url_param("id")))
end)
host.register_fetches("confirm", function(txn) return confirm(txn.f:url_param("id")) end)
host.register_converters("confirm", confirm)
