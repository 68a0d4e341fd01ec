-- The examples in the documentation of the public face run, and give what they say. Every function has one.
local core = require "timekit.core"
local redis = require "spec.support.redis"
local shell = require "spec.support.shell"
local timekit = require "timekit"

local loadstring = loadstring or load -- luacheck: ignore 113
local NOW = 1893456000 -- 2030-01-01T00:00:00Z
local KEY = "test_api_key_1"

local function nothing() end

-- What LDoc reads out of the comments: a list of `{ name, code }`.
local function examples()
  local path = os.tmpname()
  shell.must(("root=$PWD && cd spec/project/face && LUA_PATH=\"$root/?.lua;;\" FACE=spec.project.docs.examples INTO=%s "
    .. "lua5.4 /usr/bin/ldoc --config config.ld --filter spec.project.face.read.run ."):format(path))
  local list = dofile(path)
  os.remove(path)
  return list
end

local function new_booking(graph)
  return {
    graph = graph or "confirm_decline", start = "2030-01-01T10:00:00Z", ["end"] = "2030-01-01T11:00:00Z",
    customer = { name = "Marty McFly", email = "marty@example.com" },
  }
end

-- The names that examples take for granted: a client, bookings, and the reader's own program.
local function surroundings(printed)
  local box = timekit.sandbox.new { now = NOW }
  local tk = timekit.new { transport = box, app_key = KEY }
  timekit.configure { transport = box, app_key = KEY }
  local function make() return assert(tk:create_booking(new_booking())).id end
  -- Nothing goes out to the network.
  local inside = setmetatable({ new = function(options)
    options.transport = options.transport or box
    return timekit.new(options)
  end }, { __index = timekit })
  local env = {
    timekit = inside, tk = tk, box = box, key = KEY, app_key = KEY, secret = "s3cr3t", resource_id = "resource-1",
    id = make(), id_1 = make(), id_2 = make(), first_id = make(), second_id = make(),
    start = "2030-01-02T10:00:00Z", stop = "2030-01-02T11:00:00Z", monday = new_booking(), tuesday = new_booking(),
    draw_frame = nothing, before_each = function(fn) fn() end, my_handler = nothing, my_own_http = nothing,
    my_code_that_confirms = function(client, id) assert(client:booking(id):confirm()) end,
    my_code_that_books = function() assert(tk:create_booking(new_booking "instant")) end,
    my_post = function() return 204 end,
    time = require "timekit.text.time", core = core, loop = {},
    uv = { new_poll = function(fd)
      assert(type(fd) == "number")
      return { start = nothing }
    end },
    timer = { start = nothing },
    print = function(...)
      local texts = {}
      for index = 1, select("#", ...) do texts[index] = tostring((select(index, ...))) end
      printed[#printed + 1] = table.concat(texts, "\t")
    end,
  }
  env.body = core.encode {
    id = env.id, graph = "confirm_decline", state = "tentative", customers = { { name = "Marty McFly" } },
  }
  env.headers = { ["x-timekit-signature"] = "" }
  env.url = assert(tk:booking(env.id):link("confirm"))
  return setmetatable(env, { __index = _G })
end

-- What some examples need besides.
local PREPARE = {}

local function hold(env) env.held = assert(env.tk:reserve { start = env.start, ["end"] = env.stop }) end
PREPARE["Client:extend_reservation"] = hold

-- A sandbox has no descriptor.
local function over_sockets(env) env.tk = timekit.new { app_key = KEY, base_url = "http://127.0.0.1:1/v2" } end
PREPARE["Client:fd"], PREPARE["Client:timeout"] = over_sockets, over_sockets

local function call(env) env.call = env.tk:booking(env.id):start("confirm") end
PREPARE["Call:done"], PREPARE["Call:result"], PREPARE["Call:cancel"] = call, call, call

PREPARE["Client:group_booking"] = function(env)
  local fields = new_booking "group_owner"
  fields.settings = { max_seats = 3 }
  env.id = assert(env.tk:create_booking(fields)).id
end
PREPARE["Client:group_bookings"] = PREPARE["Client:group_booking"]
PREPARE["Client:request"] = function(env)
  env.box:fault { match = "GET /v2/resources", what = "status", status = 200, body = '{"data":[],"total":0}' }
end
PREPARE["Box:requests"] = function(env) assert(env.tk:booking(env.id):confirm()) end
PREPARE["Box:bookings"] = PREPARE["Box:requests"]
PREPARE["Box:webhooks"] = function(env)
  env.box:webhook { url = "http://127.0.0.1:9000/hook", secret = "s3cr3t", graph = "instant", state = "confirmed" }
  env.my_code_that_books()
end
PREPARE["Box:deliveries"], PREPARE["Box:take_deliveries"] = PREPARE["Box:webhooks"], PREPARE["Box:webhooks"]
PREPARE["Booking:delete"] = function(env) assert(env.tk:booking(env.id):decline()) end
PREPARE["Booking:wait_until"] = PREPARE["Booking:delete"]

-- A queue that nobody works off, with a job in it. Nothing goes out but to its Redis.
local function queue(env)
  env.redis = redis.start()
  over_sockets(env)
  env.queue = env.tk:queue { redis = env.redis.address }
  env.job, env.is_stopping = assert(env.queue:add(env.id, "confirm")), true
end
for _, name in ipairs { "add", "work", "get", "cancel", "dead", "resolve", "stats" } do
  PREPARE["Queue:" .. name] = queue
end
PREPARE["Client:queue"] = over_sockets

-- An expression with `--> VALUES` behind or below it becomes a comparison, a line that prints has to print that.
local function with_expectations(code, expected)
  code = code:gsub("\n%s*(%-%->)", " %1")
  return (code:gsub("([^\n]*%S)%s*%-%->%s*([^\n]*)", function(line, values)
    if line:find("^%s*print%(") then
      expected[#expected + 1] = values
      return line
    elseif line:find("^%s*%l+ ") and not line:find("^%s*require") then
      return line
    end
    return ("expect({ %s }, { %s })"):format(line, values)
  end))
end

local function run(example)
  local printed, expected = {}, {}
  local env = surroundings(printed)
  local name = example.name
  if PREPARE[name] then PREPARE[name](env) end
  env.expect = function(got, wanted) assert.same(wanted, got) end
  local chunk = assert(loadstring(with_expectations(example.code, expected), "=" .. name))
  if setfenv then setfenv(chunk, env) -- luacheck: ignore 113
  else debug.setupvalue(chunk, 1, env) end
  local wrong = {}
  chunk()
  if not env.tk.closed then env.tk:close() end
  if env.redis then env.redis:close() end
  local output = table.concat(printed, "\n"):gsub("%s+", " ")
  for _, text in ipairs(expected) do
    if not output:find(text:gsub("%s+", " "), 1, true) then wrong[#wrong + 1] = text end
  end
  assert.same({}, wrong, output)
end

-- Contracts that others keep: the example is the module's, a whole one.
local function is_contract(name)
  return name:find("^timekit%.runtime%.reference%.") or name:find("^%l+:")
end

describe("the example of", function()
  local list = examples()

  for index, example in ipairs(list) do
    -- What is for a shell runs in the specs of the served sandbox.
    local is_shell = example.code and example.code:find("^PORT=")
    if example.code and not is_shell then
      it(("%s runs (%d)"):format(example.name, index), function() run(example) end)
    end
  end

  it("each function is there", function()
    local missing = {}
    for _, example in ipairs(list) do
      if not example.code and not is_contract(example.name) then missing[#missing + 1] = example.name end
    end
    assert.same({}, missing)
    assert.is_true(#list > 80)
  end)
end)
