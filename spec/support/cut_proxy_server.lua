--- A TCP proxy that cuts connections, as a program of its own: spec/support/cut_proxy.lua is the way to use it.
-- It prints its port when it is ready, then answers each line of JSON on its standard input with one on its standard
-- output, and ends when the input does. Its argument is the port to relay to.
local cjson = require "cjson"
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local socket = require "socket"
local dice = require "spec.support.dice"
local new_wire = require "spec.support.fault.wire".new

local target = tonumber(arg[1])
local queue = cqueues.new()
local changed = condition.new()

-- `open` counts the connections that are still in use at either end.
local state = { seed = 0, rate = 0, connections = 0, open = 0, refusals = 0, cuts = {} }

-- Bytes of one direction after which a connection is cut at the latest: within its first request, or some later one.
local SPANS = { { 4, 450 }, { 3, 1600 }, { 1, 5000 } }

-- What becomes of a connection: nil, or `what` ("request": cut in what the client sends, "answer": in what comes back,
-- "swallow": the next answer disappears, "idle": the next answer is the last), `at` so many bytes, `how` ("fin" or
-- "reset").
local function draw(number)
  local own = dice.new(state.seed, "cut", number)
  if not own:chance(state.rate) then return nil end
  return {
    connection = number, what = own:pick { "request", "answer", "swallow", "idle" },
    at = own:integer(0, own:weighted(SPANS)), how = own:pick { "fin", "reset" },
  }
end

-- Counts bytes towards the kill. Returns how many of them may pass, and whether the process is dead now.
local function kill_if_due(size)
  local kill = state.kill
  if not kill then return size end
  kill.left = kill.left - size
  if kill.left > 0 then return size end
  state.kill = nil
  os.execute(("kill -9 %d 2>/dev/null%s"):format(kill.pid, kill.soon and " &" or ""))
  if kill.soon then return size end
  return size + kill.left, true
end

local Link = {}
Link.__index = Link

-- Ends the connection to the server and waits until the server ends it too: then it has dealt with all that it read.
local function end_server(server, how)
  if how == "reset" then return server:reset() end
  if server.closed then return end
  server.tcp:shutdown("send")
  repeat until not server:receive()
  server:fin()
end

function Link:cut()
  local plan = self.plan
  self.plan, self.is_cut = nil, true
  state.cuts[#state.cuts + 1] = plan
  self.client[plan.how](self.client)
  end_server(self.server, plan.how)
end

-- Passes on as many bytes as may pass; false if the connection ends with them.
function Link:pass(data, to, what)
  local plan, seen = self.plan, self.seen[what]
  if plan and plan.what == "swallow" and what == "answer" and self.seen.request >= plan.at then
    self:cut()
    return false
  end
  local allowed = #data
  if plan and plan.what == what then allowed = math.min(allowed, plan.at - seen) end
  local dead
  allowed, dead = kill_if_due(allowed)
  self.seen[what] = seen + allowed
  if allowed > 0 and not to:write(data:sub(1, allowed)) or self.is_cut or dead then return false end
  local over = plan and plan.what == what and self.seen[what] >= plan.at
  -- The bodies of the server behind this proxy end with a brace.
  if plan and plan.what == "idle" and what == "answer" and self.seen.request >= plan.at then
    over = data:sub(-1) == "}"
  end
  if over then self:cut() end
  return not over
end

function Link:relay(from, to, what)
  repeat
    local data = from:receive()
  until not data or not self:pass(data, to, what)
end

local function serve(wire, number)
  local tcp = socket.tcp4()
  if not tcp:connect("127.0.0.1", target) then return wire:reset() end
  local link = setmetatable({
    client = wire, server = new_wire(tcp), plan = draw(number), seen = { request = 0, answer = 0 },
  }, Link)
  local plan = link.plan
  if plan and plan.at == 0 and (plan.what == "request" or plan.what == "answer") then return link:cut() end
  local back_done, finished = false, condition.new()
  cqueues.running():wrap(function()
    link:relay(link.server, wire, "answer")
    wire:fin()
    back_done = true
    finished:signal()
  end)
  link:relay(wire, link.server, "request")
  if not link.is_cut then end_server(link.server, "fin") end
  while not back_done do finished:wait() end
end

local function guarded(wire, number)
  state.open = state.open + 1
  local ok, problem = xpcall(serve, debug.traceback, wire, number)
  if not ok then io.stderr:write("cut proxy: ", problem, "\n") end
  state.open = state.open - 1
  changed:signal()
end

-- A socket that is bound and never listens keeps the port, and connections to it are refused.
local holder = assert(socket.tcp4())
assert(holder:setoption("reuseaddr", true))
assert(holder:bind("127.0.0.1", 0))
local _, port = holder:getsockname()
local listener

local function listen()
  local own = assert(socket.tcp4())
  assert(own:setoption("reuseaddr", true))
  assert(own:bind("127.0.0.1", port))
  assert(own:listen(128))
  own:settimeout(0)
  listener = own
  queue:wrap(function()
    while listener == own do
      local tcp = own:accept()
      if tcp then
        state.connections = state.connections + 1
        queue:wrap(guarded, new_wire(tcp), state.connections)
      else
        cqueues.poll { pollfd = own:getfd(), events = "r" }
      end
    end
  end)
end

local commands = {}

function commands.begin(given)
  state.seed, state.rate = given.seed, given.rate
  state.connections, state.refusals, state.cuts = 0, 0, {}
  return {}
end

function commands.refuse(given)
  if given.on == not listener then return {} end
  if not given.on then
    listen()
  else
    local own = listener
    listener = nil
    cqueues.cancel(own:getfd())
    own:close()
    state.refusals = state.refusals + 1
  end
  return {}
end

function commands.settle()
  -- Connections whose clients have given up may still wait to be accepted.
  for _ = 1, 5 do cqueues.sleep(0) end
  while state.open > 0 do changed:wait() end
  return {
    cuts = #state.cuts > 0 and state.cuts or cjson.null, connections = state.connections, refusals = state.refusals,
  }
end

function commands.kill(given)
  state.kill = given.pid and { pid = given.pid, left = given.after, soon = given.soon }
  return {}
end

listen()
io.write(("%d\n"):format(port))
io.flush()

queue:wrap(function()
  while true do
    cqueues.poll { pollfd = 0, events = "r" }
    local line = io.read("l")
    if not line then os.exit(0) end
    local given = cjson.decode(line)
    io.write(cjson.encode(commands[given.command](given)), "\n")
    io.flush()
  end
end)
while true do
  local ok, problem = queue:loop()
  if not ok then io.stderr:write("cut proxy: ", tostring(problem), "\n") end
end
