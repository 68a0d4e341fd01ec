--- Runs timekit.call.retry on one operation to its end, with planned outcomes and a clock of its own.
local budget = require "timekit.call.budget"
local response = require "timekit.http.response"
local retry = require "timekit.call.retry"
local scripted = require "spec.support.scripted"

local machine = {}

--- Operations of each sort. Instead of requests they hold only names.
function machine.action(graph, name)
  return {
    request = "PUT", look = function() return "GET" end,
    expects = "booking", writes = true, action = name or "confirm", graph = graph,
  }
end
machine.READ = { request = "GET", expects = "booking" }
machine.CREATE = { request = "POST", expects = "created", writes = true, graph = "confirm_decline" }

local LOOK = { expects = "booking" }

--- Outcomes of requests.
machine.LOST = scripted.failure("network", "maybe")
machine.UNSENT = scripted.failure("network", "no")
machine.LATE = scripted.failure("timeout", "maybe")
machine.LIMITED = scripted.answer(503, '{"error":"Too many requests"}')

--- The server's refusal of an action.
function machine.refused(state, action)
  return scripted.answer(422,
    ([[{"error":"Cannot apply action '%s' to current state '%s'"}]]):format(action or "confirm", state))
end

--- An answer that says when to come back.
function machine.limited(status, retry_after, date)
  return scripted.answer(status, "", { ["retry-after"] = retry_after, date = date })
end

-- @tparam table operation
-- @tparam table plan the outcomes of its requests, each taking no time, or `{ seconds, outcome }`; `rest`: that of all
--   others
-- @tparam ?table options the policy, and `timeout` (60), `clock` (unix seconds)
-- @treturn table `data`, `failure`, `reconciled`; `done`: what it did, in order, requests and waits; `attempts`, `now`,
--   `machine`
function machine.run(operation, plan, options)
  local policy = { retries = 2, uncertain = "reconcile", random = function() return 1 end, budget = budget.new() }
  for name, value in pairs(options or {}) do policy[name] = value end
  local now = 1000
  local deadline = now + (policy.timeout or 60)
  local function clock() return policy.clock end
  local done, position = {}, 0
  local subject = retry.new(operation, policy, deadline)
  local verb, what = subject:next(now)
  while verb ~= "done" do
    assert(#done < 5000, "it never ends")
    done[#done + 1] = what
    if verb == "wait" then
      now = now + what
      verb, what = subject:next(now)
    else
      assert(verb == "send", verb)
      position = position + 1
      local outcome = plan[position] or plan.rest or error("no outcome was planned for request " .. position)
      if outcome[1] then
        now = now + outcome[1]
        outcome = outcome[2]
      end
      local data, failed, doubt = response.read(outcome, subject.looking and LOOK or operation, clock)
      verb, what = subject:answer(now, data, failed, doubt)
    end
  end
  assert(plan.rest or plan[position + 1] == nil, "not all that was planned was asked for")
  return {
    data = what, failure = subject.problem, reconciled = subject.reconciled, done = done, now = now,
    attempts = subject.attempts, machine = subject,
  }
end

--- A list whose numbers can be compared although they are floats.
function machine.rounded(list)
  local new = {}
  for index, value in ipairs(list) do
    new[index] = type(value) == "number" and math.floor(value * 1e6 + 0.5) / 1e6 or value
  end
  return new
end

return machine
