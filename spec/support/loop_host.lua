--- A served sandbox and what the specs of event loops do with it: book, plan faults, count what is left behind.
-- A spec that uses it says `setup(host.open)`, `teardown(host.close)` and `before_each(host.reset)`.
local assert = require "luassert"
local collect = require "spec.support.collect"
local core = require "timekit.core"
local lfs = require "lfs"
local server = require "spec.support.sandbox_server"
local socket = require "socket"
local timekit = require "timekit"

local host = {}

host.KEY = "test_api_key_1"

--- Nothing can yield out of pcall on Lua 5.1, LuaJIT apart.
host.CAN_CATCH = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local served

function host.open() served = server.start() end

function host.close() served:close() end

function host.reset() assert(served:request("POST", "/_sandbox/reset") == 200) end

--- Where the sandbox is, as a client's `base_url`.
function host.url() return served.url end

--- A client of the sandbox, with these options.
function host.client(options)
  local all = { app_key = host.KEY, base_url = served.url }
  for name, value in pairs(options or {}) do all[name] = value end
  return timekit.new(all)
end

local CREATE = [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]

--- Creates bookings that can be confirmed, one unless `count` says more.
-- @treturn {string,…} their ids
function host.create(count)
  local ids = {}
  for index = 1, count or 1 do
    local status, answer = served:request("POST", "/v2/bookings", CREATE)
    assert(status == 201)
    ids[index] = answer.data.id
  end
  return ids
end

--- Plans faults of the sandbox's.
function host.plan(...)
  local status, answer = served:request("POST", "/_sandbox/faults", assert(core.encode { faults = core.array { ... } }))
  assert(status == 200, answer.error)
end

--- Checks that every booking was confirmed once, and nothing else happened to it.
function host.assert_confirmed_once(ids)
  local _, answer = served:request("GET", "/_sandbox/bookings")
  local histories = {}
  for _, booking in ipairs(answer.data) do
    local steps = {}
    for index, step in ipairs(booking.history) do steps[index] = step.to end
    histories[booking.id] = table.concat(steps, " ")
  end
  for _, id in ipairs(ids) do assert.equal("tentative confirmed", histories[id]) end
end

--- A server that takes requests and says nothing: `heard()` tells how many have come on connections of their own.
function host.silent_server()
  local listener, connections, heard = assert(socket.bind("127.0.0.1", 0)), {}, {}
  listener:settimeout(0)
  local _, port = listener:getsockname()
  local self = { url = "http://127.0.0.1:" .. port }
  function self.heard()
    for connection in function() return listener:accept() end do table.insert(connections, connection) end
    for _, connection in ipairs(socket.select(connections, nil, 0)) do heard[connection] = true end
    local count = 0
    for _ in pairs(heard) do count = count + 1 end
    return count
  end
  function self.close()
    for _, connection in ipairs(connections) do connection:close() end
    listener:close()
  end
  return self
end

--- How many descriptors this process holds once the garbage is collected.
function host.descriptors()
  collect()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
  return count
end

--- How much memory Lua holds once the garbage is collected.
function host.kilobytes()
  collect()
  return collectgarbage "count"
end

return host
