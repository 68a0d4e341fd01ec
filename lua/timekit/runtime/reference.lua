--- What a runtime is: documentation only, this module holds no code that does anything.
--
-- A runtime says what waiting means, so that code that does I/O is written once, in blocking style: a script blocks, a
-- coroutine of an event loop yields to the loop. `timekit.new{ runtime = … }` takes the name of one that is here
-- (`"blocking"`, `"copas"`, `"cqueues"`, `"haproxy"`, `"luv"`, `"ngx"`) or a table of your own with the functions
-- below. Code inside `Client:start` does not ask it: there waiting yields to `Client:update`.
--
-- None of the functions raises for what the world does. Times are in seconds.
-- @module timekit.runtime.reference
-- @usage
-- -- A loop that can watch a descriptor and has a timer. `loop.wake` continues a coroutine that has yielded to it.
-- local runtime = { now = require("timekit.core").now }
-- function runtime.sleep(seconds)
--   loop.after(seconds, loop.running())
--   loop.yield()
-- end
-- function runtime.wait(pump, transfer, seconds)
--   local deadline = seconds and runtime.now() + seconds
--   local thread = loop.running()
--   while not transfer:done() and not (deadline and runtime.now() >= deadline) do
--     -- Another coroutine's step may end the transfer, and the descriptor is quiet then.
--     pump:on_done(transfer, function() loop.wake(thread) end)
--     loop.yield_until_readable(pump:fd(), deadline and deadline - runtime.now())
--     pump:step()
--   end
--   pump:forget(transfer)
-- end
-- local tk = timekit.new { app_key = key, runtime = runtime }

--- A clock that only goes forward: that of `timekit.core.now`.
-- @function now
-- @treturn number seconds

--- Returns after some time, or when the client is closed. A runtime may ignore that the client is closed; the method
-- that sleeps then ends later.
-- @function sleep
-- @tparam number seconds
-- @tparam Pump pump as for `wait`
-- @treturn ?boolean true when it was cut short because the call was cancelled

--- Returns when a transfer is done. It is done, too, when the client is closed. Until then somebody has to call
-- `pump:step()` (or `pump:wait(seconds)`, which blocks): whenever the descriptor is readable, or, where there is none,
-- after `pump:timeout()`. One of several waiting callers is enough if it wakes the others by `pump:on_done`.
-- @function wait
-- @tparam Pump pump what the callers of a client share
-- @tparam transfer transfer with `done()`
-- @tparam ?number seconds return after them, done or not

--- May be left out: can the caller wait here at all? Asked before anything is sent.
-- @function can_wait
-- @treturn boolean
-- @treturn ?string with false, why not and what to do instead: the message of an error of the kind `phase`

--- What the callers of a client share: `timekit.runtime.pump`.
-- @table Pump
-- @tfield fun(self:Pump) step lets transfers go on, without waiting
-- @tfield fun(self:Pump,seconds:number) wait likewise; blocks until something happened, and for so long at most
-- @tfield fun(self:Pump):integer? fd the descriptor to watch; nil where there is none
-- @tfield fun(self:Pump):number? timeout seconds until `step` has something to do by time alone
-- @tfield fun(self:Pump,transfer:transfer,wake:fun()) on_done has a function called once when the transfer is done
-- @tfield fun(self:Pump,transfer:transfer) forget takes that back
-- @tfield fun(self:Pump,key:any,fn:fun()) on_close has a function called before the descriptor is closed: a loop has
--   to stop watching it by then

return {}
