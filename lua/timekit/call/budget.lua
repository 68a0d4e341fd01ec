--- A retry budget: stops a client from retrying against a server that fails everybody.
-- It is a token bucket, as in botocore's standard mode: each retry takes tokens, each success gives some back, and
-- while too few are left nothing is retried. The first look at what became of an action is free; further looks are
-- retries like any other. Pure.
-- @module timekit.call.budget

local Budget = {}
Budget.__index = Budget

local budget = {}

local CAPACITY, COST, REFUND = 500, 5, 1

--- Makes a full budget, for all operations of one client.
-- @treturn Budget
function budget.new()
  return setmetatable({ tokens = CAPACITY }, Budget)
end

--- Pays for a retry.
-- @treturn boolean false: the budget is used up, do not retry
function Budget:take()
  if self.tokens < COST then return false end
  self.tokens = self.tokens - COST
  return true
end

--- An operation succeeded.
-- @tparam boolean retried it took a retry: the whole cost comes back, else a little
function Budget:give(retried)
  if self.tokens == CAPACITY then return end
  self.tokens = math.min(CAPACITY, self.tokens + (retried and COST or REFUND))
end

return budget
