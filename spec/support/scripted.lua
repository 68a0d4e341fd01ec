--- A transport whose answers are planned: it keeps the contract of timekit.transport.reference and touches no network.
-- As over a real network, no transfer is done before `wait`.
local scripted = {}

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  local owner = self.owner
  assert(not self.closed, "a request on a closed connection")
  local copy = { connection = self }
  for key, value in pairs(request) do copy[key] = value end
  table.insert(owner.requests, copy)
  local planned = owner.plan
  if type(planned) == "table" then planned = table.remove(planned, 1) end
  if type(planned) == "function" then planned = planned(copy) end
  local transfer = { finished = false }
  function transfer.done() return transfer.finished end
  function transfer.cancel() error("nobody cancels yet") end
  function transfer.result() return transfer.finished and assert(planned, "an unplanned request") or nil end
  table.insert(self.transfers, transfer)
  return transfer
end

function Connection:wait(seconds)
  assert(seconds > 0)
  for _, transfer in ipairs(self.transfers) do transfer.finished = true end
  self.transfers = {}
end

function Connection:step()
  self:wait(1)
end

function Connection.fd() return nil end

function Connection.timeout() return nil end

function Connection:close()
  assert(not self.closed, "closed twice")
  self.closed = true
  self.owner.closed = self.owner.closed + 1
end

--- @param plan a list of outcomes, used up one by one; or function(request) → outcome
-- @treturn table a transport with `requests` and `connections` (the options of each), `closed` (how many were)
function scripted.new(plan)
  return {
    plan = plan, requests = {}, connections = {}, closed = 0,
    connect = function(owner, options)
      table.insert(owner.connections, options)
      return setmetatable({ owner = owner, transfers = {} }, Connection)
    end,
  }
end

--- A complete answer.
function scripted.answer(status, body, headers)
  return { status = status, headers = headers or {}, body = body or "", sent = "yes", reused = false }
end

--- A failure; with a status, in the middle of the answer.
function scripted.failure(kind, sent, status, body)
  return {
    status = status, headers = status and {} or nil, body = status and (body or ""),
    failure = { kind = kind, message = "planned " .. kind, code = 7 }, sent = sent, reused = false,
  }
end

--- A booking as an answer.
function scripted.booking(state, graph, extra)
  return scripted.answer(200, ('{"data":{"id":"b1","graph":"%s","state":"%s"%s}}'):format(
    graph or "confirm_decline", state, extra or ""))
end

return scripted
