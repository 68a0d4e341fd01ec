--- The driver: one timer for each nginx worker moves the calls of all clients, while there are calls.
--
-- A light thread that waits for a transfer enters the driver and sleeps on a semaphore. The timer listens to the bell
-- (`timekit.runtime.ngx.bell`), steps the pump whose engine has something to do, and posts the semaphores of the
-- transfers that are done. It never resumes another request's code: each light thread takes its own result. When no
-- call is left, the timer ends.
--
-- Where there is no bell, the timer looks every 1 to 10 ms instead. Where there is no timer (nginx has a limit), nor a
-- descriptor (a sandbox in the process), the light threads look themselves, likewise.
-- @module timekit.runtime.ngx.driver

local bells = require "timekit.runtime.ngx.bell"
local ngx = ngx
local semaphores = require "ngx.semaphore"

local driver = {}

-- Seconds between two looks where nothing tells that there is something to see: soon at first, then less often.
local SHORTEST_NAP, LONGEST_NAP, NAP_GROWTH = 0.001, 0.01, 1.3

-- Seconds after which a light thread looks itself although a timer should: one that is about to start, which nginx
-- drops when too many run, and one that runs, which never is that late.
local START_PATIENCE, PATIENCE = 0.1, 1

-- pump → { [waiter] = true }, for pumps with transfers that somebody waits for: those that the timer moves, and those
-- without a descriptor, which move themselves.
local waiters, loners = {}, {}

-- The timer that is due or runs, as a mark of its own; nil: there is none.
local current
local is_running = false

-- The timer is stepping a pump right now.
local is_stepping = false

-- While the timer listens: the bell, and descriptor → the pump that it will ring for, once.
local bell
local watched = {}

-- The bell does not ring for one of the pumps.
local is_deaf = false

local has_warned = false

--- The pause after a pause in which nothing happened.
-- @tparam ?number nap
-- @treturn number seconds
function driver.nap(nap)
  return nap and math.min(nap * NAP_GROWTH, LONGEST_NAP) or SHORTEST_NAP
end

-- Whoever waits for it is woken by the caller.
local function remove(waiter)
  if waiter.is_over then return end
  waiter.is_over = true
  local among, pump = waiter.among, waiter.pump
  among[pump][waiter] = nil
  if not next(among[pump]) then among[pump] = nil end
end

-- The transfers that a broken pump leaves are ended here, so that each call has an outcome, which says what was sent.
local function fail(pump, problem)
  ngx.log(ngx.ERR, "timekit: calls failed by an error in their pump: ", tostring(problem))
  for waiter in pairs(waiters[pump] or loners[pump] or {}) do
    remove(waiter)
    waiter.problem = problem
    pcall(waiter.transfer.cancel, waiter.transfer)
    pcall(pump.forget, pump, waiter.transfer)
    waiter.semaphore:post(1)
  end
end

local function step(pump)
  local ok, problem = pcall(pump.step, pump)
  if not ok then fail(pump, problem) end
end

-- Calls only end in here, so the table may be walked through meanwhile.
local function step_all()
  for pump in pairs(waiters) do step(pump) end
end

-- Lets the bell ring when there is something to do. false: that cannot be had.
local function watch(pump)
  local ok, fd = pcall(pump.fd, pump)
  if not ok then
    fail(pump, fd)
    return true
  end
  if fd == nil or watched[fd] == pump then return true end
  watched[fd] = pump
  return bell:watch(fd)
end

local function watch_all()
  for pump in pairs(waiters) do
    if not watch(pump) then return false end
  end
  return true
end

-- The timer is to look whether any call is left, if it is not just about to.
local function tell_timer()
  if bell and not is_stepping and not next(waiters) then bell:ring() end
end

-- For those who are not the timer.
local function watch_or_tell(pump)
  if watch(pump) then return end
  is_deaf = true
  bell:ring()
end

