-- A client: how it is made and closed, that it shows no key, and the default client.
local blame = require "spec.support.blame"
local collect = require "spec.support.collect"
local scripted = require "spec.support.scripted"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local KEY = "live_api_key_Zm9vYmFy"

-- Everything that can be reached from a value without the debug library: keys, values and metatables.
local function each_string(value, visit, seen)
  seen = seen or {}
  if type(value) == "string" then return visit(value) end
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  each_string(getmetatable(value), visit, seen)
  for key, item in pairs(value) do
    each_string(key, visit, seen)
    each_string(item, visit, seen)
  end
end

describe("a client", function()
  it("connects once, with its credentials and headers", function()
    local transport = scripted.new(function() return scripted.booking "confirmed" end)
    local ca_file = os.tmpname()
    local file = assert(io.open(ca_file, "w"))
    file:write("-----BEGIN CERTIFICATE-----\n")
    file:close()
    finally(function() os.remove(ca_file) end)
    local tk = timekit.new {
      app_key = KEY, transport = transport, base_url = "http://127.0.0.1:8808/v2/", connect_timeout = 3,
      max_response = 1000, ca_file = ca_file, proxy = "http://proxy:3128", http2 = true, app_info = "shop/2.1",
      timezone = "Europe/Copenhagen",
    }
    tk:booking("b1"):confirm()
    tk:booking("b2"):confirm()
    assert.equal(1, #transport.connections)
    local options = transport.connections[1]
    assert.matches("^timekit%-lua/.* shop/2%.1$", options.user_agent)
    options.user_agent = nil
    assert.same({
      base_url = "http://127.0.0.1:8808/v2", allow_http = false, username = "", password = KEY,
      connect_timeout = 3, max_response = 1000,
      ca_file = ca_file, proxy = "http://proxy:3128", http2 = true,
      headers = { Accept = "application/json", ["Timekit-Timezone"] = "Europe/Copenhagen" },
    }, options)
    for _, request in ipairs(transport.requests) do
      each_string({ request.target, request.headers, request.body }, function(text)
        assert.is_nil(text:find(KEY, 1, true))
      end)
    end
  end)

  it("signs in as a resource", function()
    local transport = scripted.new {}
    timekit.new { resource_email = "marty@timekit.io", resource_key = "rk_1234", app = "slug", transport = transport }
    local options = transport.connections[1]
    assert.same({ "marty@timekit.io", "rk_1234", "slug" },
      { options.username, options.password, options.headers["Timekit-App"] })
  end)

  it("needs no key for a transport of one's own", function()
    local getenv = os.getenv
    os.getenv = function() return nil end -- luacheck: ignore 122
    local transport = scripted.new {}
    local ok, problem = pcall(timekit.new, { transport = transport })
    os.getenv = getenv -- luacheck: ignore 122
    assert(ok, problem)
    assert.equal("test_api_key", transport.connections[1].password)
  end)

  it("has its own time for an operation, and an operation its own", function()
    local transport = scripted.new(function() return scripted.booking "confirmed" end)
    local tk = timekit.new { app_key = KEY, transport = transport, timeout = 5 }
    tk:booking("b1"):confirm()
    tk:booking("b1"):get { timeout = 0.5 }
    tk:booking("b1"):get()
    local timeouts = {}
    for index, request in ipairs(transport.requests) do timeouts[index] = request.timeout end
    assert.same({ 5, 0.5, 5 }, timeouts)
  end)

  it("closes once, and says so", function()
    local transport = scripted.new {}
    local tk = timekit.new { app_key = KEY, transport = transport }
    assert.equal("timekit.client (https://api.timekit.io/v2)", tostring(tk))
    tk:close()
    tk:close()
    assert.equal(1, transport.closed)
    assert.equal("timekit.client (closed)", tostring(tk))
  end)

  it("closes by itself when nobody has it any more, not while a handle does", function()
    local transport = scripted.new(function() return scripted.booking "confirmed" end)
    local booking = timekit.new({ app_key = KEY, transport = transport, retries = 0 }):booking("b1")
    collect()
    assert.equal(0, transport.closed)
    assert(booking:confirm())
    booking = nil -- luacheck: ignore 311
    collect()
    assert.equal(1, transport.closed)
  end)

  if this_lua.closes then
    it("closes at the end of its block", function()
      local transport = scripted.new {}
      local run = load [[
        local timekit, options = ...
        local tk <close> = timekit.new(options)
      ]]
      run(timekit, { app_key = KEY, transport = transport })
      assert.equal(1, transport.closed)
    end)
  end
end)

describe("a key", function()
  it("is in nothing that a client, a handle or a connection shows", function()
    local options = { app_key = KEY, proxy = "http://u:proxy_password@127.0.0.1:1" }
    for _, transport in ipairs { "core", timekit.sandbox.new(), scripted.new {} } do
      options.transport = transport ~= "core" and transport or nil
      local tk = timekit.new(options)
      local connection = require("timekit.transport.core"):connect { password = KEY, proxy = options.proxy }
      for _, object in ipairs { tk, tk:booking("b1"), connection } do
        assert.is_nil(tostring(object):find(KEY, 1, true))
        each_string(object, function(text)
          assert.is_nil(text:find(KEY, 1, true))
          assert.is_nil(text:find("proxy_password", 1, true))
        end)
      end
    end
  end)

  it("is in no error, wherever the server puts it", function()
    local basic = "OmxpdmVfYXBpX2tleV9abTl2WW1GeQ" -- base64(":" .. KEY)
    local echo = KEY .. " " .. basic .. "=="
    for _, body in ipairs {
      echo, "<html><title>" .. echo .. "</title>", ("x"):rep(65530) .. echo, ('{"error":"%s"}'):format(echo),
      ('{"errors":{"%s":["%s"]}}'):format(KEY, echo), ('{"%s":{"x":["%s"]}}'):format(KEY, echo),
      ('{"data":"%s"}'):format(echo), '{"error":"' .. ("x"):rep(485) .. echo .. '"}',
      ([[{"error":"Cannot apply action '%s' to current state '%s'"}]]):format(KEY, echo),
    } do
      for _, status in ipairs { 200, 302, 400, 401, 404, 422, 429, 500, 503 } do
        local answer = scripted.answer(status, body, { ["timekit-request-id"] = echo })
        local cut_off = scripted.failure("response", "yes", status, body)
        cut_off.headers = answer.headers
        for _, outcome in ipairs { answer, cut_off } do
          local transport = scripted.new(function() return outcome end)
          local booking = timekit.new({ app_key = KEY, transport = transport, retries = 0 }):booking("b1")
          for _, method in ipairs { "get", "confirm" } do
            local none, err = booking[method](booking)
            assert.is_nil(none)
            each_string({ err, tostring(err), tostring(err.cause) }, function(text)
              assert.is_nil(text:find("live_api_key", 1, true), text)
              assert.is_nil(text:find("OmxpdmVf", 1, true), text)
            end)
          end
        end
      end
    end
  end)
end)

describe("the default client", function()
  local function configured(options)
    local transport = scripted.new(function() return scripted.booking "confirmed" end)
    options.app_key, options.transport = KEY, transport
    timekit.configure(options)
    return transport
  end

  it("is made when it is first needed, once", function()
    local transport = configured { timeout = 5 }
    assert.equal(0, #transport.connections)
    assert(timekit.booking("b1"):action("confirm"))
    assert(timekit.booking { id = "b2" }:confirm())
    assert.equal(1, #transport.connections)
    assert.equal(2, #transport.requests)
    assert.equal(5, transport.requests[1].timeout)
  end)

  it("is replaced by configure, but for the handles that it made before", function()
    local first = configured {}
    local booking = timekit.booking("b1")
    local second = configured {}
    assert(booking:confirm())
    assert(timekit.booking("b1"):confirm())
    assert.same({ 1, 1 }, { #first.requests, #second.requests })
  end)

  it("is not touched by options that are changed afterwards, or wrong", function()
    local options = {}
    local transport = configured(options)
    options.timeout = -1
    assert.matches("timeout: ", blame(function() timekit.configure(options) end))
    assert(timekit.booking("b1"):confirm())
    assert.equal(30, transport.requests[1].timeout)
  end)
end)

describe("the module", function()
  it("has graphs, null, arrays, a version, and a sandbox for those who ask", function()
    assert.equal("confirm_decline", timekit.graphs.confirm_decline.name)
    assert.equal("userdata", type(timekit.null))
    assert.is_string(timekit.version)
    assert.is_function(timekit.sandbox.new)
    assert.is_nil(timekit.sandbx)
    assert.matches("array", blame(function() timekit.array { a = 1 } end))
  end)

  it("loads without the sandbox", function()
    package.loaded["timekit"], package.loaded["timekit.sandbox"] = nil, nil
    require "timekit"
    assert.is_nil(package.loaded["timekit.sandbox"])
  end)
end)

describe("timekit.is_array", function()
  it("tells a JSON array from an object", function()
    assert.is_true(timekit.is_array(timekit.array {}))
    assert.is_false(timekit.is_array {})
    assert.is_false(timekit.is_array("x"))
  end)
end)
