--- What a command of Redis's costs in each host: 64 of them ask at once, one command after the other, unless the name
-- says how many. HAProxy and copas 1 are measured where they are.
local daemon = require "spec.support.daemon"
local lfs = require "lfs"
local load = require "spec.bench.load"
local nginx = require "spec.support.nginx"
local redis = require "spec.support.redis"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local PROBE = "spec/bench/probes/link.lua"

-- `most`: what the first version took, in microseconds, on a machine of its own.
local WAYS = {
  { "a program", most = 42 }, { "a program, 64 at once", most = 12.5 }, { "64 calls of start", most = 27 },
  { "luv", most = 30 }, { "cqueues", most = 42 },
}

local INIT = [[
init_by_lua_block {
  timekit = require "timekit"
  tk = timekit.new { app_key = "k", base_url = "http://127.0.0.1:1/v2" }
  link = tk:queue({ redis = "REDIS" }).jobs.link
  core = require "timekit.core"
}
]]

local LOCATIONS = [[
  location = /ask { content_by_lua_block {
    local host, count = { runtime = (tk.runner:here()), pump = tk.runner.pump }, tonumber(ngx.var.arg_count)
    local began = core.now()
    for _ = 1, count do assert(link:ask(host, { "PING" }, 20) == "PONG") end
    ngx.print((core.now() - began) / count * 1e6)
  } }
  location = /pipelined { content_by_lua_block {
    local host, count = { runtime = (tk.runner:here()), pump = tk.runner.pump }, tonumber(ngx.var.arg_count)
    local began = core.now()
    for _ = 1, count / 64 do
      local transfers = {}
      for index = 1, 64 do transfers[index] = link:start { "PING" } end
      for _, transfer in ipairs(transfers) do
        if not transfer:done() then host.runtime.wait(host.pump, transfer) end
      end
    end
    ngx.print((core.now() - began) / count * 1e6)
  } }
]]

local HAPROXY = [[
global
  lua-prepend-path "FOLDER/lua/?.lua"
  lua-prepend-path "FOLDER/lua/?/init.lua"
  lua-prepend-path "FOLDER/build/lua5.3/?.so" cpath
  lua-load spec/support/redis_haproxy.lua
defaults
  mode http
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:PORT
  http-request use-service lua.many if { path /many }
  http-request use-service lua.fast if { path /fast }
]]

local COUNT = 6400

local function in_nginx(address)
  local server = nginx.start(nginx.configuration(LOCATIONS, { http = (INIT:gsub("REDIS", address)) }), "")
  local times = {}
  for _, path in ipairs { "/ask", "/pipelined" } do
    server:get(path .. "?count=640")
    times[#times + 1] = tonumber((server:get(path .. "?count=" .. COUNT)))
  end
  server:close()
  return times[1], times[2]
end

-- Ten requests of 1,000 commands each, all at once. HAProxy tells no descriptors, so they wait by naps.
local function in_haproxy(address)
  local folder, port = daemon.folder(), daemon.free_port()
  daemon.write(folder .. "/haproxy.cfg", (HAPROXY:gsub("%u%u%u%u+", { FOLDER = lfs.currentdir(), PORT = port })))
  local haproxy = daemon.start(folder, ("haproxy -db -C %s -f %s/haproxy.cfg"):format(lfs.currentdir(), folder), port,
    ("TIMEKIT_APP_KEY=k TIMEKIT_BASE_URL=http://127.0.0.1:1/v2 REDIS=%s"):format(address))
  local core = require "timekit.core"
  local asked, began = {}, core.now()
  for index = 1, 10 do asked[index] = haproxy:ask("/many?id=" .. index) end
  for _, connection in ipairs(asked) do assert(daemon.answer(connection) == "1000") end
  local time = (core.now() - began) / 10000 * 1e6
  haproxy:close()
  return time
end

return function(report, context)
  report:heading("Redis: a command in each host")
  local server, body = redis.start "", {}
  local function show(name, time, cpu)
    body[#body + 1] = { name, ("%.1f"):format(time), cpu and ("%.1f"):format(cpu) or "" }
  end
  local function probe(lua, way)
    local output = load.run(("%s %s %s '%s' %g"):format(lua, PROBE, server.address, way, context.plan.seconds))
    local time, cpu = output:match "^(%S+)\t(%S+)\n$"
    show(way, tonumber(time), tonumber(cpu))
    return tonumber(time)
  end
  for _, way in ipairs(WAYS) do
    report:row {
      name = "a command of Redis's, µs: " .. way[1], value = probe(this_lua.command, way[1]), format = "%.1f",
      at_least = 3 * way.most, aim = way.most, most = true,
    }
  end
  if daemon.is_here("lua5.1", "lua5.1") and shell.run "lua5.1 -e 'require \"copas\"'" then
    probe("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='build/lua5.1/?.so;;' lua5.1", "copas")
  end
  local one, pipelined = in_nginx(server.address)
  show("nginx, one request", one)
  show("nginx, 64 at once", pipelined)
  if daemon.is_here("haproxy", "lua5.3") then show("HAProxy, 10 requests", in_haproxy(server.address)) end
  server:close()
  report:table({ "host", "µs", "µs of CPU" }, body)
end
