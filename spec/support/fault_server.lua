--- The fault server: a program that does to HTTP clients whatever it is told.
-- It prints one line of JSON when it is ready (ports, certificate files), then answers each line of
-- JSON on its standard input with one on its standard output, and ends when the input does.
-- spec/support/faults.lua is the way to use it.
local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "socket"
local ssl = require "ssl"
local acts = require "spec.support.fault.acts"
local http1 = require "spec.support.fault.http1"
local http2 = require "spec.support.fault.http2"
local proxy = require "spec.support.fault.proxy"
local tls = require "spec.support.tls"
local new_wire = require "spec.support.fault.wire".new

local queue = cqueues.new()
local plans, seen, served, accepts = {}, {}, {}, {}
local connections, wires, ports = {}, {}, {}
local proxied = { seen = {} }

-- Debian's lua-cjson decodes all numbers as floats, and "307.0" is no status.
local function with_integers(value)
  if type(value) ~= "table" then return math.tointeger(value) or value end
  for key, inner in pairs(value) do value[key] = with_integers(inner) end
  return value
end

local function record_of(id)
  seen[id] = seen[id] or { started = 0, complete = 0, requests = {} }
  return seen[id]
end

local function handler_of(wire)
  local handler = {}

  function handler.started(request)
    request.id = request.target:match("/f/([^/?]+)") or request.target
    request.connection, request.listener, request.client = wire.number, wire.listener, wire:client_name()
    served[request.id] = wire
    local record = record_of(request.id)
    record.started = record.started + 1
    record.requests[record.started] = request
    local steps = plans[request.id] or {}
    local step = steps[record.started] or {}
    step.act = step.act or "answer"
    return step
  end

  function handler.complete(request)
    request.complete = true
    local record = record_of(request.id)
    record.complete = record.complete + 1
  end

  function handler.act(request, step, out)
    local go_on = acts[step.act](step, request, out)
    if step.after then out.wire[step.after](out.wire) end
    return go_on and not out.wire.closed
  end

  return handler
end

local function serve(wire, context)
  local planned = table.remove(accepts[wire.listener] or {}, 1)
  if planned and planned.act == "silent" then
    while wire:receive() do cqueues.sleep(0) end
    return
  elseif planned then
    if planned.at == "hello" then wire:receive() end
    if planned.say then wire:write(planned.say) end
    return wire[planned.act](wire)
  end
  if wire.listener == "tls_proxy" and not wire:starttls(context) then return end
  if wire.listener:find("proxy$") then return proxy.serve(wire, proxied) end
  if wire.listener == "trap" then return end
  if context and not wire:starttls(context) then return end
  local h2 = context and wire.stream:getalpn() == "h2"
  return (h2 and http2 or http1).serve(wire, handler_of(wire))
end

local function guarded(wire, context)
  local ok, err = xpcall(serve, debug.traceback, wire, context)
  if not ok then io.stderr:write("fault server: ", err, "\n") end
  if not wire.closed then wire:fin() end
  wires[wire] = wire.held and true or nil
end

local function listen(name, context)
  local listener = assert(socket.bind("127.0.0.1", 0, 512))
  listener:settimeout(0)
  connections[name] = 0
  queue:wrap(function()
    while true do
      local tcp = listener:accept()
      if tcp then
        connections[name] = connections[name] + 1
        local wire = new_wire(tcp)
        wire.listener, wire.number = name, connections[name]
        wire.peer_port = select(2, tcp:getpeername())
        wires[wire] = true
        queue:wrap(guarded, wire, context)
      else
        cqueues.poll({ pollfd = listener:getfd(), events = "r" })
      end
    end
  end)
  ports[name] = select(2, listener:getsockname())
end

-- A port that is taken and refuses connections: bound, but nobody listens.
local closed = assert(socket.tcp4())
assert(closed:bind("127.0.0.1", 0))

local function context_of(directory, name, extra)
  local config = {
    mode = "server", protocol = "any", options = { "all", "no_sslv2", "no_sslv3" }, alpn = { "h2", "http/1.1" },
    certificate = ("%s/%s.pem"):format(directory, name), key = ("%s/%s.key"):format(directory, name),
  }
  for key, value in pairs(extra or {}) do config[key] = value end
  return assert(ssl.newcontext(config))
