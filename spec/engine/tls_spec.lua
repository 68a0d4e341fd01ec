-- Whom the engine talks to: certificates, the one origin, proxies.
local core = require "timekit.core"
local faults = require "spec.support.faults"
local this_lua = require "spec.support.this_lua"

-- Whom the engine talks to: verified servers only, the one origin it was given, and a proxy only
-- where that is safe.
describe("the engine", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  local function new_engine(listener, extra)
    local options = { base_url = server.url[listener], ca_file = server.ca_file, connect_timeout = 10 }
    for key, value in pairs(extra or {}) do options[key] = value end
    return core.engine(options)
  end

  local function connections(listener)
    return server:stats().connections[listener]
  end

  local function check_not_sent(id, result)
    assert.equal("curl", result.reason, result.text)
    assert.equal("no", result.sent)
    assert.is_nil(result.status)
    assert.is_true(#result.text > 0 and not result.text:find("\n"))
    assert.equal(0, server:seen(id).started)
  end

  describe("trusts", function()
    for _, http2 in ipairs { false, true } do
      local over = http2 and " (HTTP/2)" or ""

      it("a server whose certificate the CA file vouches for" .. over, function()
        for _, host in ipairs { "127.0.0.1", "localhost" } do
          local url = ("https://%s:%s"):format(host, server.port.tls)
          local engine = new_engine("tls", { base_url = url, http2 = http2 })
          local result = faults.request(engine, server:plan())
          assert.equal("ok", result.reason, result.text)
          assert.equal(http2 and "2" or "1.1", result.http_version)
          assert.is_true(result.times.tls > 0)
          assert.is_true(result.times.tls >= result.times.connect)
          engine:close()
        end
      end)

      for _, listener in ipairs { "wrong_host", "expired", "self_signed" } do
        it("no server with this certificate: " .. listener .. over, function()
          local engine = new_engine(listener, { http2 = http2 })
          local id = server:plan()
          local result = faults.request(engine, id)
          check_not_sent(id, result)
          assert.equal(60, result.code)
          -- Not at the second try either, and the request was not even offered.
          check_not_sent(id, faults.request(engine, id))
          engine:close()
        end)
      end

      it("no server of an unknown CA" .. over, function()
        for _, ca_file in ipairs { server.other_ca_file, false } do
          -- Without a file the system's authorities count, which know nothing of ours.
          local options = { base_url = server.url.tls, http2 = http2, ca_file = ca_file or nil }
          local engine = core.engine(options)
          local id = server:plan()
          local result = faults.request(engine, id)
          check_not_sent(id, result)
          engine:close()
        end
      end)
    end

    it("nobody when the CA file holds no certificate", function()
      local name = os.tmpname()
      local file = assert(io.open(name, "w"))
      file:write("this is not a certificate\n")
      file:close()
      local ok, engine = pcall(new_engine, "tls", { ca_file = name })
      if ok then
        local id = server:plan()
        check_not_sent(id, faults.request(engine, id))
        engine:close()
      else
        assert.truthy(engine:find("ca_file", 1, true))
      end
      os.remove(name)
    end)

    it("no TLS older than 1.2", function()
      local engine = new_engine("old_tls")
      local id = server:plan()
      check_not_sent(id, faults.request(engine, id))
      engine:close()
    end)

    it("no server that answers a TLS hello in the clear", function()
      local engine = new_engine("tls")
      server:accept("tls", { at = "hello", say = "HTTP/1.1 400 Bad Request\r\n\r\n", act = "fin" })
      local id = server:plan()
      check_not_sent(id, faults.request(engine, id))
      engine:close()
    end)
  end)

  describe("in a handshake that fails, says that nothing was sent:", function()
    for _, step in ipairs {
      { act = "fin" }, { act = "reset" }, { act = "fin", at = "hello" }, { act = "reset", at = "hello" },
    } do
      it(("%s at the %s"):format(step.act, step.at or "start"), function()
        local engine = new_engine("tls")
        server:accept("tls", step)
        local id = server:plan()
        check_not_sent(id, faults.request(engine, id))
        assert.equal("ok", faults.request(engine, id).reason)
        engine:close()
      end)
    end

    it("never answered", function()
      local engine = new_engine("tls")
      server:accept("tls", { act = "silent" })
      local id = server:plan()
      local result = faults.request(engine, id, { timeout = 0.25 })
      assert.equal("deadline", result.reason)
      assert.equal("no", result.sent)
      assert.equal(0, server:seen(id).started)
      engine:close()
    end)
  end)

  describe("over HTTP/2", function()
    it("is asked for, or else it is HTTP/1.1", function()
      for _, case in ipairs { { false, "tls", "1.1" }, { true, "tls", "2" }, { true, "http", "1.1" } } do
        local engine = new_engine(case[2], { http2 = case[1] })
        local id = server:plan()
        assert.equal(case[3], faults.request(engine, id).http_version)
        local request = server:seen(id).requests[1]
        assert.equal(case[3], request.protocol)
        assert.is_nil(request.headers.upgrade)
        engine:close()
      end
    end)

    it("many transfers share one connection, from the first on", function()
      local engine = new_engine("tls", { http2 = true })
      local before = connections("tls")
      for _ = 1, 3 do
        local list = {}
        for i = 1, 50 do
          local id = server:plan { headers = { { "X-Number", i } }, size = i * 500 }
          list[i] = engine:start { method = "PUT", target = "/f/" .. id, body = ("x"):rep(i * 100), timeout = 20 }
        end
        for i, transfer in ipairs(list) do
          local result = faults.finish(engine, transfer)
          assert.equal("ok", result.reason, result.text)
          assert.equal(("%d"):format(i), result.headers["x-number"])
          assert.equal(i * 500, #result.body)
          assert.equal(0, result.restarts)
        end
      end
      assert.equal(before + 1, connections("tls"))
      engine:close()
    end)

    it("an upload and a download larger than any window come through", function()
      local engine = new_engine("tls", { http2 = true })
      local id = server:plan { size = 5000000 }
      local body = ("0123456789"):rep(300000)
      local result = faults.request(engine, id, { body = body })
      assert.equal("ok", result.reason, result.text)
      assert.equal(5000000, #result.body)
      assert.is_true(server:seen(id).requests[1].body == body)
      engine:close()
    end)

    it("one stream's cancel leaves the others alone", function()
      local engine = new_engine("tls", { http2 = true })
      assert.equal("ok", faults.request(engine, server:plan()).reason)
      local list = {}
      for i = 1, 10 do
        local id = server:plan { seconds = 0.1 }
        list[i] = engine:start { method = "PUT", target = "/f/" .. id, body = "{}", timeout = 20 }
      end
      engine:step()
      list[3]:cancel()
      list[10]:cancel()
      for i, transfer in ipairs(list) do
        assert.equal((i == 3 or i == 10) and "cancelled" or "ok", faults.finish(engine, transfer).reason)
      end
      engine:close()
    end)
  end)

  describe("follows no redirect:", function()
    for _, listener in ipairs { "http", "tls" } do
      for _, status in ipairs { 301, 302, 303, 307, 308 } do
        it(("%d, %s"):format(status, listener), function()
          local engine = new_engine(listener, { username = "", password = "key", headers = { ["Timekit-App"] = "a" } })
          for _, location in ipairs { server.url.trap .. "/x", "/f/elsewhere" } do
            local id = server:plan { status = status, headers = { { "Location", location } } }
            local result = faults.request(engine, id)
            assert.equal("ok", result.reason)
            assert.equal(status, result.status)
            assert.equal(location, result.headers.location)
            assert.equal(1, server:seen(id).complete)
          end
          assert.equal(0, connections("trap"))
          assert.equal(0, server:seen("elsewhere").started)
          engine:close()
        end)
      end
    end
  end)

  describe("refuses a base URL that is", function()
    local cases = {
      ["http to a host elsewhere"] = "http://example.com",
      ["http to an address elsewhere"] = "http://10.0.0.1:80",
      ["http to every address"] = "http://0.0.0.0",
      ["http to a name that begins like loopback"] = "http://127.0.0.1.example.com",
      ["http to a name that begins like localhost"] = "http://localhost.example.com",
      ["http to a name that ends like localhost"] = "http://example-localhost",
      ["http to another IPv6 address"] = "http://[2001:db8::1]",
      ["with a user"] = "https://user@127.0.0.1",
      ["with a password"] = "https://user:hunter2@127.0.0.1",
      ["loopback in the user part only"] = "http://127.0.0.1@example.com",
      ["with a query"] = "https://127.0.0.1/?a=b",
      ["with a fragment"] = "https://127.0.0.1/#a",
      ["with a slash at the end"] = "https://127.0.0.1/v2/",
      ["of another scheme"] = "ftp://127.0.0.1",
      ["a file"] = "file:///etc/passwd",
      ["without a scheme"] = "127.0.0.1/v2",
      ["with a line break"] = "https://127.0.0.1/\r\nX: y",
      ["with a space"] = "https://127.0.0.1/a b",
      ["empty"] = "",
    }
    for name, url in pairs(cases) do
      it(name, function()
        local ok, message = pcall(core.engine, { base_url = url })
        assert.is_false(ok)
        assert.truthy(message:find("base_url", 1, true), message)
        assert.is_nil(message:find("hunter2", 1, true))
      end)
    end

    it("but takes loopback however it is written, and https anywhere", function()
      for _, url in ipairs {
        "http://127.0.0.1:1", "http://localhost:1", "http://LOCALHOST:1", "http://[::1]:1", "http://127.8.9.1",
        "https://api.timekit.io/v2", "https://10.0.0.1", "https://example.com:8443",
      } do
        core.engine({ base_url = url }):close()
      end
    end)
  end)

  describe("uses a proxy", function()
    local function proxied()
      return server:stats().proxied
    end

    for _, http2 in ipairs { false, true } do
      it("for https, through a tunnel that learns no key" .. (http2 and " (HTTP/2)" or ""), function()
        local before = #proxied()
        local engine = new_engine("tls", {
          proxy = server.url.proxy, http2 = http2, username = "", password = "key", headers = { ["Timekit-App"] = "a" },
        })
        for i = 1, 2 do
          local id = server:plan()
          local result = faults.request(engine, id)
          assert.equal("ok", result.reason, result.text)
          assert.equal("yes", result.sent)
          assert.equal(i == 2, result.reused)
          assert.truthy(server:seen(id).requests[1].headers.authorization)
          assert.is_nil(server:seen(id).requests[1].headers["proxy-authorization"])
        end
        local requests = proxied()
        assert.equal(before + 1, #requests)
        assert.equal("CONNECT", requests[#requests].method)
        assert.equal("127.0.0.1:" .. server.port.tls, requests[#requests].target)
        assert.is_nil(requests[#requests].headers.authorization)
        assert.is_nil(requests[#requests].headers["timekit-app"])
        engine:close()
      end)
    end

    it("with its own password, which no text repeats", function()
      local url = ("http://someone:hunter2@127.0.0.1:%s"):format(server.port.proxy)
      local engine = new_engine("tls", { proxy = url })
      assert.equal("ok", faults.request(engine, server:plan()).reason)
      local requests = proxied()
      assert.equal("Basic c29tZW9uZTpodW50ZXIy", requests[#requests].headers["proxy-authorization"])
      engine:close()
      for _, port in ipairs { server.port.closed, server.port.trap } do
        engine = new_engine("tls", { proxy = ("http://someone:hunter2@127.0.0.1:%s"):format(port) })
        local id = server:plan()
        local result = faults.request(engine, id)
        check_not_sent(id, result)
        assert.is_nil(result.text:find("hunter2", 1, true))
        assert.is_nil(result.text:find("someone", 1, true))
        engine:close()
      end
    end)

    for _, status in ipairs { 407, 403, 502 } do
      it(("that refuses with %d: nothing was sent, and that is not an answer of the server"):format(status), function()
        server:proxy(status)
        local engine = new_engine("tls", { proxy = server.url.proxy })
        local id = server:plan()
        local result = faults.request(engine, id)
        server:proxy(nil)
        check_not_sent(id, result)
        assert.equal("ok", faults.request(engine, id).reason)
        engine:close()
      end)
    end

    it("whose certificate chain still has to be the server's", function()
      local engine = new_engine("wrong_host", { proxy = server.url.proxy })
      local id = server:plan()
      check_not_sent(id, faults.request(engine, id))
      engine:close()
    end)

    it("never for http, and for https not if told so", function()
      local before = #proxied()
      local engine = new_engine("http", { proxy = server.url.proxy })
      assert.equal("ok", faults.request(engine, server:plan()).reason)
      engine:close()
      engine = new_engine("tls", { proxy = "" })
      assert.equal("ok", faults.request(engine, server:plan()).reason)
      engine:close()
      assert.equal(before, #proxied())
    end)
  end)

  describe("in an environment", function()
    -- One call in a process of its own; returns "reason status sent" of it.
    local function run(environment, listener, id, proxy)
      local name = os.tmpname()
      local file = assert(io.open(name, "w"))
      file:write(([[
        local core = require "timekit.core"
        local faults = require "spec.support.faults"
        local engine = core.engine { base_url = %q, ca_file = %q, proxy = %s }
        local result = faults.request(engine, %q)
        io.write(result.reason, " ", tostring(result.status), " ", result.sent)
      ]]):format(server.url[listener], server.ca_file, proxy and ("%q"):format(proxy) or "nil", id))
      file:close()
      local pipe = assert(io.popen(("env %s %s %s 2>&1"):format(environment, this_lua.command, name)))
      local text = pipe:read("*a")
      pipe:close()
      os.remove(name)
      return text
    end

    local function all_proxies()
      local url = server.url.proxy
      return ("http_proxy=%s HTTP_PROXY=%s https_proxy=%s HTTPS_PROXY=%s all_proxy=%s ALL_PROXY=%s no_proxy= NO_PROXY=")
        :format(url, url, url, url, url, url)
    end

    it("with proxies, keeps http to loopback to itself", function()
      local before = #server:stats().proxied
      local id = server:plan()
      assert.equal("ok 200 yes", run(all_proxies(), "http", id))
      assert.equal(before, #server:stats().proxied)
      assert.equal(1, server:seen(id).complete)
    end)

    it("with proxies, tunnels https through the one for it", function()
      local before = #server:stats().proxied
      local id = server:plan()
      assert.equal("ok 200 yes", run(all_proxies(), "tls", id))
      assert.equal(before + 1, #server:stats().proxied)
      assert.equal("CONNECT", server:stats().proxied[before + 1].method)
      assert.equal("ok 200 yes", run(all_proxies() .. "127.0.0.1", "tls", server:plan()))
      assert.equal(before + 1, #server:stats().proxied)
    end)

    it("with exceptions from proxies, uses the proxy it was given all the same", function()
      local before = #server:stats().proxied
      local id = server:plan()
      assert.equal("ok 200 yes", run("no_proxy=127.0.0.1 NO_PROXY=127.0.0.1", "tls", id, server.url.proxy))
      assert.equal(before + 1, #server:stats().proxied)
    end)

    it("that allows old TLS, does not", function()
      local name = os.tmpname()
      local file = assert(io.open(name, "w"))
      file:write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n",
        "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n")
      file:close()
      local id = server:plan()
      assert.equal("curl nil no", run("OPENSSL_CONF=" .. name, "old_tls", id))
      assert.equal(0, server:seen(id).started)
      os.remove(name)
    end)

    it("with a .netrc, takes no credentials from it", function()
      local pipe = assert(io.popen("mktemp -d"))
      local home = pipe:read("*l")
      pipe:close()
      local file = assert(io.open(home .. "/.netrc", "w"))
      file:write("machine 127.0.0.1 login someone password hunter2\ndefault login someone password hunter2\n")
      file:close()
      assert(os.execute("chmod 600 " .. home .. "/.netrc"))
      for _, listener in ipairs { "http", "tls" } do
        local id = server:plan()
        assert.equal("ok 200 yes", run("HOME=" .. home, listener, id))
        assert.is_nil(server:seen(id).requests[1].headers.authorization)
      end
      os.remove(home .. "/.netrc")
      os.remove(home)
    end)
  end)
end)
