--- A box as a transport: the contract of `timekit.transport.reference`, without a network.
--
-- A transfer ends at once, unless a fault stalls it. A stalled one ends at a later `wait` or `step`, as if the time had
-- passed. Nobody sleeps: each connection has a time of its own, which jumps to the stalled transfer that is due next.
-- The `times` of an outcome say how long it would have taken.
-- @module timekit.sandbox.connection
local ascii = require "timekit.text.ascii"
local wire = require "timekit.sandbox.model.wire"

local connection = {}

local function failed(kind, sent, message)
  return { failure = { kind = kind, message = message .. " (a planned fault)" }, sent = sent }
end

local function timed_out(timeout)
  return failed("timeout", "maybe", ("no answer within %s seconds"):format(ascii.number(timeout)))
end

-- The outcome that the caller sees of an answer that leaves the box.
local function outcome_of(answer)
  local what = answer.fault and answer.fault.what
  if what == "refuse" then return failed("network", "no", "connection refused") end
  if not answer.status then return failed("network", "maybe", "the connection was lost before the answer") end
  local outcome = what == "truncate" and failed("response", "yes", "the connection was lost in the answer")
    or { sent = "yes" }
  outcome.status, outcome.headers, outcome.body = answer.status, answer.headers, answer.body
  return outcome
end

local Transfer = {}
Transfer.__index = Transfer

function Transfer:done()
  return self.outcome ~= nil
end

function Transfer:result()
  return self.outcome
end

function Transfer:finish(outcome, seconds)
  -- A refused connection has served nothing, and a lost one cannot serve the next request.
  outcome.reused = outcome.sent ~= "no" and self.connection.used
  self.connection.used = outcome.failure == nil
  outcome.http_version = outcome.status and "1.1" or nil
  outcome.times = { name_lookup = 0, connect = 0, tls = 0, first_byte = seconds, total = seconds }
  self.outcome = outcome
end

function Transfer:cancel()
  local stalled = self.connection.stalled
  for position, transfer in ipairs(stalled) do
    if transfer == self then
      table.remove(stalled, position)
      self:finish(failed("cancelled", "maybe", "cancelled while it was stalled"), 0)
    end
  end
end

local Connection = {}
Connection.__index = Connection

local function check_open(self)
  if self.closed then error("the connection is closed", 3) end
end

-- Keeps a transfer back for as long as the fault stalls it, and no longer than its timeout.
local function stall(self, transfer, answer, timeout)
  transfer.stalled_answer, transfer.timeout = answer, timeout
  transfer.lasts = math.min(answer.fault.seconds or math.huge, timeout)
  transfer.due = self.time + transfer.lasts
  self.stalled[#self.stalled + 1] = transfer
end

-- A stall that is shorter than the timeout ends with the answer, else with a timeout.
local function outcome_after_stall(transfer)
  local answer = transfer.stalled_answer
  if transfer.lasts >= transfer.timeout then return timed_out(transfer.timeout) end
  return outcome_of(answer.resume and answer.resume() or answer)
end

-- Ends the stalled transfer that is due first.
local function pass_time(self)
  local first
  for position, transfer in ipairs(self.stalled) do
    if not first or transfer.due < self.stalled[first].due then first = position end
  end
  if not first then return end
  local transfer = table.remove(self.stalled, first)
  self.time = transfer.due
  transfer:finish(outcome_after_stall(transfer), transfer.lasts)
end

--- Starts a transfer, which ends at once unless a fault stalls it.
-- @tparam table request `{ method =, target =, headers =, body =, timeout = }`, `target` relative to the base URL
-- @treturn table transfer with `done()`, `result()`, `cancel()`
function Connection:start(request)
  check_open(self)
  local headers = wire.lower(self.headers)
  for name, value in pairs(wire.lower(request.headers)) do headers[name] = value end
  if request.authorize ~= false then headers.authorization = self.authorization() end
  local answer = self.box:handle {
    method = request.method, target = "/v2" .. request.target, headers = headers, body = request.body,
    base_url = self.base_url,
  }
  local transfer = setmetatable({
    connection = self,
    outcome = nil,                           -- once it is over
    stalled_answer = nil, timeout = nil,     -- while a fault stalls it: what comes in the end, and by when
    lasts = nil, due = nil,                  -- seconds that the stall takes, and when it ends, by the connection's time
  }, Transfer)
  if answer.fault and answer.fault.what == "stall" then
    stall(self, transfer, answer, request.timeout)
  else
    transfer:finish(outcome_of(answer), 0)
  end
  return transfer
end

--- Ends the stalled transfer that is due first, without waiting for it.
function Connection:wait()
  check_open(self)
  pass_time(self)
end

--- As `wait`.
function Connection:step()
  check_open(self)
  pass_time(self)
end

--- A box has no descriptor.
-- @treturn nil
function Connection.fd()
  return nil
end

--- Seconds until `step` has something to do.
-- @treturn number|nil 0 while a transfer is stalled, else nil
function Connection:timeout()
  return self.stalled[1] and 0 or nil
end

--- Ends the connection, and cancels what is stalled. Closing it again does nothing.
function Connection:close()
  self.closed = true
  while self.stalled[1] do self.stalled[1]:cancel() end
end

--- Opens a connection to a box.
-- @tparam table box
-- @tparam table options of the transport contract: `base_url`, `username`, `password`, `headers`, `user_agent`. Those
--   for a network are ignored
-- @treturn table connection
function connection.new(box, options)
  local headers = wire.lower(options.headers)
  headers["user-agent"] = options.user_agent
  local authorization
  if options.username or options.password then
    authorization = wire.basic(options.username or "", options.password or "")
  end
  return setmetatable({
    box = box, base_url = options.base_url, headers = headers,
    used = false, -- it has served a request
    closed = false,
    time = 0, -- seconds that its stalled transfers have taken
    stalled = {}, -- the transfers that a fault stalls
    -- A closure hides the key from whoever prints the connection.
    authorization = function() return authorization end,
  }, Connection)
end

return connection
