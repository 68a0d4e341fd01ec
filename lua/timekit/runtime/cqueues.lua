--- How to wait in a coroutine of cqueues: only that coroutine is suspended, the controller goes on with the others.
-- Outside one (and in a plain coroutine inside one) it blocks, as a script does. Needs cqueues (Debian: lua-cqueues).
-- @module timekit.runtime.cqueues
-- @see timekit.runtime.reference
-- @usage
-- local tk = timekit.new { runtime = "cqueues" }
-- local queue = cqueues.new()
-- queue:wrap(function() print(tk:booking(id):confirm()) end)
-- assert(queue:loop())

local blocking = require "timekit.runtime.blocking"
local condition = require "cqueues.condition"
local core = require "timekit.core"
local cqueues = require "cqueues"

local runtime = {}

-- Of a transport without a descriptor: seconds between two looks.
local LOOK = 0.001

-- pump → controller → those who wait there. One of them, the leader, watches the descriptor for all.
local teams = setmetatable({}, { __mode = "k" })

local function team_of(pump, controller)
  local of_pump = teams[pump]
  if not of_pump then
    of_pump = setmetatable({}, { __mode = "k" })
    teams[pump] = of_pump
  end
  of_pump[controller] = of_pump[controller] or { followers = {} }
  return of_pump[controller]
end

local function controller_here()
  local controller, direct = cqueues.running()
  return direct and controller
end

-- A leader that raised, in whatever way, leads no more.
local function has_leader(team)
  return team.leader ~= nil and coroutine.status(team.leader) ~= "dead"
end

local function lead(team, pump, seconds)
  team.leader = coroutine.running()
  local fd = pump:fd()
  if fd then
    cqueues.poll({ pollfd = fd, events = "r" }, seconds)
  else
    cqueues.sleep(math.min(pump:timeout() or LOOK, seconds or LOOK))
  end
  team.leader = nil
  pump:step()
end

local function follow(team, pump, transfer, seconds)
  local turn = condition.new()
  pump:on_done(transfer, function() turn:signal() end)
  team.followers[turn] = true
  turn:wait(seconds)
  team.followers[turn] = nil
end

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Suspends the coroutine for some time.
-- @function sleep
-- @tparam number seconds
function runtime.sleep(seconds)
  if controller_here() then cqueues.sleep(seconds) else blocking.sleep(seconds) end
end

--- Suspends the coroutine until a transfer is done.
-- @tparam table pump see `timekit.pump`
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local controller = controller_here()
  if not controller then return blocking.wait(pump, transfer, seconds) end
  local until_ = core.now() + (seconds or math.huge)
  local team = team_of(pump, controller)
  while not transfer:done() do
    local left = seconds and until_ - core.now()
    if left and left <= 0 then break end
    if has_leader(team) then follow(team, pump, transfer, left) else lead(team, pump, left) end
  end
  pump:forget(transfer)
  local heir = not has_leader(team) and next(team.followers)
  if heir then heir:signal() end
end

return runtime
