--- The hooks `before` and `after` of a client, which see every try of every request.
-- An error in a hook does not break the operation, and it is not lost: `client:close` raises the first one. An error of
-- `before` also stands in the table that `after` gets for the same try, as `before_error`.
--
-- Hooks use up the operation's time. If `before` leaves none, the request is not sent. The time of `after` counts for
-- all that follows, so the last `after` can make the operation end after its deadline. A hook may close the client: the
-- operation then ends as `cancelled`, unless it was over already.
-- @module timekit.call.hooks

local hooks = {}

local Hooks = {}
Hooks.__index = Hooks

local function run(self, name, hook, event)
  local ok, problem = pcall(hook, event)
  if ok then return nil end
  -- `tostring` of an error object can raise, and before Lua 5.4 it can return something that is not a string.
  local written, text = pcall(tostring, problem)
  if not written or type(text) ~= "string" then text = "an error of type " .. type(problem) end
  self.problem = self.problem or ("timekit: the hook '%s' raised: %s"):format(name, text)
  return problem
end

--- Makes the hooks of a client.
-- @tparam table settings `before`, `after` (functions or nil), `log_bodies` (boolean)
-- @tparam function clean removes keys from a text (see `timekit.call.redact`)
-- @treturn Hooks|nil nil when the client has neither
function hooks.new(settings, clean)
  if not (settings.before or settings.after) then return nil end
  return setmetatable({
    on_before = settings.before, on_after = settings.after, log_bodies = settings.log_bodies, clean = clean,
    problem = nil, -- the first error of a hook, until it is handed out
  }, Hooks)
end

--- A try begins.
-- @tparam table request as in the transport contract
-- @tparam table operation as for `timekit.call.retry`
-- @tparam integer attempt the number of the try, from 1; looks into an uncertain outcome count as well
-- @tparam boolean looking the request is such a look
-- @treturn table the event, for `finish`
function Hooks:begin(request, operation, attempt, looking)
  local clean = self.clean
  local id, graph, action = operation.id, operation.graph, operation.action
  local event = {
    method = request.method, route = clean(request.route), id = id and clean(id), graph = graph and clean(graph),
    action = action and clean(action), attempt = attempt, reconcile = looking,
    request_body = self.log_bodies and request.body and clean(request.body) or nil,
  }
  if self.on_before then event.before_error = run(self, "before", self.on_before, event) end
  return event
end

--- A try ended.
-- @tparam table event what `begin` returned
-- @tparam table outcome as in the transport contract
-- @tparam ?table failure as `timekit.http.response.read` returned it
-- @tparam ?string request_id without keys
-- @tparam number elapsed seconds
function Hooks:finish(event, outcome, failure, request_id, elapsed)
  if not self.on_after then return end
  -- The constructor makes room for all fields at once.
  local after = {
    method = nil, route = nil, id = nil, graph = nil, action = nil, attempt = nil, reconcile = nil,
    status = nil, sent = nil, elapsed = nil, kind = nil, request_id = nil,
  }
  for name, value in next, event do after[name] = value end
  after.status, after.sent, after.elapsed = outcome.status, outcome.sent, elapsed
  after.kind = failure and failure.kind
  after.request_id = request_id
  after.response_body = self.log_bodies and outcome.body and self.clean(outcome.body) or nil
  run(self, "after", self.on_after, after)
end

--- The first error of a hook. It is handed out once.
-- @treturn string|nil
function Hooks:take_problem()
  local problem = self.problem
  self.problem = nil
  return problem
end

return hooks