end

local commands = {}

function commands.plan(given)
  plans[given.id] = given.steps
  return {}
end

function commands.accept(given)
  local list = accepts[given.listener] or {}
  accepts[given.listener] = list
  for _ = 1, given.times or 1 do list[#list + 1] = given.step end
  return {}
end

-- The kernel may deliver what was sent a little later, on a busy machine. Waits until a client's side of
-- an ended connection has it: a FIN, a RST, or bytes to read.
local function await_delivery(ended)
  local deadline = cqueues.monotime() + 10
  for _, wire in ipairs(ended) do
    local pattern = ("0100007F:%04X 0100007F:%04X (%%x%%x) %%x+:(%%x+)"):format(wire.peer_port, ports[wire.listener])
    repeat
      local file = io.open("/proc/net/tcp")
      local state, unread
      if file then
        state, unread = file:read("a"):match(pattern)
        file:close()
      end
      local waiting = state == "01" and tonumber(unread, 16) == 0
      if waiting then cqueues.sleep(0.001) end
    until not waiting or cqueues.monotime() > deadline
  end
end

function commands.close(given)
  local ended = {}
  for wire in pairs(wires) do
    local idle = wire.idle and not wire.closed
    if wire.listener == given.listener and (idle or wire.held and given.how == "fin") then
      wire[given.how](wire)
      if idle then ended[#ended + 1] = wire end
      wires[wire] = wire.held and true or nil
    end
  end
  await_delivery(ended)
  return { count = #ended }
end

function commands.settle(given)
  local wire = served[given.id]
  if wire.closed then await_delivery { wire } end
  return {}
end

function commands.seen(given)
  return seen[given.id] or { started = 0, complete = 0, requests = {} }
end

function commands.proxy(given)
  proxied.status = given.status
  return {}
end

function commands.stats()
  local open = {}
  for name in pairs(connections) do open[name] = 0 end
  for wire in pairs(wires) do
    if not wire.closed then open[wire.listener] = open[wire.listener] + 1 end
  end
  return { connections = connections, open = open, proxied = proxied.seen }
end

local function control()
  while true do
    cqueues.poll({ pollfd = 0, events = "r" })
    local line = io.read("l")
    if not line then return end
    -- Clients' bytes that arrived before the question are read before it is answered.
    for _ = 1, 5 do cqueues.sleep(0) end
    local given = with_integers(cjson.decode(line))
    io.write(cjson.encode(commands[given.command](given)), "\n")
    io.flush()
  end
end

local pipe = assert(io.popen("mktemp -d"))
local directory = pipe:read("l")
pipe:close()
local files = tls.write(directory)
local old = { protocol = "tlsv1_1", ciphers = "DEFAULT:@SECLEVEL=0" }
listen("http")
listen("tls", context_of(directory, "good"))
listen("wrong_host", context_of(directory, "wrong_host"))
listen("expired", context_of(directory, "expired"))
listen("self_signed", context_of(directory, "self_signed"))
listen("old_tls", context_of(directory, "good", old))
listen("by_other", context_of(directory, "by_other"))
-- Without tickets: OpenSSL resumes no session of a client that it has verified unless sessions have a context's name,
-- which LuaSec does not set.
local no_tickets = { "all", "no_sslv2", "no_sslv3", "no_ticket" }
listen("client_wanted", context_of(directory, "good", {
  cafile = directory .. "/ca.pem", verify = { "peer", "fail_if_no_peer_cert" }, options = no_tickets,
}))
listen("proxy")
listen("tls_proxy", context_of(directory, "by_other", {
  alpn = { "http/1.1" }, cafile = directory .. "/ca.pem", verify = "peer", options = no_tickets,
}))
listen("trap")
ports.closed = select(2, closed:getsockname())
io.write(cjson.encode { ports = ports, directory = directory }, "\n")
io.flush()

queue:wrap(function()
  control()
  for _, name in ipairs(files) do os.remove(directory .. "/" .. name) end
  os.remove(directory)
  os.exit(0)
end)
while true do
  local ok, err = queue:loop()
  if not ok then io.stderr:write("fault server: ", tostring(err), "\n") end
end
