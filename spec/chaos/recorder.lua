--- A transport around another one, which notes what a client gets to see: its requests and what came of each.
-- An operation's answer is judged by these notes and by the server's, not by what the client believes.
local core = require "timekit.core"

local recorder = {}

local function booking_state(outcome)
  if outcome.failure or outcome.status < 200 or outcome.status > 299 then return nil end
  local value = core.decode(outcome.body)
  local data = type(value) == "table" and value.data
  return type(data) == "table" and type(data.state) == "string" and data.state or nil
end

local function refused_state(outcome)
  if outcome.failure or outcome.status ~= 422 then return nil end
  return outcome.body:match("Cannot apply action '[^']*' to current state '([^']*)'")
end

-- Timekit's own 503, not a gateway's page: the sandbox's faults have a JSON object where it is the former.
local function is_limited(outcome)
  return not outcome.failure and outcome.status == 503 and type(core.decode(outcome.body)) == "table"
end

local function note(entry, outcome)
  entry.sent, entry.status = outcome.sent, outcome.status
  entry.failure = outcome.failure and outcome.failure.kind
  entry.state, entry.refused = booking_state(outcome), refused_state(outcome)
  entry.limited = is_limited(outcome)
  entry.retry_after = tonumber(outcome.headers and outcome.headers["retry-after"])
end

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  local owner = self.owner
  local entry = { method = request.method, timeout = request.timeout }
  local trace = owner.current()
  trace[#trace + 1] = entry
  if owner.before then owner.before(#trace) end
  local inner = self.inner:start(request)
  local outer = {
    done = function() return inner:done() end,
    cancel = function() inner:cancel() end,
    result = function()
      local outcome = inner:result()
      if outcome and not entry.sent then note(entry, outcome) end
      return outcome
    end,
  }
  self.outer[inner] = outer
  return outer
end

for _, name in ipairs { "wait", "step", "fd", "timeout", "close" } do
  Connection[name] = function(self, ...) return self.inner[name](self.inner, ...) end
end

-- Optional parts of the contract.
local optional = {}

function optional:alarm(when)
  self.inner:alarm(when)
end

-- A connection that sends more than it was asked to reports transfers that nobody started.
function optional:finished()
  for inner in self.inner.finished, self.inner do
    local outer = self.outer[inner]
    self.outer[inner] = nil
    if outer then return outer end
  end
end

--- @param transport the one that does the work
-- @treturn table a transport, which has for each operation a list of what was noted: `method`, `status`, `failure` (its
--   kind), `sent`, `state` (the booking's, where the answer shows it), `refused` (the state that the action was refused
--   in), `retry_after`, `limited` (it is the rate limit's 503). `current` is a function that returns the list of the
--   operation which is running: set it. `before`, when set, is called with the number of the request that is about to
--   be sent.
function recorder.new(transport)
  return {
    connect = function(owner, options)
      local inner = transport:connect(options)
      local connection = { owner = owner, inner = inner, outer = setmetatable({}, { __mode = "k" }) }
      for name, fn in pairs(optional) do
        if inner[name] then connection[name] = fn end
      end
      return setmetatable(connection, Connection)
    end,
  }
end

--- How many requests of an operation were retries, of the action or of a look.
-- @tparam table trace
-- @treturn integer
function recorder.retries(trace)
  local count = 0
  for index = 2, #trace do
    if trace[index].method ~= "GET" or trace[index - 1].method == "GET" then count = count + 1 end
  end
  return count
end

return recorder
