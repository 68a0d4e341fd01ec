--- How to wait in HAProxy: only the action, the service or the task that asked waits, its thread goes on.
-- Make a client once in a file that is loaded by `lua-load` or `lua-load-per-thread`. It reads the certificates then,
-- so a later `chroot` does not hide them. Names are looked up later, so a chroot needs an `etc/hosts` or an
-- `etc/resolv.conf`.
--
-- Fetches and converters cannot wait, nor can anything while HAProxy starts: there methods return an error of the kind
-- `phase`. Make the client before you register fetches and converters, since this module learns of them when they are
-- registered. In a plain coroutine inside an action it blocks, as a script does.
-- @module timekit.runtime.haproxy
-- @see timekit.runtime.reference
-- @usage
-- local tk = timekit.new { runtime = "haproxy" }
-- core.register_action("confirm", { "http-req" }, function(txn)
--   local booking, err = tk:booking(txn.sf:url_param("id")):confirm()
--   txn:set_var("txn.state", booking and booking.state or tostring(err))
-- end)

local core = require "timekit.core"
local host = rawget(_G, "core")

if type(host) ~= "table" or type(host.msleep) ~= "function" then
  error("timekit.runtime.haproxy works inside HAProxy", 0)
end

local runtime = {}

-- Seconds between two looks, since HAProxy watches no descriptors for Lua: short at first, then longer.
local SHORTEST_PAUSE, LONGEST_PAUSE, PAUSE_GROWTH = 0.001, 0.01, 1.3

-- Seconds between two looks of one that sleeps, who is not woken when the client is closed.
local LONGEST_NAP = 0.1

-- Seconds. A pause that ends sooner may have been none.
local NO_PAUSE = 0.00001

-- Milliseconds. A pause of this length that was none shows that HAProxy does not suspend the coroutine.
local LONG = 1000

local AROUND = "call it from an action, a service or a task"

-- coroutine → what it runs now that cannot yield. HAProxy ends such code at its first yield, without an error that it
-- could catch, and nothing in Lua tells it from an action.
local unable = setmetatable({}, { __mode = "k" })

-- The plain coroutines, as keys: HAProxy suspends only those that it has made, and `msleep` returns at once in others.
local plain = setmetatable({}, { __mode = "k" })

local function leave(thread, before, ok, ...)
  unable[thread] = before
  if not ok then error((...), 0) end
  return ...
end

local function marking(register, what)
  return function(name, fn, ...)
    return register(name, function(...)
      local thread = coroutine.running()
      local before = unable[thread]
      unable[thread] = what
      return leave(thread, before, pcall(fn, ...))
    end, ...)
  end
end

host.register_fetches = marking(host.register_fetches, "a fetch")
host.register_converters = marking(host.register_converters, "a converter")

-- Suspends the caller for about that time; false: it cannot be suspended. HAProxy measures a pause from its last look
-- for events, so on a busy thread a short one may be over at once: then a longer one tells.
local function pause(seconds)
  local thread = coroutine.running()
  local milliseconds = math.max(1, math.ceil(seconds * 1000))
  while not plain[thread] do
    local before = core.now()
    host.msleep(milliseconds)
    if core.now() - before >= NO_PAUSE then return true end
    plain[thread] = milliseconds >= LONG or nil
    milliseconds = milliseconds * 2
  end
  return false
end

--- A clock that only goes forward.
-- @function now
-- @treturn number seconds
runtime.now = core.now

--- Lets others run for some time, or until the client is closed.
-- @tparam number seconds
-- @tparam table pump see `timekit.runtime.pump`
function runtime.sleep(seconds, pump)
  local deadline = core.now() + seconds
  while not pump.closed do
    local left = deadline - core.now()
    if left <= 0 then return end
    local nap = math.min(left, LONGEST_NAP)
    if not pause(nap) then core.sleep(math.min(nap, SHORTEST_PAUSE)) end
  end
end

--- Whether the running code can wait. To be asked before anything is sent.
-- @treturn boolean
-- @treturn string the reason, and the way around it
function runtime.can_wait()
  local thread, is_main = coroutine.running()
  if is_main then return false, "HAProxy cannot wait while it starts: " .. AROUND end
  local what = unable[thread]
  if what then return false, ("HAProxy cannot wait in %s: %s"):format(what, AROUND) end
  -- A fetch that was registered before this module was loaded ends here, before anything is sent.
  host.msleep(0)
  return true
end

--- Returns when a transfer is done.
-- @tparam table pump see `timekit.runtime.pump`
-- @tparam table transfer one that the pump started
-- @tparam ?number seconds return after them, done or not
function runtime.wait(pump, transfer, seconds)
  local deadline = seconds and core.now() + seconds
  local length = SHORTEST_PAUSE
  pump:step()
  while not transfer:done() do
    local left = deadline and deadline - core.now() or length
    if left <= 0 then return end
    length = math.min(length, left)
    if pause(length) then pump:step() else pump:wait(SHORTEST_PAUSE) end
    length = math.min(length * PAUSE_GROWTH, LONGEST_PAUSE)
  end
end

return runtime
