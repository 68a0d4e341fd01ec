--- A small stateful Timekit behind the scripted transport. Its rules, its failures and its other writers are planned.
-- It uses nothing of lua/timekit, so that the two can be compared.
local scripted = require "spec.support.scripted"

local answer, failure = scripted.answer, scripted.failure

local Server = {}
Server.__index = Server

local wavering = {}

local function page(title)
  return ("<html><title>%s</title></html>"):format(title)
end

-- Answers of 200 that tell nothing, used in turn.
local USELESS = { "", '{"data":null}', page "It works", "[]", '{"data":{"id":"b1"}}' }

--- How a request can fail: name → function(server, request, whole) → outcome, where `whole` is the answer that the
-- server would have given.
wavering.failures = {
  unsent = function() return failure("network", "no") end,
  lost = function() return failure("network", "maybe") end,
  deadline = function(server, request)
    server.clock:advance(request.timeout)
    return failure("timeout", "maybe")
  end,
  truncated = function(_, _, whole)
    return failure("response", "yes", whole.status, whole.body:sub(1, -5))
  end,
  useless = function()
    table.insert(USELESS, table.remove(USELESS, 1))
    return answer(200, USELESS[1])
  end,
  -- The 503 of Timekit's rate limit; the one below is a gateway's.
  limited = function() return answer(503, '{"error":"Too many requests"}') end,
  [302] = function() return answer(302, "", { location = "https://example.com/" }) end,
  [401] = function() return answer(401, '{"error":"Unauthorized"}') end,
  [404] = function() return answer(404, '{"error":"Resource does not exist","model":"Booking"}') end,
  [429] = function() return answer(429, "", { ["retry-after"] = "86400" }) end,
}
for _, status in ipairs { 500, 502, 503, 504 } do
  wavering.failures[status] = function() return answer(status, page "Sorry") end
end

-- The rules decide, whoever acts; the history tells who it was.
function Server:apply(action, by)
  local to = self.moves[action] and self.moves[action][self.state]
  if not to then return false end
  self.state = to
  table.insert(self.history, { action = action, to = to, by = by })
  return true
end

local function others(server, moment)
  if server.others_when ~= moment then return end
  server.others_when = nil
  for _, action in ipairs(server.others) do assert(server:apply(action, "other")) end
end

local function booking(server)
  return answer(200, ('{"data":{"id":"b1","graph":"%s","state":"%s"}}'):format(server.graph, server.state))
end

local function perform(server, action)
  if server:apply(action, "client") then return booking(server) end
  return answer(422, ([[{"error":"Cannot apply action '%s' to current state '%s'"}]]):format(action, server.state))
end

local function deliver(server, moment)
  if server.late ~= moment then return end
  server.late = nil
  server:apply(server.action, "client")
end

local function put(server, request, entry)
  local action = request.target:match("^/bookings/b1/([^?]+)$")
  assert(action == server.action, "another action")
  server.puts = server.puts + 1
  local n = server.puts
  if n == 2 then deliver(server, "before a repeat") end
  local outcome
  if n > server.fails then
    outcome = perform(server, action)
  else
    local whole = booking(server)
    if server.arrives == "now" then
      whole = perform(server, action)
    elseif n == 1 and server.arrives ~= "never" then
      server.late = server.arrives
    end
    if server.failure ~= "deadline" then server.clock:advance(server.takes or 0) end
    entry.failed = true
    outcome = wavering.failures[server.failure](server, request, whole)
  end
  if n == 1 then others(server, "before a look") end
  if n == 2 then deliver(server, "after a repeat") end
  return outcome
end

local function get(server, request, entry)
  assert(request.method == "GET" and request.target == "/bookings/b1", "not a look")
  server.looks = server.looks + 1
  if server.looks <= (server.blind or 0) then
    entry.failed = true
    return wavering.failures[server.blindness](server, request, booking(server))
  end
  entry.state = server.state
  local outcome = booking(server)
  others(server, "after a look")
  return outcome
end

--- Makes a server with one booking, `b1`.
-- @tparam table plan with these fields:
--
-- - `clock` from spec.support.clock;
-- - `graph`, `state`, `moves` (action → state → state) of the booking, `action`: the one that is asked for;
-- - `failure`: one of `wavering.failures`; `fails`: so many tries of the action fail, the first ones; `takes`: seconds
--   of a failing try, unless it takes all that there are;
-- - `arrives`: when the failing tries reach the server: `"now"`, `"never"`, or late, only the first of them: `"before a
--   repeat"`, `"after a repeat"`, `"after the operation"`; without a repeat all of these are after the operation;
-- - `others`, `others_when`: actions of another writer, `"before a look"` or `"after a look"`;
-- - `blind`, `blindness`: so many looks fail, and how.
-- @treturn table with `transport`, `history` of the booking, and `log`, what the client did: `put` (boolean),
--   `outcome`, `failed` (boolean), `state` (what a look saw)
function wavering.new(plan)
  local self = setmetatable({ history = {}, log = {}, puts = 0, looks = 0 }, Server)
  for name, value in pairs(plan) do self[name] = value end
  self.transport = scripted.new(function(request)
    local entry = { put = request.method == "PUT" }
    table.insert(self.log, entry)
    entry.outcome = (entry.put and put or get)(self, request, entry)
    self.clock:advance(0.01)
    return entry.outcome
  end)
  return self
end

--- Lets late requests arrive, once the operation is over.
-- @treturn number how often the client's action was applied by it
function Server:finish()
  if self.late then deliver(self, self.late) end
  local applied = 0
  for _, step in ipairs(self.history) do
    if step.by == "client" then applied = applied + 1 end
  end
  return applied
end

return wavering
