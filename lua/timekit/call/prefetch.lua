--- Sends the first request of a read before anybody waits for it: the next page of a list, say.
--
-- Only that request is sent ahead. When the result is wanted, the operation is carried out as any other, with this as
-- its first try: so retries, the phases of a host and cancelling need no second way. Nothing else holds the transfer:
-- one that is dropped ends with its iterator, when the garbage collector comes to it.
-- @module timekit.call.prefetch

local prefetch = {}

--- A read that is under way.
-- @type Prefetch
local Prefetch = {}
Prefetch.__index = Prefetch

--- Starts a read. Where the client's own rate limit would have its request wait, nothing is sent yet.
-- @tparam Runner runner
-- @tparam table operation a read, as for `Runner:run`
-- @treturn Prefetch
-- @usage
-- local coming = prefetch.start(runner, operation)
-- handle(page)
-- page, info = coming:finish()
function prefetch.start(runner, operation)
  local self = setmetatable({ runner = runner, operation = operation }, Prefetch)
  local now, limiter = runner:now(), runner.policy.limiter
  if runner.pump.closed then return self end
  if limiter and limiter:take(now) > 0 then
    limiter:give_back()
    return self
  end
  local event = runner.hooks and runner.hooks:begin(operation.request, operation, 1, false)
  if runner.pump.closed then return self end
  operation.request.timeout = operation.timeout or runner.timeout
  operation.prefetched = { transfer = runner.pump:start(operation.request), event = event, began = now }
  return self
end

--- The first try that an operation has under way, once.
-- @tparam table operation
-- @treturn ?table `transfer`, `event` of the hooks, `began` (seconds); nil: there is none
function prefetch.take(operation)
  local ahead = operation.prefetched
  if ahead then operation.prefetched = nil end
  return ahead
end

--- Did the first try fail because nobody waited for it? A large answer is read on only while somebody waits, so its
-- time can be over before anybody has come for it. It is then sent again, in the time of the operation.
-- @tparam ?table failure as `timekit.http.response.read` returned it
-- @tparam number waited seconds that somebody has waited for it
-- @tparam number time seconds that the operation had when the waiting began
-- @treturn boolean
function prefetch.is_stale(failure, waited, time)
  return failure ~= nil and failure.kind == "timeout" and waited <= time / 2
end

--- Waits for the result. The time of the operation begins now.
-- @return as `Runner:run`
function Prefetch:finish()
  local data, info = self.runner:run(self.operation)
  -- Nothing was asked for where nobody can wait.
  self:cancel()
  return data, info
end

--- Ends the request, whose result nobody wants any more. Does nothing once that was taken.
function Prefetch:cancel()
  local ahead = prefetch.take(self.operation)
  if not ahead then return end
  ahead.transfer:cancel()
  local outcome, hooks = ahead.transfer:result(), self.runner.hooks
  if hooks then
    hooks:finish(ahead.event, self.operation.request, outcome, outcome.failure, nil, self.runner:now() - ahead.began)
  end
end

return prefetch
