--- `make bench-instructions`: instructions of an action, counted by callgrind, and what Lua allocates for it. Unlike
-- times these repeat to one percent, so each has a limit; the program fails when one is over. The answer is the same
-- again and again, so Lua has its strings already; `varied` shows what sixty different answers add. ROWS (all): the
-- names of some of the rows, with spaces between them.
package.path = "./?.lua;" .. package.path

local callgrind = require "spec.bench.callgrind"
local handshakes = require "spec.bench.handshakes"
local load = require "spec.bench.load"
local server = require "spec.bench.server"
local this_lua = require "spec.support.this_lua"

-- Counts of actions; of new connections.
local FEW, MANY = 100, 500
local FEW_CONNECTIONS, MANY_CONNECTIONS = 4, 20
local ALLOCATING = 8000

-- `limit`: thousands of instructions, or bytes; `blocks`: blocks. Each is five percent above what was measured, since
-- processors differ in which functions of libc and simdjson they run, and memory in how many answers a step finds: the
-- more, the larger some tables become. By `start` it was 9,400 to 9,650 bytes on an idle machine and up to 10,120 on a
-- busy one, and the limit is above the middle. Of libcurl 7.88.1, OpenSSL 3.0, simdjson 3, Lua 5.4 and glibc 2.36 on
-- x86-64.
local ROWS = {
  { name = "one", title = "one by one", in_flight = 1, limit = 272 },
  { name = "64", title = "64 in flight", in_flight = 64, limit = 286 },
  { name = "hooks", title = "64 in flight, hooks set", in_flight = 64, hooks = true, limit = 304 },
  { name = "varied", title = "64 in flight, 60 answers", in_flight = 64, varied = true, limit = 316 },
  { name = "start", title = "by `start`", in_flight = 64, calls = "each", limit = 326 },
  { name = "start-hooks", title = "by `start`, hooks set", in_flight = 64, calls = "each", hooks = true, limit = 358 },
  { name = "http2", title = "HTTP/2, 64 streams", in_flight = 64, protocol = "h2", limit = 372 },
  { name = "tls", title = "one by one, new TLS connection", connection = "full", limit = 9000 },
  { name = "tls-resumed", title = "the same, resumed", connection = "resumed", limit = 4190 },
  { name = "memory", title = "64 in flight", manner = "workers", blocks = 55, limit = 6510 },
  { name = "memory-start", title = "by `start`", manner = "many_at_once", blocks = 72, limit = 10400 },
}

local PEER = this_lua.command .. " spec/bench/peers/timekit.lua"
local ALLOCATIONS = this_lua.command .. " spec/bench/probes/allocations.lua"

local function environment_of(row, ca_file)
  return ("%sBENCH_HOOKS=%s BENCH_CALLS=%s "):format(
    load.environment(ca_file), row.hooks and "yes" or "no", row.calls or "workers")
end

local function of_actions(running, row)
  local url = row.protocol and running.tls_url or running.url
  local command = ("%s %s %s %d %d"):format(
    PEER, server.endpoint(url), row.protocol or "h1", row.in_flight, row.in_flight)
  return callgrind.total_per_item(environment_of(row, row.protocol and running.ca_file), command, FEW, MANY) / 1e3
end

-- The trust of these is the system's whole bundle and the root of the server's chain.
local function of_connections(servers, row)
  local environment = ("%sCURL_CA_BUNDLE=%s "):format(environment_of(row), servers.trust("rsa"))
  local command = ("%s %s h1 1 1"):format(PEER, server.endpoint(servers.url("rsa", row.connection)))
  return callgrind.total_per_item(environment, command, FEW_CONNECTIONS, MANY_CONNECTIONS) / 1e3
end

local function of_memory(running, row)
  local output = load.run(("%s%s %s %s %d"):format(
    environment_of(row), ALLOCATIONS, running.url, row.manner, ALLOCATING))
  local blocks, bytes = output:match("^(%S+)%s+(%S+)\n$")
  return tonumber(bytes), tonumber(blocks)
end

local over = {}

local function show(row, what, value, limit)
  local is_over = value > limit
  print(("%-30s %-24s %9.1f   limit %6d%s"):format(row.title, what, value, limit, is_over and "   OVER" or ""))
  io.flush()
  if is_over then over[#over + 1] = row.name end
end

local function measure(row, running, servers)
  if row.manner then
    local bytes, blocks = of_memory(running, row)
    show(row, "bytes that Lua allocates", bytes, row.limit)
    show(row, "blocks", blocks, row.blocks)
  elseif row.connection then
    show(row, "thousand instructions", of_connections(servers, row), row.limit)
  else
    show(row, "thousand instructions", of_actions(running, row), row.limit)
  end
end

local function is_wanted(row)
  local wanted = os.getenv("ROWS") or ""
  return not wanted:find("%S") or (" " .. wanted .. " "):find(" " .. row.name .. " ", 1, true)
end

local constant, varied, servers = server.start(1), server.start(), handshakes.start()
local ok, problem = xpcall(function()
  for _, row in ipairs(ROWS) do
    if is_wanted(row) then measure(row, row.varied and varied or constant, servers) end
  end
end, debug.traceback)
for _, running in ipairs { constant, varied, servers } do running.close() end
if not ok then error(problem, 0) end
if #over > 0 then
  print("over: " .. table.concat(over, ", "))
  os.exit(1)
end
