--- How to wait in nginx with its Lua module (OpenResty): only the light thread that called waits, never the worker.
-- Make a client once for a worker, in a module or in `init_by_lua`, so that its connections are shared;
-- `timekit.booking` does so. A worker that is told to quit or reload finishes its requests first.
-- @module timekit.runtime.ngx
-- @see timekit.runtime.reference

if type(ngx) ~= "table" or not ngx.get_phase then
  error("timekit.runtime.ngx works inside nginx with its Lua module (OpenResty)", 0)
end

local core = require "timekit.core"
local ngx = ngx
local semaphores = require "ngx.semaphore"
local timer = require "timekit.runtime.ngx.timer"

local runtime = {}

-- nginx's clock for timers and semaphores counts milliseconds.
local SHORTEST_WAIT = 0.001

local WAITS = true
local BY_TIMER = "call it from ngx.timer.at(0, function() ... end)"

-- What each phase can do, by the name that ngx.get_phase() has for it: wait, or else what to do instead. A phase that
-- is not listed is taken for one that cannot wait, since a request that was sent and cannot be waited for is lost.
local PHASES = {
  init = "call it from ngx.timer.at in init_worker_by_lua*, or while a request is served", -- there are no timers yet
  init_worker = BY_TIMER,
  exit_worker = "call it before the worker ends", -- there are no timers any more
  timer = WAITS,

  ssl_cert = WAITS,
  -- These two can wait only in OpenResty, whose nginx is patched for it. This code cannot tell whether it is: without
  -- the patch the handshake fails, and the request has been sent.
  ssl_client_hello = BY_TIMER,
  ssl_session_fetch = BY_TIMER,
  ssl_session_store = BY_TIMER,

  set = BY_TIMER,
  server_rewrite = WAITS,
  rewrite = WAITS,
  access = WAITS,
  precontent = WAITS, -- from lua-nginx-module 0.10.30 on
  content = WAITS, -- of the stream module as well
  balancer = BY_TIMER,
  header_filter = BY_TIMER,
  body_filter = BY_TIMER,
  log = BY_TIMER,

  preread = WAITS, -- of the stream module
}

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Lets others run for some time, or until the client is closed.
-- @tparam number seconds
-- @tparam table pump see `timekit.runtime.pump`
function runtime.sleep(seconds, pump)
  local semaphore = semaphores.new(0)
  pump:on_close(semaphore, function() semaphore:post(1) end)
  semaphore:wait(math.max(seconds, SHORTEST_WAIT))
  pump:on_close(semaphore, nil)
end

--- Can the present phase wait? Ask before anything is sent: a request that was sent and cannot be waited for is lost.
-- @treturn boolean
-- @treturn string the reason, and the way around it
function runtime.can_wait()
  local phase = ngx.get_phase()
  local ability = PHASES[phase] or BY_TIMER
  if ability == WAITS then return true end
  return false, ("nginx cannot wait in the phase %s: %s"):format(phase, ability)
end

--- Returns when a transfer is done, when the client is closed, or after some time.
-- Raises when the pump failed and the transfer could not be ended.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer one that the pump started
-- @tparam ?number seconds left out: as long as the transfer takes
function runtime.wait(pump, transfer, seconds)
  if transfer:done() then return end
  local deadline = seconds and core.now() + seconds
  local waiter = timer.enter(pump, transfer)
  local pause = timer.next_pause()
  while not waiter.is_over and not transfer:done() do
    local longest = timer.patience(waiter, pause)
    if deadline then
      local left = deadline - core.now()
      if left <= 0 then break end
      longest = math.min(longest, left)
    end
    local woken, problem = waiter.semaphore:wait(math.max(longest, SHORTEST_WAIT))
    if not woken then
      if problem ~= "timeout" then
        timer.leave(waiter)
        error("timekit: cannot wait: " .. tostring(problem), 0)
      end
      pause = timer.next_pause(pause)
      timer.look(waiter)
    end
  end
  timer.leave(waiter)
  if waiter.problem and not transfer:done() then error(waiter.problem, 0) end
end

return runtime
