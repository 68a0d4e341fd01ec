--- The programs that the benches run beside each other, and how one of them is run for a slice of time.
local base64 = require "timekit.signing.base64"
local documents = require "spec.bench.documents"
local server = require "spec.bench.server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local load = {}

-- No slice takes nearly as long. Seconds.
local PATIENCE = 120

-- In which /proc counts the CPU, a second.
local TICKS = tonumber((shell.must("getconf CLK_TCK")))

local FOLDER = "spec/bench/peers/"
local FIRST = FOLDER .. "first/"
local LUA_HTTP = "LUA_PATH='./?.lua;;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.2/?.lua;"
  .. "/usr/share/lua/5.1/?.lua' "
-- Debian's, since only it has Debian's modules. Another one may come first in PATH.
local PYTHON = "/usr/bin/python3 -B "
local NODE = "node "
local NODE_HAS = [[-e 'require("./build/js/node_modules/%s")']]

local function own(prefix)
  return prefix .. this_lua.command .. " " .. FOLDER .. "timekit.lua"
end

local OF_LUAJIT = "LUA_CPATH='./build/luajit/?.so;;' "
local LUAJIT = OF_LUAJIT .. "luajit "

--- In the order in which a round runs them: peers that are compared closely stand together. `test` is a command that
-- succeeds if the peer is installed; `decodes`: it is others', and decodes the answer into a value of its language;
-- `far`: it is compared over a long way, too.
load.peers = {
  { name = "C libcurl easy", sequential = true, far = true, command = "build/bench/curl_easy" },
  { name = "C libcurl multi", concurrent = true, http2 = true, far = true, command = "build/bench/curl_multi" },
  { name = "timekit", sequential = true, concurrent = true, http2 = true, far = true, command = own "" },
  {
    name = "timekit without hooks", sequential = true, concurrent = true, http2 = true,
    command = own "BENCH_HOOKS=no ",
  },
  { name = "timekit, a call for each", concurrent = true, command = own "BENCH_CALLS=each " },
  {
    name = "timekit, a call for each, without hooks", concurrent = true,
    command = own "BENCH_CALLS=each BENCH_HOOKS=no ",
  },
  {
    name = "timekit, LuaJIT", concurrent = true, command = LUAJIT .. FOLDER .. "timekit.lua",
    test = LUAJIT .. [[-e 'require "socket"']],
  },
  {
    name = "a thin module", sequential = true, concurrent = true, http2 = true,
    command = this_lua.command .. " " .. FOLDER .. "thin.lua",
  },
  {
    name = "luasocket, lua-cjson", sequential = true, decodes = true, command = "lua5.4 " .. FOLDER .. "luasocket.lua",
    test = [[lua5.4 -e 'require "socket" require "cjson"']],
  },
  {
    name = "lua-http, lua-cjson", sequential = true, concurrent = true, decodes = true,
    command = LUA_HTTP .. "lua5.4 " .. FOLDER .. "lua_http.lua",
    test = "env " .. LUA_HTTP .. [[lua5.4 -e 'require "http.client" require "cjson"']],
  },
  {
    name = "lua-curl, lua-cjson (Lua 5.1)", sequential = true, decodes = true,
    command = "lua5.1 " .. FOLDER .. "lua_curl.lua",
    test = [[lua5.1 -e 'require "curl" require "cjson" require "socket"']],
  },
  {
    name = "pycurl, json", sequential = true, concurrent = true, far = true, decodes = true,
    command = PYTHON .. FOLDER .. "pycurl_peer.py", test = PYTHON .. "-c 'import pycurl'",
  },
  {
    name = "requests, json", sequential = true, decodes = true,
    command = PYTHON .. FOLDER .. "requests_peer.py", test = PYTHON .. "-c 'import requests'",
  },
  {
    name = "undici, JSON.parse", sequential = true, concurrent = true, decodes = true,
    command = NODE .. FOLDER .. "undici.js", test = NODE .. NODE_HAS:format("undici"),
  },
  {
    name = "timekit-sdk", sequential = true, concurrent = true, decodes = true,
    command = NODE .. FOLDER .. "timekit_sdk.js", test = NODE .. NODE_HAS:format("timekit-sdk"),
  },
}

