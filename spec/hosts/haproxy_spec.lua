-- In a real HAProxy, whichever way it loads Lua: what asks Timekit waits alone, and what cannot wait sends nothing.
local core = require "timekit.core"
local daemon = require "spec.support.daemon"
local lfs = require "lfs"
local loop_host = require "spec.support.loop_host"
local shell = require "spec.support.shell"
local socket = require "socket"
local timekit = require "timekit"
local tls = require "spec.support.tls"

local create, plan, assert_confirmed_once = loop_host.create, loop_host.plan, loop_host.assert_confirmed_once

it("the runtime for HAProxy is refused elsewhere", function()
  assert.has_error(function() timekit.new { app_key = "test_key", runtime = "haproxy" } end,
    "timekit.runtime.haproxy works inside HAProxy")
end)

if not daemon.is_here("haproxy", "lua5.3") then
  pending "HAProxy, or the module for its Lua 5.3, is not here: see `make test-hosts`"
  return
end

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

local IS_ROOT = shell.must("id -u") == "0\n"
local SOME_ID = "11111111-2222-4333-8444-555555555555"

local PATHS = ([[
  lua-prepend-path "%s/lua/?.lua"
  lua-prepend-path "%s/lua/?/init.lua"
  lua-prepend-path "%s/build/lua5.3/?.so" cpath
]]):gsub("%%s", lfs.currentdir())

local CONFIGURATION = [[
global
  nbthread 2
  PATHS
  MORE
  LOAD spec/support/haproxy_app.lua
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 127.0.0.1:PORT
  http-request lua.confirm if { path /action }
  http-request set-var(txn.told) lua.confirm if { path /fetch }
  http-request set-var(txn.told) lua.early if { path /early }
  http-request set-var(txn.told) url_param(id),lua.confirm if { path /converter }
  http-request use-service lua.confirm if { path /confirm }
  http-request use-service lua.get_held if { path /get_held }
  http-request use-service lua.fast if { path /fast }
  http-request use-service lua.told if { path /told }
  http-request use-service lua.timeout if { path /timeout }
  http-request use-service lua.plain_coroutine if { path /plain_coroutine }
  http-request use-service lua.call if { path /call }
  http-request return status 200 content-type text/plain lf-string "%[var(txn.told)]"
FRONTENDS
]]

-- TLS for the sandbox: HAProxy itself speaks it.
local SECURE = [[
frontend secure
  bind 127.0.0.1:TLS_BIND ssl crt FOLDER/server.pem
  http-request set-header Host SANDBOX
  default_backend sandbox
backend sandbox
  server sandbox SANDBOX
]]

local CLEAN = "-u SSL_CERT_FILE -u SSL_CERT_DIR -u CURL_CA_BUNDLE"

local function fill(text, values)
  for name, value in pairs(values) do text = text:gsub(name, (value:gsub("%%", "%%%%"))) end
  return text
end

local function environment_of(url, held_url, more)
  return ("%s TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s HELD_URL=%s %s"):format(
    CLEAN, loop_host.KEY, url, held_url, more or "")
end

local function start(folder, text, port, environment)
  daemon.write(folder .. "/haproxy.cfg", text)
  local command = ("haproxy -db -C %s -f %s/haproxy.cfg"):format(lfs.currentdir(), folder)
  return daemon.start(folder, command, port, environment)
end

local function decode(text) return assert(core.decode(text)) end

