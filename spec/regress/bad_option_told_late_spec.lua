-- A user saw: a client made with an option that cannot work, and a first request that failed without naming it.
local blame = require "spec.support.blame"
local shell = require "spec.support.shell"
local timekit = require "timekit"

local function raises(name, value, expected)
  local given = { app_key = "k", resource_email = nil, [name] = value }
  for where, take in pairs {
    ["timekit.new"] = function() timekit.new(given) end,
    ["timekit.configure"] = function() timekit.configure(given) end,
  } do
    local message = blame(take, ("%s %q"):format(name, value))
    assert.equal(where .. ": " .. name .. ": ", message:sub(1, #where + #name + 4))
    assert.truthy(message:find(expected, 1, true), message)
    assert.is_nil(message:find("s3cret", 1, true), message)
  end
end

-- Clients that are made all the same reach nobody.
local function taken(name, value)
  local tk = timekit.new { app_key = "k", base_url = "https://127.0.0.1:1", retries = 0, [name] = value }
  local ok, problem = pcall(function() return tk:booking("b1"):get() end)
  tk:close()
  assert.is_true(ok, problem)
end

describe("an option that cannot be used raises at once", function()
  it("with blanks at the ends of what becomes a header", function()
    for _, name in ipairs { "app", "timezone", "input_timestamp_format", "output_timestamp_format" } do
      for _, value in ipairs { " ", "Y ", " Y", "Europe/Berlin  " } do raises(name, value, "blank") end
    end
    for _, value in ipairs { "Europe/Berlin", "Y-m-d H:i", "é" } do taken("timezone", value) end
  end)

  it("with a proxy that libcurl cannot read", function()
    for _, value in ipairs {
      "http://a b", "http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:x", "socks5h://u:s3cret@ss@127.0.0.1:1",
      "http:///u:s3cret@h", "http:/u:s3cret@h", "://x", "socks5://", "s3cret://h",
    } do
      raises("proxy", value, "expected an http, https or socks URL")
    end
    for _, value in ipairs {
      "", "127.0.0.1:1", "http://u:p%40ss@127.0.0.1:1", "HTTP://127.0.0.1:1/", "[::1]:1", "socks5h://127.0.0.1:1",
    } do
      taken("proxy", value)
    end
  end)

  it("with a base URL that libcurl cannot read or resolve", function()
    raises("base_url", "https://[:::::]/v2", "expected a URL such as https://api.timekit.io/v2")
    for _, host in ipairs { "b\195\188cher.invalid", "\255.invalid" } do
      raises("base_url", ("https://%s/v2"):format(host), "xn--")
    end
    for _, url in ipairs { "https://xn--bcher-kva.invalid/v2", "https://[2001:db8::1]:8443/v2", "http://[::1]" } do
      local tk = timekit.new { app_key = "k", base_url = url }
      tk:close()
    end
  end)

  it("with a ca_file that holds no certificate", function()
    local name = os.tmpname()
    local function write(text)
      local file = assert(io.open(name, "w"))
      file:write(text)
      file:close()
    end
    raises("ca_file", "/tmp", "expected a file that can be read")
    raises("ca_file", "/dev/null", "certificate")
    for _, text in ipairs {
      "", "this is not a certificate\n", "-----BEGIN CERTIFICATE REQUEST-----\n", "-----BEGIN CERTIFICATE-----\n",
    } do
      write(text)
      raises("ca_file", name, "certificate")
    end
    local _, pem = shell.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=some -days 1 2>&1")
    pem = pem:match("%-%-%-%-%-BEGIN CERTIFICATE.*")
    for _, label in ipairs { "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE" } do
      write("# some authority\n" .. pem:gsub("CERTIFICATE", label))
      timekit.new({ app_key = "k", ca_file = name }):close()
    end
    os.remove(name)
  end)
end)
