--- The hooks `before` and `after` of a client, which see every try of every request.
-- An error in a hook does not break the operation, and it is not lost: `client:close` raises the first one. An error of
-- `before` also stands in the table that `after` gets for the same try, as `before_error`.
--
-- Hooks use up the operation's time. If `before` leaves none, the request is not sent. The time of `after` counts for
-- all that follows, so the last `after` can make the operation end after its deadline. A hook may close the client: the
-- operation then ends as `cancelled`, unless it was over already.
-- @module timekit.call.hooks

local core = require "timekit.core"
local redaction = require "timekit.call.redact"

local hooks = {}

local Hooks = {}
Hooks.__index = Hooks

-- The fields that the table for `after` can have.
local FIELDS = 15

-- Notes what a hook raised.
local function note(self, name, problem)
  -- `tostring` of an error object can raise, and before Lua 5.4 it can return something that is not a string.
  local written, text = pcall(tostring, problem)
  if not written or type(text) ~= "string" then text = "an error of type " .. type(problem) end
  self.problem = self.problem or ("timekit: the hook '%s' raised: %s"):format(name, text)
  return problem
end

--- Makes the hooks of a client.
-- @tparam table settings `before`, `after` (functions or nil, not both nil), `log_bodies` (boolean)
-- @tparam function clean removes keys from a text (see `timekit.call.redact`)
-- @tparam number shortest the length of the shortest text that it changes
-- @treturn Hooks
function hooks.new(settings, clean, shortest)
  return setmetatable({
    on_before = settings.before, on_after = settings.after, log_bodies = settings.log_bodies, clean = clean,
    shortest = shortest,
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
  local clean, shortest, hook = self.clean, self.shortest, self.on_before
  local route, id, graph, action = request.route, operation.id, operation.graph, operation.action
  if #route >= shortest then route = clean(route) end
  if id and #id >= shortest then id = clean(id) end
  if graph and #graph >= shortest then graph = clean(graph) end
  if action and #action >= shortest then action = clean(action) end
  local event = {
    method = request.method, route = route, id = id, graph = graph, action = action, attempt = attempt,
    reconcile = looking,
    request_body = self.log_bodies and request.body and clean(request.body) or nil,
  }
  if not hook then return event end
  local ok, problem = pcall(hook, event)
  if not ok then event.before_error = note(self, "before", problem) end
  return event
end

--- A try ended.
-- @tparam table event what `begin` returned
-- @tparam table request as for `begin`
-- @tparam table outcome as in the transport contract
-- @tparam ?table failure as `timekit.http.response.read` returned it
-- @tparam ?string request_id without keys
-- @tparam number elapsed seconds
function Hooks:finish(event, request, outcome, failure, request_id, elapsed)
  local hook = self.on_after
  if not hook then return end
  -- A hook may have added fields to the event.
  local after = core.copied(event, FIELDS)
  after.status, after.sent, after.elapsed = outcome.status, outcome.sent, elapsed
  after.kind = failure and failure.kind
  after.request_id = request_id
  local body = self.log_bodies and outcome.body
  after.response_body = body and redaction.of_request(request, self.clean(body)) or nil
  local ok, problem = pcall(hook, after)
  if not ok then note(self, "after", problem) end
end

--- The first error of a hook. It is handed out once.
-- @treturn string|nil
function Hooks:take_problem()
  local problem = self.problem
  self.problem = nil
  return problem
end

return hooks
