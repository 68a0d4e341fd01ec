--- How to wait in a coroutine of a program that runs on luv: only that coroutine is suspended, the loop goes on.
-- Outside of coroutines it blocks, as a script does. Needs luv (Debian: lua-luv).
-- @module timekit.runtime.luv
-- @see timekit.runtime.reference
-- @usage
-- local tk = timekit.new { runtime = "luv" }
-- coroutine.wrap(function() print(tk:booking(id):confirm()) end)()
-- uv.run()

local blocking = require "timekit.runtime.blocking"
local core = require "timekit.core"
local pumps = require "timekit.runtime.pump"
local uv = require "luv"

local runtime = {}

-- pump → what libuv watches for it while coroutines wait: `handle`, and `count`, the number of these coroutines.
local watches = setmetatable({}, { __mode = "k" })

-- Suspended coroutines that are to be continued, as tickets (see `suspend`), and whether something will call
-- `continue_ready` for them.
local ready, is_planned = {}, false

local function this_thread()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- Continues all, even if one of them raises; the first error is raised afterwards.
local function continue_ready()
  is_planned = false
  local due = ready
  ready = {}
  local failed, problem
  for _, ticket in ipairs(due) do
    -- Somebody else may have continued its coroutine meanwhile.
    if ticket.waits then
      ticket.waits = false
      local ok, trouble = coroutine.resume(ticket.thread)
      if not ok and not failed then failed, problem = true, debug.traceback(ticket.thread, tostring(trouble)) end
    end
  end
  if failed then error(problem, 0) end
end

local function close(handle)
  if not handle:is_closing() then handle:close() end
end

local function after(milliseconds, fn)
  local timer = uv.new_timer()
  timer:start(milliseconds, 0, function()
    close(timer)
    fn()
  end)
  return timer
end

-- Coroutines are continued from the loop's callbacks only, never from within code that happens to move transfers on.
local function continue_soon(ticket)
  ready[#ready + 1] = ticket
  if is_planned then return end
  is_planned = true
  after(0, continue_ready)
end

-- A ticket stands for one wait of a coroutine: `thread`, and whether it still `waits`.
local function suspend(ticket)
  ticket.waits = true
  coroutine.yield()
  ticket.waits = false
end

-- This is a callback of the loop already: it continues what the step wakes, without a timer.
local function step(pump)
  is_planned = true
  local ok, problem = pcall(pump.step, pump)
  continue_ready()
  if not ok then error(problem, 0) end
end

local function to_milliseconds(seconds)
  return math.ceil(math.min(seconds, 1e9) * 1000)
end

local function watch(pump)
  local fd = pump:fd()
  local handle = fd and uv.new_poll(fd)
  if handle then
    handle:start("r", function() step(pump) end)
  else
    -- There is no descriptor, or the host watches it already.
    local look = to_milliseconds(pumps.LOOK)
    handle = uv.new_timer()
    handle:start(look, look, function() step(pump) end)
  end
  return handle
end

local function enter(pump)
  local own = watches[pump]
  if not own then
    own = { count = 0, handle = watch(pump) }
    watches[pump] = own
    -- libuv must not watch a descriptor that is closed.
    pump:on_close(own, function() close(own.handle) end)
  end
  own.count = own.count + 1
end

-- A handle that is left would keep the loop from ending.
local function leave(pump)
  local own = watches[pump]
  own.count = own.count - 1
  if own.count == 0 then
    watches[pump] = nil
    pump:on_close(own, nil)
    close(own.handle)
  end
end

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Suspends the coroutine for some time, or until the client is closed.
-- @tparam number seconds
-- @tparam table pump see `timekit.runtime.pump`
function runtime.sleep(seconds, pump)
  local thread = this_thread()
  if not thread then return blocking.sleep(seconds) end
  local deadline = core.now() + seconds
  while not pump.closed and core.now() < deadline do
    local ticket = { thread = thread }
    local function wake() continue_soon(ticket) end
    local timer = after(to_milliseconds(deadline - core.now()), wake)
    pump:on_close(ticket, wake)
    suspend(ticket)
    pump:on_close(ticket, nil)
    close(timer)
  end
end

--- Suspends the coroutine until a transfer is done.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local thread = this_thread()
  if not thread then return blocking.wait(pump, transfer, seconds) end
  local deadline = core.now() + (seconds or math.huge)
  if transfer:done() then return end
  enter(pump)
  while not transfer:done() and core.now() < deadline do
    local ticket = { thread = thread }
    local function wake() continue_soon(ticket) end
    pump:on_done(transfer, wake)
    local timer = seconds and after(to_milliseconds(deadline - core.now()), wake)
    suspend(ticket)
    if timer then close(timer) end
  end
  pump:forget(transfer)
  leave(pump)
end

return runtime
