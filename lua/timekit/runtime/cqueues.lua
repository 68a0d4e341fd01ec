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

-- The leader is held weakly: on Lua 5.1 its coroutine would keep its own controller from being collected.
local function new_team()
  return { followers = {}, leader = setmetatable({}, { __mode = "v" }) }
end

local function team_of(pump, controller)
  local of_pump = teams[pump]
  if not of_pump then
    of_pump = setmetatable({}, { __mode = "k" })
    teams[pump] = of_pump
  end
  of_pump[controller] = of_pump[controller] or new_team()
  return of_pump[controller]
end

local function controller_here()
  local controller, direct = cqueues.running()
  return direct and controller
end

-- A leader that raised, in whatever way, leads no more.
local function has_leader(team)
  local leader = team.leader[1]
  return leader ~= nil and coroutine.status(leader) ~= "dead"
end

-- cqueues must hear of it before a descriptor is closed, or it takes a later one of the same number for the old one.
local function let_go(team, pump)
  if team.fd and not pump.closed then cqueues.cancel(team.fd) end
  team.fd = nil
  pump:on_close(team, nil)
end

local function watched_by(team, pump)
  local fd = pump:fd()
  if fd and fd ~= team.fd then
    if team.fd then let_go(team, pump) end
    team.fd = fd
    pump:on_close(team, function() cqueues.cancel(fd) end)
  end
  return fd
end

local function lead(team, pump, turn, seconds)
  team.leader[1] = coroutine.running()
  local fd = watched_by(team, pump)
  if fd then
    cqueues.poll({ pollfd = fd, events = "r" }, turn, seconds)
  else
    turn:wait(math.min(LOOK, pump:timeout() or LOOK, seconds or LOOK))
  end
  team.leader[1] = nil
  pump:step()
end

local function follow(team, turn, seconds)
  team.followers[turn] = true
  turn:wait(seconds)
  team.followers[turn] = nil
end

-- Somebody else has to watch the descriptor, or nobody need.
local function leave(team, pump)
  if has_leader(team) then return end
  local heir = next(team.followers)
  if heir then heir:signal() else let_go(team, pump) end
end

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Suspends the coroutine for some time, or until the client is closed.
-- @function sleep
-- @tparam number seconds
-- @tparam table pump see `timekit.runtime.pump`
function runtime.sleep(seconds, pump)
  if not controller_here() then return blocking.sleep(seconds) end
  local until_ = core.now() + seconds
  local turn = condition.new()
  pump:on_close(turn, function() turn:signal() end)
  while not pump.closed and core.now() < until_ do turn:wait(until_ - core.now()) end
  pump:on_close(turn, nil)
end

--- Suspends the coroutine until a transfer is done.
-- @tparam table pump
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local controller = controller_here()
  if not controller then return blocking.wait(pump, transfer, seconds) end
  if transfer:done() then return end
  local until_ = seconds and core.now() + seconds
  local team, turn = team_of(pump, controller), condition.new()
  -- Somebody else's step may end the transfer: a coroutine's of another controller, or a call's that blocks.
  local function wake() turn:signal() end
  while not transfer:done() do
    local left = until_ and until_ - core.now()
    if left and left <= 0 then break end
    pump:on_done(transfer, wake)
    if has_leader(team) then follow(team, turn, left) else lead(team, pump, turn, left) end
  end
  pump:forget(transfer)
  leave(team, pump)
end

return runtime
