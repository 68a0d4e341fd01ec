-- Random bulk requests to a sandbox whose answers are lost, delayed, cut off or spoilt: what is claimed of an item is
-- what the sandbox's record says of it.
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local dice = require "spec.support.dice"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local ROUNDS = 2000
local AUTHORIZATION = { authorization = "Basic OmtleQ==" }

local GRAPHS = { "confirm_decline", "confirm_decline", "instant", "instant_payment" }
local ACTIONS = { "confirm", "confirm", "decline", "cancel", "cancel_by_customer", "pay", "complete" }

-- Stands still but for what the client waits.
local clock

-- What each way of failing makes of the request and its answer. `carry_out` does what was asked and returns the answer.
local WAYS = {
  whole = function(carry_out) return carry_out() end,
  lost_before = function() return scripted.failure("network", "maybe") end,
  lost_after = function(carry_out)
    carry_out()
    return scripted.failure("network", "maybe")
  end,
  late = function(carry_out, world)
    world.late = carry_out
    return scripted.failure("timeout", "maybe")
  end,
  cut_off = function(carry_out)
    local answer = carry_out()
    return scripted.failure("response", "yes", answer.status, answer.body:sub(1, -7))
  end,
  unsent = function() return scripted.failure("network", "no") end,
  limited = function() return scripted.answer(503, '{"error":"slow down"}') end,
  too_many = function() return scripted.answer(429) end,
  unauthorized = function() return scripted.answer(401) end,
  gateway_before = function() return scripted.answer(502, "<html>") end,
  gateway_after = function(carry_out)
    carry_out()
    return scripted.answer(504, "<html>")
  end,
}

-- The server carries out the first items, and then refuses the whole.
local function refused_halfway(carry_out, world)
  carry_out(world.dice:integer(0, world.count - 1))
  return scripted.answer(world.dice:pick { 400, 403, 422 }, '{"error":"Something is wrong with one of them"}')
end

local SPOILT = { core.null, false, "ok", 7, core.array {}, { state = core.null }, { error = "" }, { success = true } }

