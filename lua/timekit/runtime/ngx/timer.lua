--- The timer: one for each nginx worker moves the transfers of all clients on, while somebody waits for one.
--
-- A light thread that waits for a transfer becomes a waiter and sleeps on a semaphore. The timer listens to the
-- notifier (`timekit.runtime.ngx.listener`), steps the pump whose engine has something to do, and posts the semaphores
-- of the transfers that are done. It never resumes the code of another request: each light thread takes its own result.
-- When nobody waits any more, the timer ends.
--
-- Without a notifier the timer looks every 1 to 10 ms instead. Without a timer (nginx has a limit) or a descriptor (a
-- sandbox in the process) the light threads themselves look, equally often.
-- @module timekit.runtime.ngx.timer

local listeners = require "timekit.runtime.ngx.listener"
local ngx = ngx
local semaphores = require "ngx.semaphore"

local timer = {}

-- Seconds between two looks where no notice comes: short at first, then longer.
local SHORTEST_PAUSE, LONGEST_PAUSE, PAUSE_GROWTH = 0.001, 0.01, 1.3

-- Seconds after which a light thread looks by itself although the timer should. nginx drops a timer that is about to
-- start when too many run; a running one is never that late.
local START_PATIENCE, PATIENCE = 0.1, 1

-- pump → { [waiter] = true }: the waiters of the pumps that the timer moves, and of those without a descriptor, which
-- move themselves.
local waiters, self_moving = {}, {}

-- What this nginx worker knows of its timer.
local worker = {
  mark = nil, -- identifies the timer that is due or runs; nil: there is none
  is_running = false,
  is_stepping = false, -- it is stepping a pump right now
  listener = nil, -- while it listens
  watched = {}, -- descriptor → the pump that the listener will give notice of, once
  is_deaf = false, -- the descriptor of one of the pumps cannot be watched
  has_warned = false, -- the log says already that there is no notifier
}

--- The pause after a pause in which nothing happened.
-- @tparam ?number pause
-- @treturn number seconds
function timer.next_pause(pause)
  return pause and math.min(pause * PAUSE_GROWTH, LONGEST_PAUSE) or SHORTEST_PAUSE
end

-- The caller wakes whoever waits.
local function remove(waiter)
  if waiter.is_over then return end
  waiter.is_over = true
  local list, pump = waiter.list, waiter.pump
  list[pump][waiter] = nil
  if not next(list[pump]) then list[pump] = nil end
end

-- The transfers of a broken pump are ended here, so that each has an outcome, which says what was sent.
local function fail(pump, problem)
  ngx.log(ngx.ERR, "timekit: requests failed by an error in their pump: ", tostring(problem))
  for waiter in pairs(waiters[pump] or self_moving[pump] or {}) do
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

-- A step adds no waiters, it only removes them, so the table may be traversed meanwhile.
local function step_all()
  for pump in pairs(waiters) do step(pump) end
end

-- ---- the descriptors that the listener watches ----

-- false: the descriptor cannot be watched.
local function watch(pump)
  local ok, fd = pcall(pump.fd, pump)
  if not ok then
    fail(pump, fd)
    return true
  end
  if fd == nil or worker.watched[fd] == pump then return true end
  worker.watched[fd] = pump
  return worker.listener:watch(fd)
end

local function watch_all()
  for pump in pairs(waiters) do
    if not watch(pump) then return false end
  end
  return true
end

-- Called by light threads other than the timer's: the timer has to learn that it is deaf.
local function watch_or_wake(pump)
  if watch(pump) then return end
  worker.is_deaf = true
  worker.listener:wake()
end

-- Lets the timer notice that nobody waits any more. While it steps it will look anyway.
local function wake_if_idle()
  if worker.listener and not worker.is_stepping and not next(waiters) then worker.listener:wake() end
end

-- A notice of a descriptor that is not ours, or by now belongs to another pump, does no harm.
local function on_notice(fd)
  local pump = worker.watched[fd]
  worker.watched[fd] = nil
  if not pump then return end
  worker.is_stepping = true
  step(pump)
  worker.is_stepping = false
  if waiters[pump] and not watch(pump) then worker.is_deaf = true end
