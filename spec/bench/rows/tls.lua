--- What new connections over TLS cost a game's frame, with the system's whole bundle to trust.
local callgrind = require "spec.bench.callgrind"
local handshakes = require "spec.bench.handshakes"
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local stalls = require "spec.bench.stalls"
local this_lua = require "spec.support.this_lua"

-- Of a process: the first connection, and later ones.
local CALLS = 6
local ROUNDS = 9
local AT_ONCE = 64
-- Connections under callgrind.
local FEW, MANY = 4, 24

local PROBE = "spec/bench/probes/handshake.lua"
local FIELDS = { "start_wall", "start_cpu", "update_wall", "update_cpu", "cpu" }

-- Milliseconds of CPU, of RSA.
local AIMS = { first = 1.5, full = 1.5, resumed = 0.6, kept = 0.2, ["at once"] = 2 }
local LIMIT = 2

local function interpreters()
  local list = { { name = this_lua.name, command = this_lua.command } }
  if this_lua.name ~= "luajit" and os.execute("command -v luajit >/dev/null") then
    list[2] = { name = "luajit", command = "env LUA_CPATH='./build/luajit/?.so;;' luajit" }
  end
  return list
end

-- Runs the probe in a process of its own.
-- @treturn {table,...} of each batch, by FIELDS
local function probe(servers, interpreter, url, at_once, calls)
  local output = load.run(("%s%s %s %s %d %d"):format(
    servers.trusting, interpreter.command, PROBE, url, at_once, calls))
  local batches = {}
  for line in output:gmatch("[^\n]+") do
    local batch, index = {}, 0
    for number in line:gmatch("%S+") do
      index = index + 1
      batch[FIELDS[index]] = tonumber(number)
    end
    batches[#batches + 1] = batch
  end
  return batches
end

local function collect(samples, name, batch)
  samples[name] = samples[name] or {}
  for field, value in pairs(batch) do
    samples[name][field] = samples[name][field] or {}
    table.insert(samples[name][field], value)
  end
end

-- The first connection of each process, and the longest of the later ones, by what becomes of them.
local function measure(servers, interpreter, key)
  local samples = {}
  for _ = 1, ROUNDS do
    for _, kind in ipairs(handshakes.KINDS) do
      local batches = probe(servers, interpreter, servers.url(key, kind), 1, CALLS)
      collect(samples, "first", batches[1])
      for index = 2, #batches do collect(samples, kind, batches[index]) end
    end
    collect(samples, "at once", probe(servers, interpreter, servers.url(key, "full"), AT_ONCE, AT_ONCE)[1])
  end
  return samples
end

local NAMES = { "first", "full", "resumed", "kept", "at once" }
local TITLES = {
  first = "first connection", full = "new connection", resumed = "new connection, resumed", kept = "kept connection",
  ["at once"] = ("%d cold calls at once"):format(AT_ONCE),
}

local function show(report, interpreter, key, samples)
  local body = {}
  for index, name in ipairs(NAMES) do
    local of = samples[name]
    body[index] = { TITLES[name] }
    for position, field in ipairs(FIELDS) do body[index][position + 1] = numbers.text(of[field], "%.2f") end
  end
  report:line("%s, %s:", interpreter.name, key)
  report:line("")
  report:table({
    "connection", "longest start, ms", "of CPU", "longest update, ms", "of CPU", "CPU of all of it, ms",
  }, body)
  report:line("")
  for _, name in ipairs(key == "rsa" and NAMES or {}) do
    report:row {
      name = ("%s, %s, longest update, ms of CPU"):format(interpreter.name, TITLES[name]),
      value = numbers.spread(samples[name].update_cpu), format = "%.2f", at_least = LIMIT, aim = AIMS[name],
      most = true,
    }
  end
end

local function instructions(servers, key, kind)
  local command = ("%s %s %s 1"):format(this_lua.command, PROBE, servers.url(key, kind))
  return callgrind.total_per_item(load.environment() .. servers.trusting, command, FEW, MANY) / 1e6
end

local STALLS = 10

-- Wall time, so only the two beside each other say something.
local function show_stalls(report, servers)
  local body = {}
  for _, key in ipairs(handshakes.KEYS) do
    for _, kind in ipairs { "full", "resumed" } do
      local front = handshakes.front(servers, key, kind)
      local ok, problem = pcall(function()
        local first, action, proxy = stalls.measure(front.port, "/action", "confirmed", 1), {}, {}
        for _ = 1, ROUNDS do
          for list, path in pairs { [action] = "/action", [proxy] = "/proxy" } do
            for _, stall in ipairs(stalls.measure(front.port, path, "confirmed", STALLS)) do list[#list + 1] = stall end
          end
        end
        body[#body + 1] = {
          key .. ", " .. kind, ("%.2f"):format(first[1]), numbers.text(action, "%.2f"), numbers.text(proxy, "%.2f"),
        }
      end)
      front:close()
      if not ok then error(problem, 0) end
    end
  end
  report:line("nginx, one worker: how long another request waits at the most while one is answered over a new")
  report:line("connection.")
  report:line("")
  report:table({ "connection", "the first action, ms", "an action", "proxy_pass" }, body)
end

return function(report)
  local servers = handshakes.start()
  local ok, problem = xpcall(function()
    report:heading("New connections over TLS")
    report:line("A leaf, an intermediate and a root; the system trusts its own certificates and that root.")
    report:line("")
    for _, interpreter in ipairs(interpreters()) do
      for _, key in ipairs(handshakes.KEYS) do
        show(report, interpreter, key, measure(servers, interpreter, key))
      end
    end
    show_stalls(report, servers)
    for _, case in ipairs { { "full", 12 }, { "resumed", 5 } } do
      report:row {
        name = ("new connection, %s, millions of instructions"):format(case[1]),
        value = instructions(servers, "rsa", case[1]), format = "%.2f", at_least = case[2], aim = case[2], most = true,
      }
    end
  end, debug.traceback)
  servers.close()
  if not ok then error(problem, 0) end
end
