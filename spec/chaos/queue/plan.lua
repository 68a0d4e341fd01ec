--- What is done in a round of the queue's chaos: bookings, jobs, and what happens to those who carry them out. All of
-- it is decided by the seed and the round's number alone.
local dice = require "spec.support.dice"
local graphs = require "spec.chaos.graphs"

local plan = {}

-- The known graphs, whose jobs end without a person, and two with actions that cannot be repeated.
local GRAPHS = {
  { 3, "confirm_decline" }, { 2, "instant" }, { 2, "instant_payment" }, { 1, "group_owner" }, { 2, "lamp" },
}
local CUSTOM = { lamp = true }

local BOOKINGS, PRODUCERS, WORKERS = 300, 3, 4

-- Jobs of one booking, wrong ones included.
local LONGEST_WALK = 10

local FAULTS = {
  { 6, function() return { what = "close" } end },
  { 3, function() return { what = "truncate" } end },
  { 2, function() return { what = "garbage" } end },
  { 2, function(own) return { what = "status", status = own:pick { 500, 502, 504 }, body = "" } end },
  { 2, function() return { what = "status", status = 503, body = '{"error":"Too many requests"}' } end },
  { 1, function() return { what = "status", status = 429, when = "before" } end },
  { 1, function(own) return { what = "late", after_requests = own:integer(1, 6) } end },
}

local function draw_faults(own)
  local list = {}
  for index = 1, own:integer(2, 8) do
    local fault = own:weighted(FAULTS)(own)
    fault.match = own:pick { "PUT /v2/bookings/*/*", "PUT /v2/bookings/*/*", "GET /v2/bookings/*" }
    if fault.what == "late" then fault.match = "PUT /v2/bookings/*/*"
    else fault.when = fault.when or own:pick { "before", "after" }
    end
    list[index] = fault
  end
  return list
end

local EVENTS = {
  { 3, function() return { what = "kill redis" } end },
  { 4, function(own) return { what = "kill worker", which = own:integer(1, WORKERS) } end },
  { 2, function(own) return { what = "stop worker", which = own:integer(1, WORKERS) } end },
  { 3, function(own) return { what = "kill producer", which = own:integer(1, PRODUCERS) } end },
  { 4, function(own) return { what = "faults", faults = draw_faults(own) } end },
  { 1, function(own) return { what = "clock", by = own:pick { -5, 3, 20 } } end },
}

-- Actions for one booking that are possible one after the other; now and then one that is not.
local function draw_walk(own, name)
  local rules = graphs.all[name]
  local state, walk = rules:next_state(rules.initial, rules.first), {}
  for _ = 1, own:integer(1, LONGEST_WALK / 2) do
    local possible = rules:actions_in(state)
    if #possible == 0 then break end
    if own:chance(0.04) then walk[#walk + 1] = { action = "explode", is_wrong = true } end
    local action = own:pick(possible)
    walk[#walk + 1] = { action = action }
    state = rules:next_state(state, action)
  end
  return walk
end

local function add_job(own, round, index, place, step)
  round.count = round.count + 1
  table.insert(round.jobs[index % PRODUCERS + 1], {
    id = ("%d.%d.%d"):format(round.number, index, place), booking = index, place = place, action = step.action,
    is_wrong = step.is_wrong, is_custom = CUSTOM[round.bookings[index].graph],
    priority = own:chance(0.2) and "bulk" or nil,
  })
end

--- A round.
-- @tparam number seed
-- @tparam number number
-- @treturn table `bookings` (`graph`), `jobs` (a list for each producer: `id`, `booking`: an index, `place`: its place
--   among the booking's, `action`, `is_wrong`, `is_custom`, `priority`), `events`, `workers`, `count` (of jobs)
function plan.round(seed, number)
  local own = dice.new(seed, "queue", number)
  local round = { seed = seed, number = number, bookings = {}, jobs = {}, events = {}, workers = WORKERS, count = 0 }
  local walks = {}
  for producer = 1, PRODUCERS do round.jobs[producer] = {} end
  for index = 1, BOOKINGS do
    local graph = own:weighted(GRAPHS)
    round.bookings[index] = { graph = graph, path = {} }
    walks[index] = draw_walk(own, graph)
  end
  -- The jobs of every other booking are added one after the other, so that they wait for each other.
  for index, walk in ipairs(walks) do
    if index % 2 == 0 then
      for place, step in ipairs(walk) do add_job(own, round, index, place, step) end
    end
  end
  for place = 1, LONGEST_WALK do
    for index = 1, BOOKINGS, 2 do
      if walks[index][place] then add_job(own, round, index, place, walks[index][place]) end
    end
  end
  for index = 1, 30 do round.events[index] = own:weighted(EVENTS)(own) end
  round.cut_rate, round.redis_cut_rate = own:pick { 0, 0.3, 0.6 }, own:pick { 0, 0.3, 0.6 }
  return round
end

return plan
