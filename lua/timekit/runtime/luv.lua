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
local uv = require "luv"

local runtime = {}

-- Where there is no descriptor to watch: milliseconds between two looks.
local LOOK = 1

-- pump → its watch while somebody waits: `count` of those, and `handle`.
local watches = setmetatable({}, { __mode = "k" })

-- Suspended coroutines that are to be continued, and whether that will happen by itself.
local ready, expected = {}, false

local function this_thread()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- Each is continued, whatever the others raise; then the first error is raised.
local function continue_ready()
  expected = false
  local due = ready
  ready = {}
  local failed, problem
  for _, ticket in ipairs(due) do
    -- Its coroutine may have been continued by somebody else meanwhile.
    if ticket.waits then
      ticket.waits = false
      local well, trouble = coroutine.resume(ticket.thread)
      if not well and not failed then failed, problem = true, debug.traceback(ticket.thread, tostring(trouble)) end
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

-- From the loop's callbacks only, never from within code that happens to move transfers on.
local function continue_soon(ticket)
  ready[#ready + 1] = ticket
  if expected then return end
  expected = true
  after(0, continue_ready)
end

local function suspend(ticket)
  ticket.waits = true
  coroutine.yield()
  ticket.waits = false
end

-- What it wakes is continued here, not by a timer.
local function move_on(pump)
  expected = true
  local well, problem = pcall(pump.step, pump)
  continue_ready()
  if not well then error(problem, 0) end
end

local function watch(pump)
  local fd = pump:fd()
  local handle = fd and uv.new_poll(fd)
  if handle then
    handle:start("r", function() move_on(pump) end)
  else
    -- No descriptor, or one that the host watches already.
    handle = uv.new_timer()
    handle:start(LOOK, LOOK, function() move_on(pump) end)
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

local function to_milliseconds(seconds)
  return math.ceil(math.min(seconds, 1e9) * 1000)
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
  local until_ = core.now() + seconds
  while not pump.closed and core.now() < until_ do
    local ticket = { thread = thread }
    local function wake() continue_soon(ticket) end
    local timer = after(to_milliseconds(until_ - core.now()), wake)
    pump:on_close(ticket, wake)
    suspend(ticket)
    pump:on_close(ticket, nil)
    close(timer)
  end
end

--- Suspends the coroutine until a transfer is done.
-- @tparam table pump
-- @tparam table transfer
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local thread = this_thread()
  if not thread then return blocking.wait(pump, transfer, seconds) end
  local until_ = core.now() + (seconds or math.huge)
  if transfer:done() then return end
  enter(pump)
  while not transfer:done() and core.now() < until_ do
    local ticket = { thread = thread }
    local function wake() continue_soon(ticket) end
    pump:on_done(transfer, wake)
    local timer = seconds and after(to_milliseconds(until_ - core.now()), wake)
    suspend(ticket)
    if timer then close(timer) end
  end
  pump:forget(transfer)
  leave(pump)
end

return runtime
