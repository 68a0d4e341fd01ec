--- A transport whose transfers end when the spec says so, for what happens before they end.
-- It keeps the contract of timekit.transport.reference and touches no network.
local held = {}

local Transfer = {}
Transfer.__index = Transfer

function Transfer:done() return self.outcome ~= nil end

function Transfer:result() return self.outcome end

function Transfer:cancel()
  if self.outcome then return end
  self.outcome = { failure = { kind = "cancelled", message = "cancelled" }, sent = "maybe" }
end

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  local transfer = setmetatable({ request = request }, Transfer)
  table.insert(self.owner.transfers, transfer)
  return transfer
end

function Connection:finished()
  return table.remove(self.owner.ended, 1)
end

-- Only the spec ends transfers.
function Connection:step() self.owner.steps = self.owner.steps + 1 end

function Connection:wait(seconds)
  self.owner.waits[#self.owner.waits + 1] = seconds
  if self.owner.on_wait then self.owner.on_wait(seconds) end
end

function Connection.fd() return nil end

function Connection.timeout() return nil end

function Connection:close()
  for _, transfer in ipairs(self.owner.transfers) do transfer:cancel() end
end

-- Ends a transfer, by its number.
local function finish(self, number, outcome)
  local transfer = assert(self.transfers[number], "that request was not sent")
  transfer.outcome = outcome
  self.ended[#self.ended + 1] = transfer
end

--- Makes the transport.
-- @treturn table `transfers` in the order of their starts, each with its `request`; `transport:finish(number, outcome)`
--   ends one. `steps`: how often it was stepped; `waits`: how long it was asked to wait, `on_wait`: called then
function held.new()
  return {
    transfers = {}, ended = {}, steps = 0, waits = {}, finish = finish,
    connect = function(owner) return setmetatable({ owner = owner }, Connection) end,
  }
end

return held
