-- The link and the queue in hosts that are programs of their own: copas, whose real one Debian has for Lua 5.1, and
-- HAProxy. (nginx: nginx_spec.lua; those that the suite's own Lua has: hosts_spec.lua.)
local core = require "timekit.core"
local daemon = require "spec.support.daemon"
local host = require "spec.support.loop_host"
local lfs = require "lfs"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local redis_host = require "spec.support.redis_host"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local CONFIGURATION = [[
global
  nbthread 2
  lua-prepend-path "FOLDER/lua/?.lua"
  lua-prepend-path "FOLDER/lua/?/init.lua"
  lua-prepend-path "FOLDER/build/lua5.3/?.so" cpath
  LOAD spec/support/redis_haproxy.lua
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend web
  bind 127.0.0.1:PORT
  http-request use-service lua.many if { path /many }
  http-request use-service lua.fast if { path /fast }
  http-request use-service lua.add if { path /add }
  http-request use-service lua.stats if { path /stats }
]]

describe("with Redis", function()
  local server
  setup(function() server = redis_host.open() end)
  teardown(function() redis_host.close(server) end)
  before_each(host.reset)

  local function copas(lua, before)
    assert.equal("10000\tothers went on\n", shell.must(([[
      eval "$(env -u LUA_PATH -u LUA_CPATH make -s env LUA=%s)"
      timeout 60 %s -e '%s' spec/support/redis_copas.lua %s 20 500]]):format(lua, lua, before or "", server.address)))
  end

  it("10,000 commands in threads of copas 1", function()
    if not (daemon.is_here("lua5.1", "lua5.1") and shell.run "lua5.1 -e 'require \"copas\"'") then
      return pending "copas, or the module for Lua 5.1, is not here: see `make test-hosts`"
    end
    copas "lua5.1"
  end)

  local with_timers = [[require "spec.support.copas_timers"]]
  if shell.run(this_lua.name .. " -e '" .. with_timers .. "'") then
    it("10,000 commands in threads of copas 4", function() copas(this_lua.name, with_timers) end)
  end

  it("10,000 commands in threads of copas 4, as far as a double tells", function()
    copas(this_lua.name, [[package.loaded.copas = require "spec.support.copas_double"]])
  end)

  for _, load in ipairs { "lua-load", "lua-load-per-thread" } do
    it("10,000 commands in services of HAProxy, and a worker in its tasks, by " .. load, function()
      if not daemon.is_here("haproxy", "lua5.3") then
        return pending "HAProxy, or the module for its Lua 5.3, is not here: see `make test-hosts`"
      end
      local folder, port = daemon.folder(), daemon.free_port()
      local text = CONFIGURATION:gsub("%u%u%u%u+", { FOLDER = lfs.currentdir(), LOAD = load, PORT = port })
      daemon.write(folder .. "/haproxy.cfg", text)
      local haproxy = daemon.start(folder, ("haproxy -db -C %s -f %s/haproxy.cfg"):format(lfs.currentdir(), folder),
        port, ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s REDIS=%s"):format(host.KEY, host.url(), server.address))
      local function get(path) return (haproxy:get(path)) end
      local asked, ids = {}, host.create(4)
      for index = 1, 10 do asked[index] = haproxy:ask("/many?id=" .. index) end
      for _ = 1, 20 do assert.equal("fast", get "/fast") end
      for _, connection in ipairs(asked) do assert.equal("1000", (daemon.answer(connection))) end
      local before = core.decode(get "/stats").done
      for _, id in ipairs(ids) do assert.equal("new", core.decode(get("/add?id=" .. id)).what) end
      program.await("the jobs are not done", function() return core.decode(get "/stats").done == before + #ids end)
      host.assert_confirmed_once(ids)
      haproxy:close()
    end)
  end
end)
