--- How to wait in nginx with its Lua module (OpenResty): only the light thread that called waits, never the worker.
-- @module timekit.runtime.ngx
-- @see timekit.runtime.reference

if type(ngx) ~= "table" or not ngx.get_phase then
  error("timekit.runtime.ngx works inside nginx with its Lua module (OpenResty)", 0)
end

local core = require "timekit.core"
local driver = require "timekit.runtime.ngx.driver"
local ngx = ngx
local semaphores = require "ngx.semaphore"

local runtime = {}

-- nginx's clock for timers and semaphores counts milliseconds.
local SHORTEST_WAIT = 0.001

-- ssl_client_hello and ssl_session_fetch are not among them: unless nginx is OpenResty's patched one, which cannot be
-- told from here, the handshake fails when they wait, and the call has been made.
local CAN_WAIT = {
  server_rewrite = true, rewrite = true, access = true, content = true, timer = true, ssl_cert = true,
}

-- Where not even a timer can be had.
local INSTEAD = {
  init = "call it from ngx.timer.at in init_worker_by_lua*, or while a request is served",
  exit_worker = "call it before the worker ends",
}
local BY_TIMER = "call it from ngx.timer.at(0, function() ... end)"

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

--- Whether the present phase can wait. To be asked before anything is sent: a call that has been started and cannot be
-- waited for is lost.
-- @treturn boolean
-- @treturn string the reason, and the way around it
function runtime.can_wait()
  local phase = ngx.get_phase()
  if CAN_WAIT[phase] then return true end
  return false, ("nginx cannot wait in the phase %s: %s"):format(phase, INSTEAD[phase] or BY_TIMER)
end

--- Returns when a transfer is done, when the client is closed, or after some time.
-- Raises when the pump failed and the transfer could not be ended.
-- @tparam table pump what the transfer was started with
-- @tparam table transfer
-- @tparam ?number seconds left out: as long as the transfer takes
function runtime.wait(pump, transfer, seconds)
  if transfer:done() then return end
  local until_ = seconds and core.now() + seconds
  local waiter = driver.enter(pump, transfer)
  local nap = driver.nap()
  while not waiter.is_over and not transfer:done() do
    local pause = driver.patience(waiter, nap)
    if until_ then
      local left = until_ - core.now()
      if left <= 0 then break end
      pause = math.min(pause, left)
    end
    local woken, problem = waiter.semaphore:wait(math.max(pause, SHORTEST_WAIT))
    if not woken then
      if problem ~= "timeout" then
        driver.leave(waiter)
        error("timekit: cannot wait: " .. tostring(problem), 0)
      end
      nap = driver.nap(nap)
      driver.look(waiter)
    end
  end
  driver.leave(waiter)
  if waiter.problem and not transfer:done() then error(waiter.problem, 0) end
end

return runtime
