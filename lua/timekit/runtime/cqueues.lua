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
local pumps = require "timekit.runtime.pump"

local runtime = {}

-- pump → controller → the group of coroutines that wait there. One of them, the leader, watches the descriptor for all;
-- the others, its followers, sleep until the pump wakes them.
local groups = setmetatable({}, { __mode = "k" })

local function new_group()
  return {
    followers = {}, -- their conditions, as keys
    -- The leading coroutine, as [1]. Held weakly: on Lua 5.1 it would keep its own controller from being collected.
    leader = setmetatable({}, { __mode = "v" }),
    fd = nil, -- the descriptor that cqueues watches for the group
  }
end

local function group_of(pump, controller)
  local of_pump = groups[pump]
  if not of_pump then
    of_pump = setmetatable({}, { __mode = "k" })
    groups[pump] = of_pump
  end
  of_pump[controller] = of_pump[controller] or new_group()
  return of_pump[controller]
end

local function controller_here()
  local controller, direct = cqueues.running()
  return direct and controller
end

-- A leader whose coroutine has ended, by an error say, does not lead any more.
local function has_leader(group)
  local leader = group.leader[1]
  return leader ~= nil and coroutine.status(leader) ~= "dead"
end

-- cqueues must hear of it before a descriptor is closed, or it takes a later one of the same number for the old one.
local function unwatch(group, pump)
  if group.fd and not pump.closed then cqueues.cancel(group.fd) end
  group.fd = nil
  pump:on_close(group, nil)
end

local function watch(group, pump)
  local fd = pump:fd()
  if fd and fd ~= group.fd then
    if group.fd then unwatch(group, pump) end
    group.fd = fd
    pump:on_close(group, function() cqueues.cancel(fd) end)
  end
  return fd
end

local function lead(group, pump, woken, seconds)
  group.leader[1] = coroutine.running()
  local fd = watch(group, pump)
  if fd then
    cqueues.poll({ pollfd = fd, events = "r" }, woken, seconds)
  else
    local look = pump:timeout() or pumps.LOOK
    woken:wait(math.min(look, seconds or look))
  end
  group.leader[1] = nil
  pump:step()
end

local function follow(group, woken, seconds)
  group.followers[woken] = true
  woken:wait(seconds)
  group.followers[woken] = nil
end

-- A follower takes over the watching. If there is none, the watching ends.
local function leave(group, pump)
  if has_leader(group) then return end
  local next_leader = next(group.followers)
  if next_leader then next_leader:signal() else unwatch(group, pump) end
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
  local deadline = core.now() + seconds
  local woken = condition.new()
  pump:on_close(woken, function() woken:signal() end)
  while not pump.closed and core.now() < deadline do woken:wait(deadline - core.now()) end
  pump:on_close(woken, nil)
end

--- Suspends the coroutine until a transfer is done.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local controller = controller_here()
  if not controller then return blocking.wait(pump, transfer, seconds) end
  if transfer:done() then return end
  local deadline = seconds and core.now() + seconds
  local group, woken = group_of(pump, controller), condition.new()
  -- A step of somebody else may end the transfer: of a coroutine of another controller, or of code that blocks.
  local function wake() woken:signal() end
  while not transfer:done() do
    local left = deadline and deadline - core.now()
    if left and left <= 0 then break end
    pump:on_done(transfer, wake)
    if has_leader(group) then follow(group, woken, left) else lead(group, pump, woken, left) end
  end
  pump:forget(transfer)
  leave(group, pump)
end

return runtime
