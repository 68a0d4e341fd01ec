--- What is done in a round: bookings, operations, and what goes wrong with them. All of it is decided by the seed and
-- the round's number alone, whatever happens on the way.
local dice = require "spec.support.dice"
local graphs = require "spec.chaos.graphs"

local plan = {}

-- The size of a round, and how likely a fault follows a fault. A client has a budget for retries: a short round leaves
-- some of it, a long one uses it up.
local SHORT = { bookings = 22, operations = 60, again = 0.4, stalls = true }
local LONG = { bookings = 200, operations = 500, again = 0.97, fault_rate = 1, uncertain = "reconcile", retries = 5 }

-- Timeouts, and how long a server stalls, in seconds. spec/chaos/writer.lua shortens pauses between tries, but not the
-- time that the server takes.
local PATIENT, HURRIED, HASTY, STALL = 30, 1, 0.1, 0.15

-- Where many operations are under way at once.
local AT_ONCE = { crowd = true, started = true, cqueues = true }

local USELESS = { "", '{"data":null}', "[1]", "<html><title>Bad Gateway</title></html>", '{"data":{"id":"x"}}', "{" }

-- The page of a gateway that gives up.
local PAGES = { "", "upstream timed out", "<html><title>Application error</title></html>" }

-- What can happen to a request, besides what is in `draw_fault`: weight, and a function(dice) → a fault of the sandbox.
local FAULTS = {
  { 6, function() return { what = "close" } end },
  { 3, function() return { what = "truncate" } end },
  { 2, function() return { what = "garbage" } end },
  { 1, function() return { what = "stall", seconds = STALL } end },
  { 2, function(own) return { what = "status", status = own:pick { 500, 502, 504 }, body = own:pick(USELESS) } end },
  { 2, function(own) return { what = "status", status = own:pick { 500, 502, 504 }, body = '{"error":"x"}' } end },
  { 3, function(own)
    return { what = "status", status = 503, body = '{"error":"Too many requests"}', headers = own:chance(0.3)
      and { ["retry-after"] = own:pick { "0", "1", "100" } } or nil }
  end },
  { 1, function(own) return { what = "status", status = 503, body = own:pick(PAGES) } end },
  { 1, function(own) return { what = "status", status = 200, body = own:pick(USELESS) } end },
  { 1, function() return { what = "status", status = 302, headers = { location = "/elsewhere" }, body = "" } end },
}

-- The request arrives later: behind a lost connection, or behind a gateway that gave up.
local function draw_late(own)
  local late = { what = "late", after_requests = own:integer(1, 6) }
  if own:chance(0.4) then late.status, late.body = own:pick { 502, 503, 504 }, own:pick(PAGES) end
  return late
end

local function draw_fault(own, on, round)
  if own:chance(0.1) then return { what = "status", status = 429, when = "before" } end
  if on == "action" and own:chance(0.2) then return draw_late(own) end
  local make = own:weighted(FAULTS)
  local fault = make(own)
  if fault.what == "stall" and not round.stalls then return { what = "close" } end
  -- A request that waits is dealt with later than it is noted, which spec/chaos/truth.lua cannot tell among several.
  fault.when = (fault.what ~= "stall" or round.kind == "alone") and own:pick { "before", "after" } or "after"
  return fault
end

