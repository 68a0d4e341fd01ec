--- Performs one writer's share of a round.
local plan = require "spec.chaos.plan"
local world = require "spec.chaos.world"
local new_writer = require "spec.chaos.writer".new

local session = {}

-- The requests that a planned fault applies to.
local function target_of(on, operation, id)
  if operation.create then return "POST /v2/bookings" end
  if on == "look" then return "GET /v2/bookings/" .. id end
  return ("PUT /v2/bookings/%s/%s"):format(id, operation.action)
end

local function plan_faults(control, operation, id)
  if #operation.faults == 0 then return end
  local list = {}
  for _, planned in ipairs(operation.faults) do
    local fault = { match = target_of(planned.on, operation, id) }
    for name, value in pairs(planned.fault) do fault[name] = value end
    list[#list + 1] = fault
  end
  control:request("POST", "/_sandbox/faults", { faults = list })
end

-- The second writer, who acts between two requests of an operation.
local function intruder_of(job, number)
  return new_writer { url = job.url .. "/v2", number = number, uncertain = "reconcile", retries = 0 }
end

local function perform(job, operation, writer, intruder)
  if operation.create then return writer:create(operation, world.fields(operation.create)) end
  local booking = job.bookings[operation.booking]
  local before
  if operation.intruder and intruder then
    local theirs = {
      marker = operation.marker .. ".intruder", action = operation.intruder.action,
      handle = "fresh", timeout = 30, faults = {},
    }
    before = function(number)
      if number == operation.intruder.before then intruder:act(theirs, booking) end
    end
  end
  return writer:act(operation, booking, before)
end

local function plan_and_perform(job, operation, writer, control)
  plan_faults(control, operation, operation.booking and job.bookings[operation.booking].id)
  return perform(job, operation, writer)
end

-- Many operations in flight, each in `client:start`; some are cancelled.
local function run_started(job, writer, control)
  local tk, watched, updates = writer.client, {}, 0

  local function update(seconds)
    local left = tk:update(seconds)
    updates = updates + 1
    for started, at in pairs(watched) do
      if started:done() or updates >= at then
        watched[started] = nil
        started:cancel()
      end
    end
    return left
  end

  for _, operation in ipairs(plan.operations(job.round, job.writer, job.limit)) do
    local started = tk:start(plan_and_perform, job, operation, writer, control)
    if operation.cancel then watched[started] = updates + operation.cancel end
    -- Mostly frames that do not wait; a wait once enough operations are in flight.
    if operation.number % 2 == 0 then update(0) end
    while update(0) >= job.round.width do update(0.05) end
  end
  while update(1) > 0 do end
end

-- As many coroutines of cqueues as the round is wide, which share one client.
local function run_in_cqueues(job, writer, control)
  local queue = require("cqueues").new()
  local operations, index = plan.operations(job.round, job.writer, job.limit), 0
  for _ = 1, job.round.width do
    queue:wrap(function()
      while index < #operations do
        index = index + 1
        plan_and_perform(job, operations[index], writer, control)
      end
    end)
  end
  assert(queue:loop())
end

local AT_ONCE = { started = run_started, cqueues = run_in_cqueues }

--- Performs the operations of a writer: one after the other, or many at once in a round of the kind `started` or
-- `cqueues`.
-- @tparam table job `round` (from `plan.round`), `bookings` (from `world:begin`), `writer` (its number), `limit`
--   (operations at most), `url` and `proxied` (of the world), and `wrap` and `distort` as for spec/chaos/writer.lua
-- @param control of the world
-- @tparam ?table proxy of the world, when this writer has it for itself
-- @treturn table the notes of all operations, the intruder's included
function session.run(job, control, proxy)
  local round = job.round
  local writer = new_writer {
    url = job.proxied .. "/v2", number = job.writer, wrap = job.wrap, distort = job.distort,
    uncertain = round.uncertain, retries = round.retries, rate = round.rate,
    runtime = round.kind == "cqueues" and "cqueues" or nil,
  }
  if AT_ONCE[round.kind] then
    AT_ONCE[round.kind](job, writer, control)
    writer:close()
    return writer.notes
  end
  local intruder = round.kind == "interleaved" and intruder_of(job, job.writer + 1)
  for _, operation in ipairs(plan.operations(round, job.writer, job.limit)) do
    plan_faults(control, operation, operation.booking and job.bookings[operation.booking].id)
    if operation.refuse and proxy then proxy:refuse(true) end
    perform(job, operation, writer, intruder)
    if operation.refuse and proxy then proxy:refuse(false) end
    if #operation.faults > 0 and proxy then control:request("DELETE", "/_sandbox/faults") end
  end
  writer:close()
  local notes = writer.notes
  if intruder then
    intruder:close()
    for _, note in ipairs(intruder.notes) do notes[#notes + 1] = note end
  end
  return notes
end

return session
