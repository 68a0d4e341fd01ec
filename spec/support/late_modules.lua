--- A program that does in calls, frame by frame, whatever a client can, and prints what was loaded meanwhile, a line
-- each: `late_modules.lua HOST`. HOST is `love`, which must not wait from the start on, or `game`, which is known by
-- its first update.
-- luacheck: globals love
if arg[1] == "love" then love = {} end

local core = require "timekit.core"
local timekit = require "timekit"

local SLOT = { start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

-- The sandbox is not for production, so it may be loaded when it is used.
local box = timekit.sandbox.new()
box:handle { method = "GET", target = "/v2/bookings" }

local known = {}
local function see(what)
  for name in pairs(package.loaded) do
    if not known[name] and what and not name:find("^timekit%.sandbox") then print(what .. ": " .. name) end
    known[name] = true
  end
end

-- A host knows everything before it makes a client; a game makes it on its loading screen.
if arg[1] == "love" then see() end
local tk = timekit.new { transport = box, rate = { per_second = 1000, burst = 1000 }, before = function() end }
local unreachable = timekit.new { app_key = "key", base_url = "http://127.0.0.1:1/v2", retries = 0 }
if arg[1] == "game" then
  tk:update()
  see()
end

local function frames(what, client, fn)
  local call = client:start(fn)
  repeat client:update() until call:done()
  call:result()
  see(what)
end

local function create()
  local fields = { graph = "confirm_decline", start = SLOT.start, ["end"] = SLOT["end"] }
  return (assert(tk:create_booking(fields)))
end

-- What is refused takes other ways than what is done, so some are.
local DEEDS = {
  create = create,
  action = function() assert(tk:booking(create()):confirm()) end,
  refused = function() assert(not tk:booking(create().id):action("complete")) end,
  misspelt = function() assert(not tk:booking(create()):decline { mesage = "no" }) end,
  unknown = function() assert(not tk:booking("unknown"):get()) end,
  possible = function() assert(#tk:booking(create().id):actions() == 2) end,
  meta = function() assert(tk:booking(create()):update_meta { a = "b" }) end,
  reschedule = function() assert(tk:booking(create()):reschedule(SLOT)) end,
  delete = function() tk:booking(create()):delete() end,
  list = function()
    tk:bookings { search = { state = "confirmed" } }()
    tk:group_bookings()()
    assert(tk:bookings_page())
  end,
  batch = function() tk:batch { { create().id, "confirm" } } end,
  bulk = function()
    assert(tk:create_bookings { { graph = "instant", start = SLOT.start, ["end"] = SLOT["end"] } })
    tk:update_bookings { { create().id, "confirm" } }
  end,
  reservation = function() tk:reserve(SLOT) end,
  request = function() assert(tk:request("GET", "/bookings", { query = { limit = 1 } })) end,
  links = function()
    local handle = tk:booking(create())
    handle:customer_links()
    local link = assert(handle:link "confirm")
    timekit.link.parse(link)
  end,
  webhook = function() timekit.webhook.parse "{}" end,
  wait = function()
    local handle = tk:booking(create())
    handle:next_autoplay()
    handle:wait_until("confirmed", { timeout = 0.01 })
  end,
  define = function()
    local graph = timekit.graphs.define {
      name = "walk_in", initial = "initialized", first = "arrive",
      states = { initialized = {}, present = { final = true } },
      actions = { { name = "arrive", from = "initialized", to = "present" } },
    }
    graph:check_create {}
  end,
  connect = function() tk:connect() end,
  decode = function() core.decode "[]" end,
}

for what, deed in pairs(DEEDS) do frames(what, tk, deed) end
frames("failure", unreachable, function() assert(not unreachable:booking("id"):confirm()) end)
frames("client", tk, function()
  timekit.new {
    app_key = "key", rate = { per_second = 1, redis = "redis://127.0.0.1:1" }, after = function() end,
  }:close()
  timekit.configure { app_key = "key" }
  timekit.booking "id"
end)