-- The faults for the first requests of an operation, one by one, and for the reads that follow.
local function draw_faults(own, round)
  local list = {}
  for _, on in ipairs { "action", "look" } do
    local chance, left = round.fault_rate, 4
    while left > 0 and own:chance(chance) do
      list[#list + 1] = { on = on, fault = draw_fault(own, on, round) }
      chance, left = round.again, left - 1
    end
  end
  return list
end

local function action_names(rules)
  local names, known = {}, {}
  for _, action in ipairs(rules.actions) do
    if not known[action.name] then names[#names + 1] = action.name end
    known[action.name] = true
  end
  return names
end

local function inputs_of(own, rules, action)
  for _, entry in ipairs(rules.actions) do
    if entry.name == action and entry.inputs.message and own:chance(0.5) then
      -- A wrong input is refused, by the client or by the server.
      return { message = own:chance(0.1) and 5 or "Fully booked" }
    end
  end
  return own:chance(0.5) and {} or nil
end

-- Actions for one booking: a walk through its graph as if all went well, with slips and repetitions.
local function draw_walk(own, rules, state)
  local walk, names = {}, action_names(rules)
  for _ = 1, 5 do
    local possible = rules:actions_in(state)
    if #walk > 0 and #possible == 0 and own:chance(0.7) then break end
    if #walk > 0 and own:chance(0.15) then
      walk[#walk + 1] = walk[#walk]
    elseif #possible == 0 or own:chance(0.1) then
      walk[#walk + 1] = own:pick(names)
    else
      walk[#walk + 1] = own:pick(possible)
      state = rules:next_state(state, walk[#walk])
    end
  end
  return walk
end

-- The bookings of a round, and the actions that bring each to where it begins. The first offers seats.
local function draw_bookings(own, count)
  local bookings = { { graph = "group_owner", path = {}, state = "tentative" } }
  for index = 2, count do
    local name = own:pick(graphs.names)
    local rules = graphs.all[name]
    local state, path = rules:next_state(rules.initial, rules.first), {}
    for _ = 1, own:weighted { { 8, 0 }, { 2, 1 } } do
      local possible = rules:actions_in(state)
      if #possible == 0 then break end
      path[#path + 1] = own:pick(possible)
      state = rules:next_state(state, path[#path])
    end
    bookings[index] = { graph = name, path = path, state = state }
  end
  return bookings
end

local function draw_timeout(own, faults)
  for _, planned in ipairs(faults) do
    if planned.fault.what == "stall" then return HASTY end
  end
  return own:weighted { { 8, PATIENT }, { 1, HURRIED } }
end

local function draw_operation(own, round, booking)
  local operation = { faults = draw_faults(own, round) }
  operation.timeout = draw_timeout(own, operation.faults)
  operation.refuse = not AT_ONCE[round.kind] and own:chance(0.02) or nil
  -- After so many updates, if it is not over by then.
  operation.cancel = round.kind == "started" and own:chance(0.08) and own:integer(0, 12) or nil
  if not booking then
    operation.create = own:pick { "instant", "confirm_decline", "instant_payment", "lamp" }
    return operation
  end
  operation.handle = own:pick { "fresh", "kept", "seen" }
  if round.kind == "interleaved" and own:chance(0.6) then
    operation.intruder = { before = own:weighted { { 1, 1 }, { 3, 2 }, { 2, 3 }, { 1, 4 } } }
  end
  return operation
end

local KINDS = { { 5, "alone" }, { 3, "interleaved" }, { 2, "crowd" }, { 2, "started" }, { 2, "cqueues" } }

--- A round.
-- @tparam number seed
-- @tparam number number of the round
-- @tparam string mode "alone" (one writer), "interleaved" (a second one acts between the first one's requests), "crowd"
--   (several processes), "started" (many operations in flight), "cqueues" (many coroutines), or "all"
-- @treturn table `kind`, `bookings` (`graph`, `path`: actions that lead to where it begins), what the clients are like
--   (`uncertain`, `retries`, `rate`), `fault_rate` and `cut_rate`
function plan.round(seed, number, mode)
  local own = dice.new(seed, "round", number)
  local kind = own:weighted(KINDS)
  if mode ~= "all" then kind = mode end
  local source = own:pick { "faults", "cuts", "both", "both" }
  local round = {
    seed = seed, number = number, kind = kind,
    uncertain = own:chance(0.25) and "report" or "reconcile",
    retries = own:weighted { { 1, 0 }, { 2, 1 }, { 4, 2 }, { 1, 5 } },
    rate = own:chance(0.15) and { per_second = 50, burst = 5 } or nil,
    fault_rate = source == "cuts" and 0 or own:pick { 0.2, 0.5 },
    cut_rate = source == "faults" and 0 or own:pick { 0.7, 1 },
    width = AT_ONCE[kind] and own:pick { 2, 8, 24 } or nil,
  }
  -- With many operations at once some faults are never met; in a long round they would pile up.
  local size = own:chance(0.01) and not AT_ONCE[kind] and LONG or SHORT
  for name, value in pairs(size) do round[name] = value end
  round.bookings = draw_bookings(own, size.bookings)
  return round
end

--- The operations of one writer.
-- @tparam table round from `plan.round`
-- @tparam number writer its number
-- @tparam number limit the number of operations at most
-- @treturn table a list of operations: `number`, `booking` (an index), `action`, `inputs`, `handle`, `timeout`,
--   `faults`, …; or with `create`: a graph
function plan.operations(round, writer, limit)
  local own = dice.new(round.seed, "calls", round.number, writer)
  local walks, open = {}, {}
  for index, booking in ipairs(round.bookings) do
    walks[index] = draw_walk(own, graphs.all[booking.graph], booking.state)
    open[index] = index
  end
  local operations = {}
  while #open > 0 and #operations < math.min(round.operations, limit) do
    local position = own:integer(1, #open)
    local index = open[position]
    local create = own:chance(0.05)
    local operation = draw_operation(own, round, not create and round.bookings[index])
    if not create then
      local rules = graphs.all[round.bookings[index].graph]
      operation.booking, operation.action = index, table.remove(walks[index], 1)
      operation.inputs = inputs_of(own, rules, operation.action)
      if #walks[index] == 0 then table.remove(open, position) end
      if operation.intruder then
        operation.intruder.action = own:chance(0.4) and operation.action or own:pick(action_names(rules))
      end
    end
    operations[#operations + 1] = operation
    operation.number = #operations
    operation.marker = ("%d.%d.%d"):format(round.number, writer, #operations)
  end
  return operations
end

return plan
