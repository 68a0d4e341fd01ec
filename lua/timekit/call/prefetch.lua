--- Sends the first request of a read before anybody waits for it: the next page of a list, say.
--
-- Only that request is sent ahead. When the result is wanted, the operation is carried out as any other, with this
-- request as its first try. So retries, the phases of a host and cancelling need no code of their own here. Only the
-- operation holds the transfer: if a loop's iterator is dropped, the garbage collector ends the transfer with it.
-- @module timekit.call.prefetch

local prefetch = {}

--- A read that is under way.
-- @type Prefetch
local Prefetch = {}
Prefetch.__index = Prefetch

--- Starts a read. Nothing is sent yet where the client's own rate limit would have the request wait, or is shared with
-- other processes and would have to be asked.
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
  if limiter and limiter.is_shared then return self end
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

--- Did the first try fail because nobody waited for it? A large answer is read only while somebody waits, so its time
-- can run out before. The request is then sent again, within the operation's time.
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
  -- Where nobody can wait, `run` has not taken the request.
  self:cancel()
  return data, info
end

--- Ends the request, because nobody wants its result any more. Does nothing if the operation has taken it already.
function Prefetch:cancel()
  local prefetched = self.operation.prefetched
  if not prefetched then return end
  self.operation.prefetched = nil
  prefetched.transfer:cancel()
  local outcome, hooks = prefetched.transfer:result(), self.runner.hooks
  if hooks then
    hooks:finish(prefetched.event, self.operation.request, outcome, outcome.failure, nil,
      self.runner:now() - prefetched.began)
  end
end

return prefetch