-- A descriptor was readable; one that is not ours, or is by now another pump's, does no harm.
local function on_ring(fd)
  local pump = watched[fd]
  watched[fd] = nil
  if not pump then return end
  is_stepping = true
  step(pump)
  is_stepping = false
  if waiters[pump] and not watch(pump) then is_deaf = true end
end

-- Until no call is left or the bell fails, whose problem is returned. In between calls come and go: see `enter`.
local function listen()
  is_deaf = not watch_all()
  while next(waiters) do
    if is_deaf then return "there is a descriptor that the helper thread cannot watch" end
    local fd, problem = bell:listen()
    if fd then on_ring(fd)
    elseif problem == "timeout" then step_all()
    else return "the helper thread's connection was lost: " .. problem
    end
  end
end

local function rest()
  local hung_up = bell
  bell = nil
  for fd in pairs(watched) do hung_up:unwatch(fd) end
  watched = {}
  hung_up:rest()
end

local function look_often()
  local nap
  while next(waiters) do
    nap = driver.nap(nap)
    ngx.sleep(nap)
    step_all()
  end
end

local function drive()
  local problem
  bell, problem = bells.open()
  if bell then
    problem = listen()
    if not problem then return rest() end
    bell:close()
    bell, watched = nil, {}
  end
  if not has_warned then
    has_warned = true
    ngx.log(ngx.WARN, "timekit: looks for answers every 1 to 10 ms: ", tostring(problem))
  end
  look_often()
end

local function on_timer(_, mark)
  if mark ~= current then return end
  is_running = true
  local ok, problem = pcall(drive)
  current, is_running, is_stepping = nil, false, false
  if ok then return end
  if bell then pcall(bell.close, bell) end
  bell, watched = nil, {}
  for pump in pairs(waiters) do fail(pump, problem) end
end

-- Also while the worker is shutting down: a timer without delay is granted then, too.
local function need_timer()
  if current then return end
  local mark = {}
  if ngx.timer.at(0, on_timer, mark) then current = mark end
end

--- Waits for a transfer together with all others. The caller sleeps on the waiter's semaphore, looking at
-- `driver.patience` in between.
-- @tparam table pump
-- @tparam table transfer
-- @treturn table waiter: `semaphore`; `is_over` once it was woken; `problem` if the pump failed
function driver.enter(pump, transfer)
  local semaphore, problem = semaphores.new(0)
  if not semaphore then error("timekit: no semaphore: " .. tostring(problem), 0) end
  local among = pump:fd() and waiters or loners
  local waiter = { pump = pump, transfer = transfer, semaphore = semaphore, among = among }
  among[pump] = among[pump] or {}
  among[pump][waiter] = true
  pump:on_done(transfer, function()
    remove(waiter)
    semaphore:post(1)
    tell_timer()
  end)
  if among == loners then return waiter end
  need_timer()
  if bell then
    watch_or_tell(pump)
  elseif is_running then
    step(pump)
  end
  return waiter
end

--- Waits for it no longer.
-- @tparam table waiter
function driver.leave(waiter)
  if waiter.is_over then return end
  waiter.pump:forget(waiter.transfer)
  remove(waiter)
  tell_timer()
end

--- How long a waiter may sleep before it steps the pump itself.
-- @tparam table waiter
-- @tparam number nap what to take if nobody else looks
-- @treturn number seconds
function driver.patience(waiter, nap)
  if waiter.among == loners then return math.min(nap, waiter.pump:timeout() or nap) end
  if not current then return nap end
  return is_running and PATIENCE or START_PATIENCE
end

--- Nothing happened for as long as `driver.patience` said.
-- @tparam table waiter
function driver.look(waiter)
  -- nginx dropped the timer. The next call asks for another.
  if current and not is_running and waiter.among == waiters then current = nil end
  local pump = waiter.pump
  step(pump)
  if not (bell and waiters[pump]) then return end
  -- An engine that replaced another may have its descriptor's number, and is not watched yet.
  for fd, watched_pump in pairs(watched) do
    if watched_pump == pump then watched[fd] = nil end
  end
  watch_or_tell(pump)
end

return driver
