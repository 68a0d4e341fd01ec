local core = require "timekit.core"
local faults = require "spec.support.faults"
local private_trust = require "spec.support.private_trust"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- Whom the engine trusts, and how it hears of a change.
describe("the engine's trust", function()
  local server, file

  setup(function()
    server = faults.start()
    file = os.tmpname()
  end)
  teardown(function()
    os.remove(file)
    server:close()
  end)

  local function read(path)
    local input = assert(io.open(path))
    local text = input:read("*a")
    input:close()
    return text
  end

  -- In one moment, in the place of what is there.
  local function replace(text)
    local output = assert(io.open(file .. ".new", "w"))
    output:write(text)
    output:close()
    assert(os.rename(file .. ".new", file))
  end

  local function new_engine(listener, extra)
    local options = { base_url = server.url[listener], ca_file = file }
    for key, value in pairs(extra or {}) do options[key] = value end
    return core.engine(options)
  end

  local function expect_accepted(engine)
    local id = server:plan()
    local result = faults.request(engine, id)
    assert.equal("ok", result.reason, result.text)
    return result, server:seen(id).requests[1]
  end

  local function expect_refused(engine, code)
    local id = server:plan()
    local result = faults.request(engine, id)
    assert.equal("curl", result.reason, result.text)
    assert.equal(code or 60, result.code, result.text)
    assert.equal("no", result.sent)
    assert.equal(0, server:seen(id).started)
    return result
  end

  -- One call in a process of its own: "ok", or the code.
  local PROGRAM = [[
    local core = require "timekit.core"
    local faults = require "spec.support.faults"
    local engine = core.engine { base_url = %q, ca_file = %s, proxy = %s }
    local result = faults.request(engine, %q)
    io.write(result.reason == "ok" and "ok" or tostring(result.code))
  ]]

  local function outcome(run, listener, options)
    local name = os.tmpname()
    local output = assert(io.open(name, "w"))
    local function text_of(value) return value and ("%q"):format(value) or "nil" end
    output:write(PROGRAM:format(server.url[listener], text_of(options.ca_file), text_of(options.proxy), server:plan()))
    output:close()
    local ok, text = run(this_lua.command .. " " .. name)
    os.remove(name)
    assert.is_true(ok, text)
    return text
  end

  describe("comes from", function()
    local function with(environment)
      return function(command)
        return shell.run("env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR " .. environment .. " " .. command)
      end
    end

    it("ca_file, whatever the environment names", function()
      local ours = with("CURL_CA_BUNDLE=" .. server.ca_file)
      assert.equal("ok", outcome(ours, "tls", {}))
      assert.equal("60", outcome(ours, "tls", { ca_file = server.other_ca_file }))
      assert.equal("ok", outcome(ours, "by_other", { ca_file = server.other_ca_file }))
    end)

    it("CURL_CA_BUNDLE, else SSL_CERT_FILE; an empty one does not count", function()
      local case = "CURL_CA_BUNDLE=%s SSL_CERT_FILE=%s"
      assert.equal("ok", outcome(with(case:format(server.ca_file, server.other_ca_file)), "tls", {}))
      assert.equal("60", outcome(with(case:format(server.other_ca_file, server.ca_file)), "tls", {}))
      assert.equal("ok", outcome(with(case:format("", server.ca_file)), "tls", {}))
      assert.equal("60", outcome(with(""), "tls", {}))
    end)

    it("SSL_CERT_DIR, beside the file", function()
      local folder = shell.must("mktemp -d"):match("%S+")
      finally(function() shell.must("rm -rf " .. folder) end)
      shell.must(("cp %s %s/$(openssl x509 -hash -noout -in %s).0"):format(server.ca_file, folder, server.ca_file))
      local both = with(("SSL_CERT_DIR=/nowhere:%s SSL_CERT_FILE=%s"):format(folder, server.other_ca_file))
      assert.equal("ok", outcome(both, "tls", {}))
      assert.equal("ok", outcome(both, "by_other", {}))
      assert.equal("60", outcome(both, "tls", { ca_file = server.other_ca_file }))
    end)

    it("a file that is not there: from the folder alone", function()
      assert.equal("77", outcome(with("SSL_CERT_FILE=/nowhere/ca.pem SSL_CERT_DIR=/nowhere"), "tls", {}))
      assert.equal("60", outcome(with("SSL_CERT_FILE=/nowhere/ca.pem SSL_CERT_DIR=/tmp"), "tls", {}))
    end)

    for _, where in ipairs { { bundle = true }, { folder = true }, { bundle = true, folder = true } } do
      local parts = {}
      for part in pairs(where) do parts[#parts + 1] = part end
      table.sort(parts)
      it("the system's " .. table.concat(parts, " and "), function()
        local problem = private_trust.problem()
        if problem then pending(problem) return end
        local run, remove = private_trust.new(server.ca_file, where)
        finally(remove)
        assert.equal("ok", outcome(run, "tls", {}))
        assert.equal("60", outcome(run, "by_other", {}))
        assert.equal("60", outcome(run, "tls", { ca_file = server.other_ca_file }))
        -- The proxy's handshake must not bring the system's certificates along.
        -- libcurl 7.88 loses the reason on its way through the proxy (35).
        local refused = outcome(run, "tls", { ca_file = server.other_ca_file, proxy = server.url.tls_proxy })
        assert.is_true(refused == "60" or refused == "35", refused)
        assert.equal("ok", outcome(run, "by_other", { ca_file = server.other_ca_file, proxy = server.url.tls_proxy }))
      end)
    end
  end)

  describe("for an https proxy", function()
    it("is ca_file's", function()
      local tunnels = #server:stats().proxied
      replace(read(server.other_ca_file) .. read(server.ca_file))
      local engine = new_engine("tls", { proxy = server.url.tls_proxy })
      expect_accepted(engine)
      assert.equal(tunnels + 1, #server:stats().proxied)
      engine:close()
    end)

    it("refuses one of another authority", function()
      replace(read(server.ca_file))
      local engine = new_engine("tls", { proxy = server.url.tls_proxy })
      expect_refused(engine)
      engine:close()
    end)
  end)

  describe("when the file changes", function()
    it("grows and shrinks with the next connection", function()
      replace(read(server.other_ca_file))
      local engine = new_engine("tls")
      expect_refused(engine)
      replace(read(server.other_ca_file) .. read(server.ca_file))
      assert.equal(1, expect_accepted(engine).restarts)
      server:end_idle("tls", "fin")
      replace(read(server.other_ca_file))
      expect_refused(engine)
      expect_refused(engine)
      engine:close()
    end)

    it("leaves no connection of before in use", function()
      replace(read(server.ca_file))
      local engine = new_engine("tls")
      expect_accepted(engine)
      assert.is_true(expect_accepted(engine).reused)
      replace(read(server.other_ca_file))
      -- The first one goes over the connection that there is, the second one needs another.
      local kept = engine:start { method = "PUT", target = "/f/" .. server:plan { seconds = 0.1 }, body = "{}" }
      local new = engine:start { method = "PUT", target = "/f/" .. server:plan(), body = "{}" }
      assert.equal(60, faults.finish(engine, new).code)
      assert.equal("ok", faults.finish(engine, kept).reason)
      expect_refused(engine)
      engine:close()
    end)

    it("is what it was while the file cannot be read, and nothing once it holds nothing", function()
      replace(read(server.ca_file))
      local engine = new_engine("tls")
      os.remove(file)
      expect_accepted(engine)
      server:end_idle("tls", "fin")
      expect_accepted(engine)
      server:end_idle("tls", "fin")
      replace("nobody\n")
      local result = expect_refused(engine, 77)
      assert.truthy(result.text:find(file, 1, true), result.text)
      replace(read(server.ca_file))
      expect_accepted(engine)
      engine:close()
    end)

    it("is the same for each of several engines", function()
      replace(read(server.ca_file))
      local engines = {}
      for index = 1, 3 do engines[index] = new_engine("tls") end
      for _, engine in ipairs(engines) do expect_accepted(engine) end
      server:end_idle("tls", "fin")
      replace(read(server.other_ca_file))
      for _, engine in ipairs(engines) do expect_refused(engine) end
      engines[1]:close()
      engines[2]:close()
      replace(read(server.ca_file))
      expect_accepted(engines[3])
      engines[3]:close()
    end)
  end)

  it("is read when the engine is made, so a chroot may follow", function()
    replace(read(server.ca_file))
    local tls = core.tls { ca_file = file }
    local early = new_engine("tls")
    os.remove(file)
    local late = new_engine("tls", { tls = tls })
    expect_accepted(early)
    expect_accepted(late)
    early:close()
    late:close()
    late = new_engine("tls", { tls = tls })
    expect_accepted(late)
    late:close()
    tls = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    local ok, message = pcall(new_engine, "tls")
    assert.is_false(ok)
    assert.equal("ca_file: cannot be read", message:match("ca_file: .*"))
  end)

  it("is refused at once where it is nobody's", function()
    local broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for _, text in ipairs { "", "no certificate\n", broken } do
      replace(text)
      local ok, message = pcall(new_engine, "tls")
      assert.is_false(ok)
      assert.equal("ca_file: expected certificates in PEM", message:match("ca_file: .*"))
    end
    for _, path in ipairs { "/nowhere/ca.pem", "/tmp", "/dev/zero" } do
      local ok, message = pcall(new_engine, "tls", { ca_file = path })
      assert.is_false(ok)
      assert.equal("ca_file: cannot be read", message:match("ca_file: .*"))
    end
  end)

  describe("and sessions:", function()
    -- OpenSSL's own server tells whether a session was resumed.
    local process = require "spec.support.process"

    local function start(options)
      local files = ("-cert %s/good.pem -key %s/good.key"):format(server.directory, server.directory)
      local command = ("openssl s_server -accept 127.0.0.1:0 -www -no_cache %s %s"):format(options, files)
      local program = process.start(("sh -c '%s 2>/dev/null & cat >/dev/null; kill $!'"):format(command))
      local line = program.line
      while line and not line:find("^ACCEPT") do line = program:read() end
      return program, "https://" .. assert(line):match("127%.0%.0%.1:%d+")
    end

    local function handshake(engine)
      local result = faults.finish(engine, engine:start { method = "GET", target = "/" })
      return result.reason == "ok" and result.body:match("\n(%u%l+), TLSv1%.%d") or result.code
    end

    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      it("resumed, and not once the file has changed: " .. version, function()
        local program, url = start(version)
        finally(function() program:close() end)
        replace(read(server.ca_file))
        local engine = core.engine { base_url = url, ca_file = file }
        assert.equal("New", handshake(engine))
        assert.equal("Reused", handshake(engine))
        replace(read(server.other_ca_file))
        assert.equal(60, handshake(engine))
        replace(read(server.ca_file))
        assert.equal("New", handshake(engine))
        assert.equal("Reused", handshake(engine))
        engine:close()
      end)
    end
  end)
end)
