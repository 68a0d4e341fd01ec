-- What the engine refuses to take, what it shows of what it took, and that it changes nothing of it.
local core = require "timekit.core"
local faults = require "spec.support.faults"

describe("the engine", function()
  local server, engine

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function() engine = core.engine { base_url = server.url.http } end)
  after_each(function() engine:close() end)

  local function new_engine(extra)
    local options = { base_url = server.url.http }
    for key, value in pairs(extra) do options[key] = value end
    return core.engine(options)
  end

  describe("refuses options, naming them:", function()
    local cases = {
      { "base_url", nil }, { "base_url", 1 }, { "base_url", "" }, { "base_url", "127.0.0.1" },
      { "username", 1 }, { "password", true }, { "user_agent", {} }, { "user_agent", "a\r\nX-Injected: 1" },
      { "ca_file", 1 }, { "ca_file", "/nonexistent/ca.pem" }, { "proxy", 1 }, { "proxy", "gopher://x" },
      { "headers", 1 }, { "headers", { "X: y" } }, { "headers", { ["X-A"] = 1 } },
      { "headers", { ["X-A"] = "1\r\nX-Injected: 2" } }, { "headers", { ["X-A\r\nX-B"] = "1" } },
      { "headers", { ["X A"] = "1" } }, { "headers", { [""] = "1" } }, { "headers", { ["X-A"] = "\0" } },
      { "headers", { Host = "other" } }, { "headers", { ["content-length"] = "1" } },
      { "headers", { Authorization = "Basic x" } }, { "headers", { ["Transfer-Encoding"] = "chunked" } },
      { "connect_timeout", 0 }, { "connect_timeout", -1 }, { "connect_timeout", "10" }, { "connect_timeout", 0 / 0 },
      { "max_response", 0 }, { "max_response", -1 }, { "max_response", {} }, { "max_response", 1e30 },
      { "max_headers", 0 }, { "max_headers", "1" },
    }
    for i, case in ipairs(cases) do
      it(("%s (%d)"):format(case[1], i), function()
        local options = { base_url = server.url.http, username = "", password = "secret" }
        options[case[1]] = case[2]
        local ok, message = pcall(core.engine, options)
        assert.is_false(ok)
        assert.truthy(message:find(case[1], 1, true), message)
        assert.is_nil(message:find("secret", 1, true))
      end)
    end

    it("no table at all", function()
      assert.has_error(function() core.engine() end)
      assert.has_error(function() core.engine("http://127.0.0.1") end)
    end)
  end)

  describe("refuses requests, naming what is wrong, and sends nothing:", function()
    local cases = {
      { "method", nil }, { "method", 1 }, { "method", "" }, { "method", "get" }, { "method", "TRACE" },
      { "method", "GET / HTTP/1.1\r\nX: y" },
      { "target", nil }, { "target", 1 }, { "target", "" }, { "target", "f" }, { "target", "/a b" },
      { "target", "/a\r\nX: y" }, { "target", "/a\0b" }, { "target", "/a#b" }, { "target", "/\195\182" },
      { "target", "@evil.example/" },
      { "headers", 1 }, { "headers", { ["X-A"] = {} } }, { "headers", { ["X-A"] = "1\nX-B: 2" } },
      { "headers", { ["X:A"] = "1" } }, { "headers", { Expect = "100-continue" } },
      { "body", 1 }, { "body", {} },
      { "timeout", 0 }, { "timeout", -1 }, { "timeout", "1" }, { "timeout", 0 / 0 },
    }
    for i, case in ipairs(cases) do
      it(("%s (%d)"):format(case[1], i), function()
        local request = { method = "PUT", target = "/f/refused", body = "{}", timeout = 5 }
        request[case[1]] = case[2]
        local ok, message = pcall(engine.start, engine, request)
        assert.is_false(ok)
        assert.truthy(message:find(case[1], 1, true), message)
        assert.equal(0, engine:pending())
      end)
    end

    it("not even later", function()
      assert.equal("ok", faults.request(engine, server:plan()).reason)
      assert.equal(0, server:seen("refused").started)
      assert.has_error(function() engine:start() end)
      assert.has_error(function() engine.start({}, {}) end)
      assert.has_error(function() engine.step(io.stdout) end)
    end)
  end)

  it("shows nothing secret as text", function()
    local known = new_engine { username = "someone", password = "hunter2" }
    local transfer = known:start { method = "GET", target = "/f/x" }
    for _, value in ipairs { known, transfer } do
      local text = tostring(value)
      assert.is_nil(text:find("hunter2", 1, true))
      assert.is_nil(text:find("someone", 1, true))
    end
    known:close()
    assert.is_nil(transfer:result().text:find("hunter2", 1, true))
  end)

  it("does not change the tables it is given", function()
    local options = { base_url = server.url.http, headers = { A = "1" } }
    local own = core.engine(options)
    local request = { method = "PUT", target = "/f/" .. server:plan(), body = "{}", headers = { B = "2" }, timeout = 5 }
    faults.finish(own, own:start(request))
    assert.same({ base_url = server.url.http, headers = { A = "1" } }, options)
    assert.same({ B = "2" }, request.headers)
    assert.equal(5, request.timeout)
    own:close()
  end)
end)