-- A server whose answers come when the spec says so.
local function held_server()
  local listener, taken = assert(socket.bind("127.0.0.1", 0)), {}
  listener:settimeout(20)
  local _, port = listener:getsockname()
  local self = { url = ("http://127.0.0.1:%s/v2"):format(port) }
  function self.take(count)
    for _ = 1, count do
      local connection = assert(listener:accept())
      connection:settimeout(20)
      repeat local line = assert(connection:receive("*l")) until line == ""
      taken[#taken + 1] = connection
    end
  end
  function self.answer()
    for _, connection in ipairs(taken) do
      connection:send("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
      connection:close()
    end
    taken = {}
  end
  function self.close()
    self.answer()
    listener:close()
  end
  return self
end

for _, load in ipairs { "lua-load", "lua-load-per-thread" } do
  describe("HAProxy with two threads and " .. load, function()
    local haproxy, held

    -- A state for each thread runs its own task.
    local tasks = load == "lua-load" and 1 or 2

    setup(function()
      local port = daemon.free_port()
      held = held_server()
      haproxy = start(daemon.folder(), fill(CONFIGURATION, {
        PATHS = PATHS, MORE = "", LOAD = load, PORT = port, FRONTENDS = "",
      }), port, environment_of(loop_host.url(), held.url))
      held.take(tasks)
    end)
    teardown(function()
      haproxy:close()
      held.close()
    end)

    it("answers others while requests wait", function()
      local waiting = {}
      for index = 1, 8 do waiting[index] = haproxy:ask("/get_held?id=" .. SOME_ID) end
      held.take(#waiting)
      for _ = 1, 20 do assert.equal("fast", (haproxy:get "/fast")) end
      assert.same({}, { next((socket.select(waiting, nil, 0))) })
      held.answer()
      for _, connection in ipairs(waiting) do
        assert.equal("not_found", decode(daemon.answer(connection)).kind)
      end
    end)

    it("lets a task wait", function()
      held.answer()
      local told
      repeat told = decode((haproxy:get "/told")) until told.task
      assert.equal("not_found", decode(told.task).kind)
    end)

    for _, place in ipairs { "/confirm", "/action", "/call", "/plain_coroutine" } do
      it("confirms once by " .. place .. ", retries included", function()
        local ids = create(4)
        plan({ match = "PUT /v2/bookings/*/confirm", what = "status", status = 429, when = "before" },
          { match = "PUT /v2/bookings/*/confirm", what = "close", when = "after" })
        local asked = {}
        for index, id in ipairs(ids) do asked[index] = haproxy:ask(place .. "?id=" .. id) end
        for _, connection in ipairs(asked) do
          assert.equal("confirmed", decode((daemon.answer(connection))).state)
        end
        assert_confirmed_once(ids)
      end)
    end

    it("ends a request that takes too long", function()
      local asked = haproxy:ask("/timeout?id=" .. SOME_ID)
      assert.equal("timeout", decode((daemon.answer(asked))).kind)
    end)

    for place, what in pairs { fetch = "a fetch", converter = "a converter" } do
      it("sends nothing in " .. what, function()
        local id = create(1)[1]
        local told = decode((haproxy:get(("/%s?id=%s"):format(place, id))))
        assert.same({ "phase", "no" }, { told.kind, told.sent })
        assert.truthy(told.message:find("HAProxy cannot wait in " .. what, 1, true), told.message)
        assert.equal("tentative", loop_host.client():booking(id):get().state)
      end)
    end

    it("sends nothing in a fetch that was registered before the runtime was loaded", function()
      local id = create(1)[1]
      assert.equal("", (haproxy:get("/early?id=" .. id)))
      assert.truthy(haproxy:log():find("Lua sample-fetch 'early': yield not allowed", 1, true), haproxy:log())
      assert.equal("tentative", loop_host.client():booking(id):get().state)
    end)

    it("sends nothing while it starts", function()
      local told = decode((haproxy:get "/told"))
      for _, moment in ipairs { "body", "init" } do
        local outcome = decode(told[moment])
        assert.same({ "phase", "no" }, { outcome.kind, outcome.sent })
        assert.truthy(outcome.message:find("while it starts", 1, true), outcome.message)
      end
    end)
  end)
end

describe("HAProxy", function()
  local haproxy, held
  after_each(function()
    haproxy:close()
    if held then held.close() end
    held = nil
  end)

  local function with_tls(more, name, certificate)
    local folder, port, secure_port = daemon.folder(), daemon.free_port(), daemon.free_port()
    tls.write(folder)
    shell.must(("cd %s && cat %s.pem %s.key > server.pem && mkdir -p empty other/etc"):format(
      folder, certificate, certificate))
    daemon.write(folder .. "/other/etc/hosts", "127.0.0.1 elsewhere.example\n")
    held = held_server()
    local values = { PATHS = PATHS, MORE = more(folder), LOAD = "lua-load", PORT = port, FRONTENDS = SECURE }
    local text = fill(fill(CONFIGURATION, values), {
      TLS_BIND = secure_port, FOLDER = folder, SANDBOX = loop_host.url():match("//([^/]+)"),
    })
    haproxy = start(folder, text, port, environment_of(("https://%s:%s/v2"):format(name, secure_port), held.url,
      ("TIMEKIT_CA_FILE=%s/ca.pem"):format(folder)))
  end

  local function confirms()
    local ids = create(1)
    assert.equal("confirmed", decode((haproxy:get("/confirm?id=" .. ids[1]))).state)
    assert_confirmed_once(ids)
  end

  it("asks by TLS from within a chroot that has no certificates", function()
    -- Only root may chroot; anybody else sees that TLS works.
    with_tls(function(folder)
      return IS_ROOT and ("chroot %s/empty\n  user nobody\n  group nogroup"):format(folder) or ""
    end, "127.0.0.1", "good")
    confirms()
  end)

  if IS_ROOT then
    it("looks names up by what its chroot has in etc/", function()
      with_tls(function(folder) return ("chroot %s/other"):format(folder) end, "elsewhere.example", "wrong_host")
      confirms()
    end)
  end

  it("runs the example as it stands", function()
    local folder, port = daemon.folder(), daemon.free_port()
    shell.must("cp spec/examples/haproxy/* " .. folder)
    local file = assert(io.open(folder .. "/haproxy.cfg"))
    local text = file:read("*a")
    file:close()
    text = text:gsub("\nglobal\n", function() return "\nglobal\n" .. PATHS end):gsub("127%.0%.0%.1:8080",
      "127.0.0.1:" .. port)
    daemon.write(folder .. "/haproxy.cfg", text)
    haproxy = daemon.start(folder, "haproxy -db -f haproxy.cfg", port, environment_of(loop_host.url(), ""))
    local ids = create(1)
    assert.equal("confirmed\n", (haproxy:get("/confirm?id=" .. ids[1])))
    assert_confirmed_once(ids)
  end)
end)
