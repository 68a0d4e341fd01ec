local core = require "timekit.core"
local faults = require "spec.support.faults"
local shell = require "spec.support.shell"

-- Servers that want to know who asks.
describe("a client's certificate", function()
  local server, folder, certificate, key

  setup(function()
    server = faults.start()
    folder = shell.must("mktemp -d"):match("%S+")
    certificate, key = server.directory .. "/client.pem", server.directory .. "/client.key"
  end)
  teardown(function()
    shell.must("rm -rf " .. folder)
    server:close()
  end)

  local function make(name, command)
    local path = folder .. "/" .. name
    shell.must(command:gsub("OUT", path))
    return path
  end

  local function encrypted()
    return make("encrypted.key", ("openssl pkcs8 -topk8 -in %s -passout pass:hunter2 -out OUT"):format(key))
  end

  local function new_engine(listener, files, extra)
    local options = { base_url = server.url[listener], ca_file = server.ca_file }
    for _, more in ipairs { files, extra } do
      for name, value in pairs(more) do options[name] = value end
    end
    return core.engine(options)
  end

  local function shown(engine)
    local id = server:plan()
    local result = faults.request(engine, id)
    assert.equal("ok", result.reason, result.text)
    return server:seen(id).requests[1].client
  end

  it("is shown, with its key in a file of its own, in the same file, or encrypted", function()
    local both = make("both.pem", ("cat %s %s > OUT"):format(key, certificate))
    local chain = make("chain.pem", ("cat %s %s > OUT"):format(certificate, server.ca_file))
    for _, files in ipairs {
      { cert_file = certificate, key_file = key },
      { cert_file = both },
      { cert_file = chain, key_file = key },
      { cert_file = certificate, key_file = encrypted(), key_password = "hunter2" },
      { cert_file = certificate, key_file = key, key_password = "not asked for" },
    } do
      for _, http2 in ipairs { false, true } do
        local engine = new_engine("client_wanted", files, { http2 = http2 })
        assert.equal("client", shown(engine))
        server:end_idle("client_wanted", "fin")
        assert.equal("client", shown(engine))
        engine:close()
      end
    end
  end)

  it("is not shown unless it was given, and then nothing is sent", function()
    local engine = new_engine("client_wanted", {})
    local id = server:plan()
    local result = faults.request(engine, id)
    assert.equal("curl", result.reason)
    assert.equal(0, server:seen(id).complete)
    engine:close()
  end)

  it("is not shown to a proxy", function()
    local trust = make("trust.pem", ("cat %s %s > OUT"):format(server.ca_file, server.other_ca_file))
    local engine = new_engine("client_wanted", { cert_file = certificate, key_file = key }, {
      ca_file = trust, proxy = server.url.tls_proxy,
    })
    assert.equal("client", shown(engine))
    local requests = server:stats().proxied
    assert.is_true(#requests > 0)
    assert.is_nil(requests[#requests].client)
    engine:close()
  end)

  it("is read once: engines are made when the files are out of reach", function()
    local own_certificate = make("own.pem", ("cp %s OUT"):format(certificate))
    local own_key = make("own.key", ("cp %s OUT"):format(encrypted()))
    local tls = core.tls {
      ca_file = server.ca_file, cert_file = own_certificate, key_file = own_key, key_password = "hunter2",
    }
    shell.must(("rm %s %s"):format(own_certificate, own_key))
    for _ = 1, 2 do
      local engine = core.engine { base_url = server.url.client_wanted, tls = tls }
      assert.equal("client", shown(engine))
      engine:close()
    end
    local engine = core.engine { base_url = server.url.client_wanted, tls = tls }
    tls = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal("client", shown(engine))
    engine:close()
  end)

  describe("is refused at once, by the option's name and the file's, never the password:", function()
    local function refused(files, expected)
      for _, made in ipairs { core.tls, function(options) return new_engine("client_wanted", options) end,
        function(options) return new_engine("http", options) end } do
        local ok, message = pcall(made, files)
        assert.is_false(ok)
        assert.equal(expected, (message:gsub("^%S+:%d+: ", "")))
        assert.is_nil(message:find("hunter", 1, true))
      end
    end

    it("a file that cannot be read", function()
      local missing = folder .. "/missing.pem"
      refused({ cert_file = missing }, ("cert_file: %s cannot be read: No such file or directory"):format(missing))
      refused({ cert_file = folder }, ("cert_file: %s cannot be read: Is a directory"):format(folder))
      refused({ cert_file = certificate, key_file = missing },
        ("key_file: %s cannot be read: No such file or directory"):format(missing))
    end)

    it("a file that holds something else", function()
      local junk = make("junk.pem", "echo junk > OUT")
      refused({ cert_file = junk, key_file = key }, ("cert_file: %s holds no certificate in PEM"):format(junk))
      refused({ cert_file = key, key_file = key }, ("cert_file: %s holds no certificate in PEM"):format(key))
      refused({ cert_file = certificate }, ("key_file: %s holds no private key in PEM"):format(certificate))
      refused({ cert_file = certificate, key_file = junk }, ("key_file: %s holds no private key in PEM"):format(junk))
    end)

    it("a key of another certificate", function()
      local other = server.directory .. "/good.key"
      refused({ cert_file = certificate, key_file = other },
        ("key_file: the key in %s is not that of the certificate"):format(other))
    end)

    it("a password that is missing or wrong", function()
      local path = encrypted()
      refused({ cert_file = certificate, key_file = path },
        ("key_password: expected, since %s is encrypted"):format(path))
      for _, password in ipairs { "hunter3", "", ("hunter"):rep(1000) } do
        refused({ cert_file = certificate, key_file = path, key_password = password },
          ("key_password: does not open %s"):format(path))
      end
    end)

    it("a key or a password without a certificate", function()
      refused({ key_file = key }, "key_file: expected together with cert_file")
      refused({ key_password = "hunter2" }, "key_password: expected together with cert_file")
    end)

    it("what is not a text", function()
      for _, name in ipairs { "ca_file", "cert_file", "key_file", "key_password" } do
        for _, value in ipairs { 1, true, {}, "a\0b" } do
          local ok, message = pcall(core.tls, { [name] = value })
          assert.is_false(ok)
          assert.truthy(message:find(name .. ": expected", 1, true), message)
        end
      end
      for _, value in ipairs { 1, true, {}, "x", io.stdout } do
        local ok, message = pcall(core.engine, { base_url = server.url.tls, tls = value })
        assert.is_false(ok)
        assert.truthy(message:find("tls: expected", 1, true), message)
      end
    end)
  end)
end)
