-- A user saw: a gateway that wants a client's certificate, and no option to give one.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local CERTIFICATE, KEY = "-----BEGIN CERTIFICATE-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"

describe("a client's certificate", function()
  local files = {}

  local function file_of(text)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(text)
    file:close()
    files[#files + 1] = name
    return name
  end

  teardown(function()
    for _, name in ipairs(files) do os.remove(name) end
  end)

  it("is handed to the transport, with its key", function()
    for _, given in ipairs {
      { cert_file = file_of(CERTIFICATE), key_file = file_of(KEY), key_password = "s3cret word" },
      { cert_file = file_of("a comment\n" .. CERTIFICATE .. KEY) },
      { cert_file = file_of(CERTIFICATE), key_file = file_of "-----BEGIN RSA PRIVATE KEY-----\n" },
    } do
      local transport = scripted.new {}
      local own = { app_key = "k", transport = transport }
      for name, value in pairs(given) do own[name] = value end
      timekit.new(own)
      local options = transport.connections[1]
      assert.same(given, {
        cert_file = options.cert_file, key_file = options.key_file, key_password = options.key_password,
      })
    end
  end)

  it("raises where its files cannot be used", function()
    local certificate, key = file_of(CERTIFICATE), file_of(KEY)
    for _, case in ipairs {
      { { cert_file = "/nowhere/s3cret.pem" }, "cert_file: expected a file that can be read" },
      { { cert_file = key }, "cert_file: expected a file of certificates in the PEM format" },
      { { cert_file = certificate }, "cert_file: the file holds no private key: key_file is needed as well" },
      { { cert_file = certificate, key_file = certificate }, "key_file: expected a file with a private key" },
      { { cert_file = certificate, key_file = 1 }, "key_file: expected a string" },
      { { cert_file = certificate, key_file = key, key_password = "" }, "key_password: expected a text" },
      { { cert_file = certificate, key_file = key, key_password = "s3cret\n" }, "key_password: expected a text" },
      { { key_file = key }, "key_file needs cert_file as well" },
      { { key_password = "s3cret" }, "key_password needs cert_file as well" },
    } do
      local given = { app_key = "k" }
      for name, value in pairs(case[1]) do given[name] = value end
      local message = blame(function() timekit.new(given) end, case[2])
      assert.truthy(message:find("timekit.new: " .. case[2], 1, true), message)
      assert.is_nil(message:find("s3cret\n", 1, true))
    end
  end)

  it("keeps its password out of errors", function()
    local tk = timekit.new {
      app_key = "k", cert_file = file_of(CERTIFICATE .. KEY), key_password = "s3cret word",
      transport = scripted.new { scripted.answer(400, '{"error":"bad: s3cret word"}') },
    }
    local _, err = tk:booking("b1"):get()
    assert.equal("bad: [redacted]", err.message)
  end)
end)
