--- `timekit webhook listen`: receives deliveries, stores each before it answers, and hands it on.
-- @module timekit.cli.receiver

local core = require "timekit.core"
local deliveries = require "timekit.cli.deliveries"
local exits = require "timekit.cli.exits"
local json = require "timekit.cli.json"
local libraries = require "timekit.cli.libraries"
local timekit = require "timekit"

local receiver = {}

--- What receives.
-- @type Receiver
local Receiver = {}
Receiver.__index = Receiver

local function answer(status, body)
  local text = core.encode(body)
  return {
    status = status, body = text,
    headers = { ["content-type"] = "application/json", ["content-length"] = tostring(#text) },
  }
end

function Receiver:print(delivery)
  local context = self.context
  local as_table = (context.args.output or context.terminal.has_output and "table") == "table"
  context:out((as_table and deliveries.summary(delivery) or json.encode(deliveries.shown(delivery))) .. "\n")
  io.stdout:flush()
end

-- Forwards a delivery, and runs the command for it.
function Receiver:hand_on(delivery)
  local handing_on, args = require "timekit.cli.handing_on", self.context.args
  if args.forward then
    local done, outcome = handing_on.forward(delivery, args.forward)
    if not done then
      self.context:note(("delivery %d was not forwarded (%s): timekit webhook replay %d"):format(
        delivery.n, outcome, delivery.n))
    end
  end
  if args.exec then self:execute(delivery) end
  self.pending[delivery.n] = nil
end

-- Runs the command, one delivery after the other, in the order in which they came here.
function Receiver:execute(delivery)
  self.queued[#self.queued + 1] = delivery
  while self.queued[1] ~= delivery do self.turn:wait() end
  local done = require("timekit.cli.handing_on").execute(delivery, self.context.args.exec)
  if not done then self.context:note(("the command failed for delivery %d"):format(delivery.n)) end
  table.remove(self.queued, 1)
  self.turn:signal()
end

-- Answers a request. The answer is sent after this returns, so a delivery is stored by then.
function Receiver:respond(request)
  if request.method ~= "POST" then return answer(405, { error = "Deliveries are sent by POST" }) end
  local signature = request.headers["x-timekit-signature"]
  local good, reason = timekit.webhook.verify(request.body, signature, self.secret)
  if not good then
    self.context:note("refused a delivery: " .. reason)
    return answer(401, { error = reason })
  end
  local delivery, problem = self.store:add {
    received_at = os.date "!%Y-%m-%dT%H:%M:%SZ", signature = signature, body = request.body,
    forward = self.context.args.forward,
  }
  if not delivery then
    self.context:note("a delivery cannot be stored: " .. problem)
    return answer(500, { error = "The delivery cannot be stored" })
  end
  self.pending[delivery.n] = true
  -- The controller begins new coroutines in any order, so each takes the delivery that has waited longest.
  self.stored[#self.stored + 1] = delivery
  self.queue:wrap(function()
    local first = table.remove(self.stored, 1)
    local printed, failure = pcall(self.print, self, first)
    if not printed then self.context:note(failure.message or tostring(failure)) end
    self:hand_on(first)
  end)
  return answer(200, { stored = delivery.n })
end

-- Names what was stored, but not handed on before the end.
function Receiver:tell_pending()
  local numbers = {}
  for number in pairs(self.pending) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  if #numbers > 0 then
    self.context:note(("stored, but not handed on yet: %s; see timekit webhook replay"):format(
      table.concat(numbers, ", ")))
  end
end

--- Receives deliveries until Ctrl-C.
-- Raises a failure if deliveries cannot be stored, or `--forward` is wrong.
-- @tparam Context context its `args`: `host`, `port`, `forward`, `exec`, `store`
-- @tparam string secret the webhook's
-- @treturn integer the exit code
function receiver.run(context, secret)
  local listener = require "timekit.sandbox.served.listener"
  libraries.http "receiving webhooks"
  if context.args.forward then require("timekit.cli.handing_on").check(context.args.forward) end
  local self = setmetatable({
    context = context, secret = secret,
    store = deliveries.open(context.args.store or deliveries.path()),
    pending = {},  -- number → true: stored, not handed on yet
    stored = {},   -- deliveries that wait to be printed
    queued = {},   -- deliveries that wait for the command; the first one has it
    turn = require("cqueues.condition").new(),
    queue = nil,   -- the controller, once it is there
  }, Receiver)
  local served, problem = listener.serve {
    host = context.args.host or "127.0.0.1", port = context.args.port,
    respond = function(request) return self:respond(request) end,
    report = function(text) context:err("timekit: " .. text .. "\n") end,
    on_ready = function(origin, _, queue)
      self.queue = queue
      context:note("receiving webhooks on " .. origin .. "/")
    end,
  }
  if not served then return context:refuse("failed", problem) end
  self:tell_pending()
  return exits.INTERRUPTED
end

return receiver