end

-- ---- a run of the timer ----

-- Returns when nobody waits any more, or with a reason why it cannot listen. Waiters come and go meanwhile.
local function listen()
  worker.is_deaf = not watch_all()
  while next(waiters) do
    if worker.is_deaf then return "there is a descriptor that the helper thread cannot watch" end
    local fd, problem = worker.listener:listen()
    if fd then on_notice(fd)
    elseif problem == "timeout" then step_all()
    else return "the helper thread's connection was lost: " .. problem
    end
  end
end

local function release_listener()
  local listener, watched = worker.listener, worker.watched
  worker.listener, worker.watched = nil, {}
  for fd in pairs(watched) do listener:unwatch(fd) end
  listener:release()
end

local function close_listener()
  local listener = worker.listener
  worker.listener, worker.watched = nil, {}
  listener:close()
end

local function look_often()
  local pause
  while next(waiters) do
    pause = timer.next_pause(pause)
    ngx.sleep(pause)
    step_all()
  end
end

local function run()
  local problem
  worker.listener, problem = listeners.open()
  if worker.listener then
    problem = listen()
    if not problem then return release_listener() end
    close_listener()
  end
  if not worker.has_warned then
    worker.has_warned = true
    ngx.log(ngx.WARN, "timekit: looks for answers every 1 to 10 ms: ", tostring(problem))
  end
  look_often()
end

local function on_timer(_, mark)
  if mark ~= worker.mark then return end
  worker.is_running = true
  local ok, problem = pcall(run)
  worker.mark, worker.is_running, worker.is_stepping = nil, false, false
  if ok then return end
  if worker.listener then pcall(close_listener) end
  worker.watched = {}
  for pump in pairs(waiters) do fail(pump, problem) end
end

-- A timer without delay is granted also while the worker is shutting down.
local function need_timer()
  if worker.mark then return end
  local mark = {}
  if ngx.timer.at(0, on_timer, mark) then worker.mark = mark end
end

-- ---- for the light threads that wait ----

--- Makes a waiter for a transfer. The caller sleeps on its semaphore, `timer.patience` seconds at a time.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer
-- @treturn table waiter: `semaphore`; `is_over` once it was woken; `problem` if the pump failed
function timer.enter(pump, transfer)
  local semaphore, problem = semaphores.new(0)
  if not semaphore then error("timekit: no semaphore: " .. tostring(problem), 0) end
  local list = pump:fd() and waiters or self_moving
  local waiter = { pump = pump, transfer = transfer, semaphore = semaphore, list = list, is_over = false }
  list[pump] = list[pump] or {}
  list[pump][waiter] = true
  pump:on_done(transfer, function()
    remove(waiter)
    semaphore:post(1)
    wake_if_idle()
  end)
  if list == self_moving then return waiter end
  need_timer()
  if worker.listener then
    watch_or_wake(pump)
  elseif worker.is_running then
    step(pump)
  end
  return waiter
end

--- Ends the waiting.
-- @tparam table waiter
function timer.leave(waiter)
  if waiter.is_over then return end
  waiter.pump:forget(waiter.transfer)
  remove(waiter)
  wake_if_idle()
end

--- How long a waiter may sleep before it calls `timer.look`.
-- @tparam table waiter
-- @tparam number pause the answer where nobody else looks
-- @treturn number seconds
function timer.patience(waiter, pause)
  if waiter.list == self_moving or not worker.mark then return pause end
  return worker.is_running and PATIENCE or START_PATIENCE
end

--- Steps the pump of a waiter that slept for `timer.patience` seconds.
-- @tparam table waiter
function timer.look(waiter)
  -- nginx dropped the timer. The next waiter asks for another.
  if worker.mark and not worker.is_running and waiter.list == waiters then worker.mark = nil end
  local pump = waiter.pump
  step(pump)
  if not (worker.listener and waiters[pump]) then return end
  -- An engine that replaced another one may have the number of its descriptor, and is not watched yet.
  for fd, watched_pump in pairs(worker.watched) do
    if watched_pump == pump then worker.watched[fd] = nil end
  end
  watch_or_wake(pump)
end

return timer
