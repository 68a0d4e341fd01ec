--- How to wait in a thread of copas: only that thread is suspended, the loop goes on. Outside of coroutines it blocks,
-- as a script does. Works with copas 1 (Debian: lua-copas, for Lua 5.1) and with versions that have `copas.pause` or
-- `copas.sleep`. With copas 1 it blocks where there is no epoll, since nothing then tells that time has passed.
-- @module timekit.runtime.copas
-- @see timekit.runtime.reference
-- @usage
-- local tk = timekit.new { runtime = "copas" }
-- copas.addthread(function() print(tk:booking(id):confirm()) end)
-- copas.loop()

local blocking = require "timekit.runtime.blocking"
local copas = require "copas"
local core = require "timekit.core"
local pumps = require "timekit.runtime.pump"

local runtime = {}

-- `copas.sleep` is the older name, from copas 2 on.
local pause = copas.pause or copas.sleep

-- Seconds between two looks: short at first, then longer. These versions say nothing of sockets that are not theirs.
local LONGEST_PAUSE, PAUSE_GROWTH = 0.01, 1.3

local function this_thread()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- ---- copas with timers ----

local function wait_by_pauses(thread, pump, transfer, deadline)
  local length = pumps.LOOK
  local function wake() copas.wakeup(thread) end
  pump:step()
  while not transfer:done() and core.now() < deadline do
    pump:on_done(transfer, wake)
    pause(math.min(length, deadline - core.now()))
    pump:step()
    length = math.min(length * PAUSE_GROWTH, LONGEST_PAUSE)
  end
end

local function sleep_by_pauses(thread, pump, deadline)
  local key = {}
  pump:on_close(key, function() copas.wakeup(thread) end)
  while not pump.closed and core.now() < deadline do pause(deadline - core.now()) end
  pump:on_close(key, nil)
end

-- ---- copas 1, which has no timers ----

-- An engine that sends nothing: its alarm is a timer with a descriptor. Nil where there is no descriptor to be had.
local function new_timer()
  local timer = core.engine { base_url = "http://127.0.0.1" }
  return timer and timer:fd() and timer
end

-- Its descriptor stands for that of a client which is closed: select() fails on a closed one.
local placeholder = not pause and new_timer() or nil

local function descriptor_of(pump)
  if not pump.closed then return pump:fd() end
  return placeholder and placeholder:fd()
end

-- A thread waits for a descriptor by reading from an object that select() takes for a socket. `is_over` is asked before
-- each select(), too, so that the thread goes on when the descriptor stays quiet.
local function wait_until_readable(get_descriptor, is_over)
  local has_waited = false
  copas.receive {
    getfd = get_descriptor,
    dirty = is_over,
    receive = function()
      if has_waited or is_over() then return true end
      has_waited = true
      return nil, "timeout"
    end,
    close = function() end, -- copas does that when the thread ends
  }
end

local function sleep_by_alarm(deadline, is_over)
  local timer = new_timer()
  if not timer then return blocking.sleep(math.max(0, deadline - core.now())) end
  local function get_descriptor() return timer:fd() end
  while not is_over() and core.now() < deadline do
    timer:alarm(deadline)
    wait_until_readable(get_descriptor, is_over)
    timer:step()
  end
  timer:close()
end

-- The deadlines of the threads that wait, by threads. One thread more makes the loop turn when the first of them is
-- over: a timer for each would take descriptors, of which select() takes 1,024.
local deadlines, kept = {}, nil

-- Of those that are not over: once one is, its thread goes on by itself.
local function first_deadline()
  local first, now = math.huge, core.now()
  for thread, deadline in pairs(deadlines) do
    if deadline <= now then deadlines[thread] = nil else first = math.min(first, deadline) end
  end
  return first
end

local function keep_deadlines()
  local until_then = first_deadline()
  while until_then < math.huge do
    kept = until_then
    sleep_by_alarm(until_then, function() return kept < until_then or not next(deadlines) end)
    until_then = first_deadline()
  end
  kept = nil
end

local function keep_deadline(thread, deadline)
  deadlines[thread] = deadline
  if not kept then
    kept = deadline
    copas.addthread(keep_deadlines)
  elseif deadline < kept then
    kept = deadline
  end
end

local function wait_by_descriptor(thread, pump, transfer, deadline)
  local woken = false
  local function wake() woken = true end
  local function is_woken() return woken or core.now() >= deadline end
  local function get_descriptor() return descriptor_of(pump) end
  pump:step()
  if deadline < math.huge and pump:fd() and not transfer:done() then keep_deadline(thread, deadline) end
  while not transfer:done() and core.now() < deadline do
    woken = false
    pump:on_done(transfer, wake)
    if pump:fd() then
      wait_until_readable(get_descriptor, is_woken)
    else
      sleep_by_alarm(math.min(deadline, core.now() + (pump:timeout() or pumps.LOOK)), is_woken)
    end
    pump:step()
  end
  deadlines[thread] = nil
end

local function sleep_by_descriptor(pump, deadline)
  sleep_by_alarm(deadline, function() return pump.closed end)
end

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Suspends the thread for some time, or until the client is closed.
-- @tparam number seconds
-- @tparam table pump see `timekit.runtime.pump`
function runtime.sleep(seconds, pump)
  local thread = this_thread()
  if not thread then return blocking.sleep(seconds) end
  local deadline = core.now() + seconds
  if pause then sleep_by_pauses(thread, pump, deadline) else sleep_by_descriptor(pump, deadline) end
end

--- Suspends the thread until a transfer is done.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local thread = this_thread()
  if not thread then return blocking.wait(pump, transfer, seconds) end
  if transfer:done() then return end
  local deadline = core.now() + (seconds or math.huge)
  if pause then
    wait_by_pauses(thread, pump, transfer, deadline)
  else
    wait_by_descriptor(thread, pump, transfer, deadline)
  end
  pump:forget(transfer)
end

return runtime