--- One request in a fresh process each: see the row `first_answer`. In the order of a round.
load.first = {
  { name = "C and libcurl", command = "build/bench/first_curl" },
  { name = "timekit", command = this_lua.command .. " " .. FIRST .. "timekit.lua" },
  {
    name = "timekit, LuaJIT", environment = OF_LUAJIT, command = "luajit " .. FIRST .. "timekit.lua",
    test = "luajit -v",
  },
  {
    name = "lua-http, lua-cjson", environment = LUA_HTTP, command = "lua5.4 " .. FIRST .. "lua_http.lua",
    test = "env " .. LUA_HTTP .. [[lua5.4 -e 'require "http.request" require "cjson"']],
  },
  {
    name = "lua-curl, lua-cjson (Lua 5.1)", command = "lua5.1 " .. FIRST .. "lua_curl.lua",
    test = [[lua5.1 -e 'require "curl" require "cjson"']],
  },
  { name = "pycurl, json", command = PYTHON .. FIRST .. "with_pycurl.py", test = PYTHON .. "-c 'import pycurl'" },
  { name = "requests", command = PYTHON .. FIRST .. "with_requests.py", test = PYTHON .. "-c 'import requests'" },
  { name = "undici", command = NODE .. FIRST .. "undici.js", test = NODE .. NODE_HAS:format("undici") },
  { name = "Node's fetch", command = NODE .. FIRST .. "fetch.js", test = NODE .. "-e fetch" },
}

--- Those of this machine, and the names of those that it lacks.
-- @tparam {table,...} peers
-- @treturn {table,...}
-- @treturn {string,...}
function load.present(peers)
  local present, missing = {}, {}
  for _, peer in ipairs(peers) do
    if not peer.test or shell.run(peer.test) then
      present[#present + 1] = peer
    else
      missing[#missing + 1] = peer.name
    end
  end
  return present, missing
end

--- Their names.
function load.names(peers)
  local names = {}
  for index, peer in ipairs(peers) do names[index] = peer.name end
  return names
end

--- What programs are given by their environment.
-- @tparam ?string ca_file
-- @tparam ?integer bytes of the answer
-- @treturn string for `env`
function load.environment(ca_file, bytes)
  return ("env BENCH_BODY='%s' BENCH_BYTES=%d BENCH_KEY=%s BENCH_AUTH='Basic %s' BENCH_MODULES=build/js %s "):format(
    documents.BODY, bytes or #documents.ANSWER, documents.KEY, base64.encode(":" .. documents.KEY),
    ca_file and "BENCH_CA=" .. ca_file or "")
end

--- Runs a program to its end; raises what it said when it fails.
-- @tparam string command
-- @tparam ?string pin of `spec.bench.server`, `beside` by default
-- @tparam ?number patience seconds, where it takes long
-- @treturn string what it printed
function load.run(command, pin, patience)
  return shell.must(("timeout %d %s%s"):format(patience or PATIENCE, pin or server.beside, command))
end

-- The seconds of CPU that a process took so far.
local function cpu_of(process)
  local file = assert(io.open(("/proc/%d/stat"):format(process)))
  local user, system = file:read("*a"):match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
  file:close()
  return (user + system) / TICKS
end

--- Runs a peer for a slice.
-- @tparam table peer
-- @tparam table setup `url`, `protocol`, `in_flight`, `ca_file`, `bytes`, `pin`; `process`: the id of one whose CPU
--   counts in place of the peer's
-- @tparam integer count requests
-- @treturn number requests a second
-- @treturn number microseconds of CPU each
function load.slice(peer, setup, count)
  local warmup = math.max(setup.in_flight, math.ceil(count / 5))
  local environment = load.environment(setup.ca_file, setup.bytes)
  local cpu_before = setup.process and cpu_of(setup.process)
  local output = load.run(("%s%s '%s' %s %d %d %d"):format(
    environment, peer.command, setup.url, setup.protocol, setup.in_flight, warmup, count), setup.pin)
  local done, seconds, cpu = output:match("^(%d+) ([%d.]+) ([%d.]+)\n$")
  if tonumber(done) ~= count then error(("%s: %s"):format(peer.name, output), 0) end
  local each = setup.process and (cpu_of(setup.process) - cpu_before) / (warmup + count) or tonumber(cpu) / count
  return count / tonumber(seconds), each * 1e6
end

-- So many requests show a peer's speed.
local FIRST_SLICE = 500

--- Runs peers one after the other, round after round; a round before the first warms up and learns how many requests
-- make a slice.
-- @tparam {table,...} peers
-- @tparam ?table setup as for `slice`, and `first_slice`: the requests of the round before the first; each peer's own
--   by default
-- @tparam table plan `rounds`, `seconds` (of a slice)
-- @treturn table name → list of requests a second
-- @treturn table name → list of microseconds of CPU for each
function load.rounds(peers, setup, plan)
  local rates, costs, latest = {}, {}, {}
  for round = 0, plan.rounds do
    for _, peer in ipairs(peers) do
      local with = setup or peer.setup
      local count = latest[peer.name] and math.ceil(latest[peer.name] * plan.seconds) or with.first_slice or FIRST_SLICE
      local rate, cost = load.slice(peer, with, count)
      latest[peer.name] = rate
      if round > 0 then
        rates[peer.name], costs[peer.name] = rates[peer.name] or {}, costs[peer.name] or {}
        rates[peer.name][round], costs[peer.name][round] = rate, cost
      end
    end
  end
  return rates, costs
end

return load