local function one_of(entries, random)
  return entries[random:integer(1, #entries)]
end

-- What an answer may become that is not as documented, each by what it does to the entries.
local SPOIL = {
  function(entries, random) entries[random:integer(1, #entries)] = random:pick(SPOILT) end,
  function(entries, random) table.remove(entries, random:integer(1, #entries)) end,
  function(entries, random) table.insert(entries, one_of(entries, random)) end,
  function(entries, random)
    local one, other = random:integer(1, #entries), random:integer(1, #entries)
    entries[one], entries[other] = entries[other], entries[one]
  end,
  function(entries, random)
    local entry = one_of(entries, random)
    entry.state, entry.error = entry.state or "confirmed", entry.error or "no"
    if random:chance(0.5) then entry.status = nil end
  end,
  function(entries, random)
    local entry = one_of(entries, random)
    if entry.error or entry.errors then entry.status = random:pick { 200, "422" } end
  end,
  -- The item may have taken effect nevertheless.
  function(entries, random)
    entries[random:integer(1, #entries)] = { status = random:pick { 500, 502, 503 }, error = "Sorry" }
  end,
}

local function spoilt(carry_out, world)
  local answer = carry_out()
  local value = core.decode(answer.body)
  if type(value.data) ~= "table" then return answer end
  local entries = value.data
  world.dice:pick(SPOIL)(entries, world.dice)
  value = world.dice:weighted {
    { 6, { data = core.array(entries) } }, { 1, { bookings = core.array(entries) } },
    { 1, { data = { bookings = core.array(entries) } } }, { 1, { results = core.array(entries) } },
  }
  return scripted.answer(answer.status, core.encode(value))
end

local NAMES = {}
for name in pairs(WAYS) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)

-- A sandbox behind a bad network. `undoes`: one failure takes all back, so that the server refuses nothing halfway.
local function new_world(random, count, undoes)
  local world = { dice = random, count = count, box = timekit.sandbox.new { now = 1893456000 } }
  function world.ask(request, body)
    local reply = world.box:handle {
      method = request.method, target = "/v2" .. request.target, headers = AUTHORIZATION, body = body or request.body,
    }
    return scripted.answer(reply.status, reply.body)
  end
  world.transport = scripted.new(function(request)
    local way = WAYS.whole
    if request.method == "GET" then
      if random:chance(0.15) then way = WAYS[random:pick(NAMES)] end
      if way == WAYS.late then way = WAYS.lost_before end
    else
      way = random:weighted {
        { 2, WAYS.whole }, { 2, spoilt }, { 2, WAYS[random:pick(NAMES)] },
        { undoes and 0 or 1, refused_halfway },
      }
    end
    local outcome = way(function(first)
      if not first then return world.ask(request) end
      local asked = core.decode(request.body)
      for index = #asked.bookings, first + 1, -1 do asked.bookings[index] = nil end
      if first == 0 then return end
      return world.ask(request, core.encode(asked))
    end, world)
    -- What is late may arrive after some bookings were read.
    if world.late and request.method == "GET" and random:chance(0.3) then world.arrive() end
    return outcome
  end)
  local connect = world.transport.connect
  -- Without a transfer to wait for, all that happens is that time goes by.
  function world.transport.connect(...)
    local connection = connect(...)
    local wait = connection.wait
    function connection.wait(self, seconds)
      if #self.transfers == 0 then clock:advance(seconds) end
      wait(self, seconds)
    end
    return connection
  end
  function world.arrive()
    local late = world.late
    world.late = nil
    if late then late() end
  end
  return world
end

local function new_client(world)
  return timekit.new {
    app_key = "key", transport = world.transport, retries = world.dice:integer(0, 2), timeout = 20,
    uncertain = world.dice:chance(0.9) and "reconcile" or "report",
  }
end

-- Nothing is known of these; any other error says that the item was not done.
local function is_doubt(err)
  return err.kind == "uncertain" or err.kind == "cancelled" and err.sent ~= "no"
end

-- id → action → how often it was applied by a request, and id → state.
local function record_of(box)
  local record = {}
  for _, booking in ipairs(box:bookings()) do
    local applied = { state = booking.state }
    for _, step in ipairs(booking.history) do
      if step.by == "api" and step.action then applied[step.action] = (applied[step.action] or 0) + 1 end
    end
    record[booking.id] = applied
  end
  return record
end

-- What is claimed of all items that are the same action on the same booking.
local function claims_of(items, results)
  local groups = {}
  for index, item in ipairs(items) do
    local key = item[1] .. " " .. item[2]
    local group = groups[key] or { id = item[1], action = item[2], count = 0, done = 0, failed = 0 }
    groups[key] = group
    local booking, info = results[index][1], results[index][2]
    group.count = group.count + 1
    if booking then
      assert.equal(item[1], booking.id)
      group.done = group.done + 1
      if info.reconciled then group.state_read = booking.state end
    elseif not is_doubt(info) then
      group.failed = group.failed + 1
    end
  end
  return groups
end

local function check_updates(items, results, before, after, undoes)
  local done = 0
  for _, group in pairs(claims_of(items, results)) do
    local old, new = before[group.id] or {}, after[group.id] or {}
    local applied = (new[group.action] or 0) - (old[group.action] or 0)
    -- A booking that was in that state before cannot be told from one that was brought there.
    local possible = applied
    if group.state_read and group.state_read == old.state then possible = applied + 1 end
    assert(group.done <= possible, ("claimed: %s of %s"):format(group.action, group.id))
    assert(group.failed <= group.count - applied, ("not claimed: %s of %s"):format(group.action, group.id))
    done = done + group.done
  end
  if undoes then assert(done == 0 or done == #items, "claimed for some where all are put back") end
  return done
end

local function update_round(random)
  local count, undoes = random:integer(1, 5), random:chance(0.3)
  local world = new_world(random, count, undoes)
  local setup = timekit.new { app_key = "key", transport = world.box }
  local ids = {}
  for _ = 1, random:integer(1, 4) do
    local booking = assert(setup:create_booking {
      graph = random:pick(GRAPHS), start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    })
    ids[#ids + 1] = booking.id
    if random:chance(0.3) then setup:booking(booking):action(random:pick(ACTIONS)) end
  end
  setup:close()
  local items = {}
  for index = 1, count do
    items[index] = { random:chance(0.1) and "nobody" or random:pick(ids), random:pick(ACTIONS) }
  end
  local before = record_of(world.box)
  local tk = new_client(world)
  local results, err = tk:update_bookings(items, {
    reset_all_on_error = undoes or nil, stop_on_first_error = random:chance(0.3) or nil,
  })
  world.arrive()
  tk:close()
  local after = record_of(world.box)
  if results then return check_updates(items, results, before, after, undoes) end
  assert.is_false(is_doubt(err))
  assert.same(before, after)
  return 0
end

local function create_round(random)
  local count, undoes = random:integer(1, 4), random:chance(0.3)
  local world = new_world(random, count, undoes)
  local list = {}
  for index = 1, count do
    list[index] = {
      graph = random:chance(0.2) and "no_such_graph" or random:pick(GRAPHS),
      start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }
  end
  local tk = new_client(world)
  local results, err = tk:create_bookings(list, {
    delete_all_on_error = undoes or nil, stop_on_first_error = random:chance(0.3) or nil,
  })
  world.arrive()
  tk:close()
  local created, done, failed = record_of(world.box), 0, 0
  local total = #world.box:bookings()
  for _, result in ipairs(results or {}) do
    if result[1] then
      done = done + 1
      assert(created[result[1].id], "claimed, but not there")
    elseif not is_doubt(result[2]) then
      failed = failed + 1
    end
  end
  if not results and not is_doubt(err) then failed = count end
  assert(failed <= count - total, "claimed to have failed, but there")
  if undoes then assert(done == 0 or done == count, "claimed for some where all are deleted") end
  return done
end

describe("what is claimed of a bulk request is true", function()
  setup(function() clock = clocks.install() end)
  teardown(function() clock:remove() end)

  for name, round in pairs { update_bookings = update_round, create_bookings = create_round } do
    it("of " .. name, function()
      local done = 0
      for number = 1, ROUNDS do
        local well, found = pcall(round, dice.new("bulk", name, number))
        if not well then error(("round %d: %s"):format(number, tostring(found)), 0) end
        done = done + found
      end
      -- The rounds prove nothing if nothing is ever done.
      assert(done > ROUNDS / 4, done)
    end)
  end
end)
