--- A program that uses the library while the garbage is collected in the way that its argument names. It raises if
-- anything goes another way than usual.
--
-- * "eager": without a pause; "always": everything, every few hundred instructions;
-- * "steps": a step at every allocation; "generations": by generations. Both need Lua 5.4 or newer.
--
-- It is a process of its own because a collection takes longer the more memory the process has.
local assert = require "luassert"
local collect = require "spec.support.collect"
local core = require "timekit.core"
local faults = require "spec.support.faults"
local lfs = require "lfs"
local pace = require "spec.support.pace"
local timekit = require "timekit"

local unpack = table.unpack or unpack -- luacheck: ignore 113

local KEY = "live_api_key_Zm9vYmFy"
local ROUNDS = 60

local ways = {}

function ways.eager()
  pace(0, 1000)
end

function ways.steps()
  if _VERSION > "Lua 5.4" then
    pace(0, 1000)
    collectgarbage("param", "stepsize", 1)
  else
    collectgarbage("incremental", 0, 1000, 1)
  end
end

function ways.generations()
  collectgarbage("generational")
end

-- A prime, so that each round is interrupted at another place.
function ways.always()
  debug.sethook(function() collectgarbage() end, "", 307)
end

local function descriptors()
  collect()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
  return count
end

local server = faults.start()
ways[...]()

-- ---- clients, handles, results and errors ----

local function note(number)
  return ("note %d "):format(number):rep(50)
end

local function answer(number, state)
  return ('{"data":{"id":"b%d","graph":"confirm_decline","state":"%s","note":"%s","list":[%d,{"a":[]}]}}')
    :format(number, state, note(number), number)
end

local function is_answer(booking, number, state)
  assert.same({
    id = "b" .. number, graph = "confirm_decline", state = state, note = note(number), list = { number, { a = {} } },
  }, booking)
end

-- A success, a refusal and a doubt that is resolved, and what is left of them.
local function live(number, base_url)
  local events = {}
  local tk = timekit.new {
    app_key = KEY, base_url = base_url, timeout = 20, after = function(event) events[#events + 1] = event end,
  }
  local booking = tk:booking("b" .. number)
  local left = { booking = booking, events = events }
  left.confirmed = assert(booking:confirm({ note = note(number) }, { settings = { list = core.array {} } }))
  left.nothing, left.err = tk:booking("b" .. number):decline { message = "no" }
  left.found, left.info = tk:booking("b" .. number):cancel()
  -- The other clients are left to the collector.
  if number % 3 == 0 then tk:close() end
  return left
end

local function check(number, left)
  is_answer(left.confirmed, number, "confirmed")
  assert.is_nil(left.nothing)
  assert.equal("validation", left.err.kind)
  assert.equal(("timekit: validation: refused %d (HTTP 422)"):format(number), tostring(left.err))
  is_answer(left.found, number, "cancelled")
  assert.is_true(left.info.reconciled)
  assert.equal(("timekit.booking (b%d)"):format(number), tostring(left.booking))
  assert.equal(4, #left.events)
end

local function lives()
  local steps, lefts = {}, {}
  for number = 1, ROUNDS do
    steps[#steps + 1] = { body = answer(number, "confirmed") }
    steps[#steps + 1] = { status = 422, body = ('{"error":"refused %d"}'):format(number) }
    steps[#steps + 1] = { act = number % 2 == 0 and "fin" or "truncate" }
    steps[#steps + 1] = { body = answer(number, "cancelled") }
  end
  local id = server:plan(unpack(steps))
  for number = 1, ROUNDS do
    lefts[number] = live(number, server.url.http .. "/f/" .. id)
    local old = number - 10
    if old > 0 then check(old, lefts[old]) end
    lefts[old] = nil
  end
  assert.equal(4 * ROUNDS, server:seen(id).complete)
end

-- ---- a client over TLS, and the sandbox ----

local function others()
  local box = timekit.sandbox.new { now = 1000000000 }
  for _ = 1, ROUNDS / 5 do
    local tk = timekit.new { transport = box }
    local booking = tk:booking(assert(tk:create_booking {
      graph = "confirm_decline", resource_id = "r1", what = "x", where = "y",
      start = "2027-03-01T08:00:00+00:00", ["end"] = "2027-03-01T09:00:00+00:00",
      customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
    }))
    tk = nil -- luacheck: ignore 311
    collect()
    assert.equal("confirmed", assert(booking:confirm()).state)

    local id = server:plan { body = answer(1, "confirmed") }
    tk = timekit.new { app_key = KEY, base_url = server.url.tls .. "/f/" .. id, ca_file = server.ca_file }
    is_answer(tk:booking("b1"):confirm(), 1, "confirmed")
  end
end

-- ---- what is in flight, abandoned ----

local function start(engine, step)
  local id = server:plan(step)
  return engine:start { method = "PUT", target = "/f/" .. id, body = "{}", timeout = 1000 }, id
end

local function abandoned()
  local ids = {}
  for round = 1, ROUNDS do
    local url = round % 4 == 0 and server.url.tls or server.url.http
    local engine, transfers = core.engine { base_url = url, ca_file = server.ca_file }, {}
    for index = 1, 4 do
      transfers[index], ids[#ids + 1] = start(engine, { act = index % 2 == 0 and "silent" or "drip" })
      if round % 5 > 0 then engine:wait(0.001) end
    end
    -- Every third time both are.
    if round % 3 == 0 then
      transfers = nil -- luacheck: ignore 311
      collect()
      assert.equal(0, engine:pending())
      assert.equal(200, faults.finish(engine, (start(engine, {}))).status)
    elseif round % 3 == 1 then
      engine = nil -- luacheck: ignore 311
      collect()
      for _, transfer in ipairs(transfers) do
        assert.is_true(transfer:done())
        assert.equal("closed", transfer:result().reason)
      end
    end
  end
  for _, id in ipairs(ids) do assert.is_true(server:seen(id).started <= 1) end
end

-- ---- finalizers that hold what has been finalized ----

-- A function of its own: a slot of the caller could keep the engine alive longer than its holder does.
local function hold(told)
  -- Finalizers run in the reverse order of their setting, so this one runs last.
  local last = setmetatable({}, { __gc = function(self)
    told.ok, told.problem = pcall(self.engine.step, self.engine)
    self.engine:close()
    self.transfer:cancel()
    told.done = self.transfer:done()
  end })
  last.engine = core.engine { base_url = server.url.http }
  local id
  last.transfer, id = start(last.engine, { act = "silent" })
  server:await(last.engine, id)
end

local function finalized()
  local told = {}
  hold(told)
  collect()
  assert.same({ ok = false, problem = "attempt to use a closed engine", done = true }, told)
end

for _, part in ipairs { lives, others, abandoned, _VERSION ~= "Lua 5.1" and finalized or collect } do
  local before = descriptors()
  part()
  assert.equal(before, descriptors())
end
server:close()
