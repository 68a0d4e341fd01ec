-- A user saw: a certificate file, a proxy and a timeout that the program's environment could not set.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- Runs `fn` with an environment of its own.
local function with_environment(variables, fn)
  local getenv = os.getenv
  os.getenv = function(name) return variables[name] end -- luacheck: ignore 122
  local ok, problem = pcall(fn)
  os.getenv = getenv -- luacheck: ignore 122
  assert(ok, problem)
end

local function pem(kind)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write("-----BEGIN ", kind, "-----\n")
  file:close()
  return name
end

-- What the transport is given, and the seconds that a request has.
local function connected(variables, given)
  local transport = scripted.new { scripted.booking "tentative" }
  with_environment(variables, function()
    local own = { app_key = "k", transport = transport }
    for name, value in pairs(given or {}) do own[name] = value end
    assert(timekit.new(own):booking("b1"):get())
  end)
  return transport.connections[1], transport.requests[1].timeout
end

describe("the environment", function()
  it("names certificates, a proxy, a timeout, and hosts of http", function()
    local ca_file, mine = pem "CERTIFICATE", pem "CERTIFICATE"
    local variables = {
      TIMEKIT_CA_FILE = ca_file, TIMEKIT_PROXY = "http://127.0.0.1:3128", TIMEKIT_TIMEOUT = "2.5",
      TIMEKIT_ALLOW_HTTP = "1", TIMEKIT_BASE_URL = "http://sandbox:8808/v2",
    }
    local options, seconds = connected(variables)
    assert.same({ ca_file, "http://127.0.0.1:3128", true, "http://sandbox:8808/v2" },
      { options.ca_file, options.proxy, options.allow_http, options.base_url })
    assert.is_true(seconds > 2 and seconds <= 2.5)

    options, seconds = connected(variables, {
      ca_file = mine, proxy = "", timeout = 7, allow_http = false, base_url = "https://example.com",
    })
    assert.same({ mine, "", false }, { options.ca_file, options.proxy, options.allow_http })
    assert.is_true(seconds > 6)
    os.remove(ca_file)
    os.remove(mine)
  end)

  it("is not asked where nothing is set, and an empty variable counts as not set", function()
    for _, variables in ipairs { {}, { TIMEKIT_CA_FILE = "", TIMEKIT_PROXY = "", TIMEKIT_TIMEOUT = "" } } do
      local options, seconds = connected(variables)
      assert.same({ allow_http = false }, {
        ca_file = options.ca_file, proxy = options.proxy, allow_http = options.allow_http,
      })
      assert.is_true(seconds > 29)
    end
  end)

  it("is named where it is wrong", function()
    for variable, texts in pairs {
      TIMEKIT_TIMEOUT = { "0", "-1", "soon", "1e3", "0x10", "1,5", "nan", " 3" },
      TIMEKIT_ALLOW_HTTP = { "yes", "2", " " },
      TIMEKIT_CA_FILE = { "/nowhere/ca.pem" },
      TIMEKIT_PROXY = { "ftp://u:s3cret@h", "http://u:s3/cret@h" },
    } do
      for _, text in ipairs(texts) do
        with_environment({ [variable] = text }, function()
          local message = blame(function() timekit.new { app_key = "k" } end, variable .. " " .. text)
          assert.equal("timekit.new: environment variable " .. variable .. ": ", message:sub(1, #variable + 36))
          assert.is_nil(message:find("s3", 1, true))
        end)
      end
    end
  end)
end)
