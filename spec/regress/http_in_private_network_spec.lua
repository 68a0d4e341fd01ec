-- A user saw: `http://sandbox:8808/v2` refused in a network of containers, with no way around it.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local timekit = require "timekit"
local url = require "timekit.http.url"

describe("http", function()
  it("is allowed to any host by an option", function()
    for _, base in ipairs { "http://sandbox:8808/v2", "http://10.0.0.7", "http://[fd00::1]:80/v2" } do
      assert.truthy(blame(function() timekit.new { app_key = "k", base_url = base } end):find("allow_http", 1, true))
      assert.truthy(blame(function() timekit.new { app_key = "k", base_url = base, allow_http = false } end))
      local tk = timekit.new { app_key = "k", base_url = base, allow_http = true }
      assert.matches(base, tostring(tk), 1, true)
      tk:close()
      -- The engine, which has the last word, goes by the same option.
      assert.is_false(pcall(core.engine, { base_url = base }))
      core.engine({ base_url = base, allow_http = true }):close()
    end
    assert.matches("allow_http: expected true or false", blame(function()
      timekit.new { app_key = "k", allow_http = 1, base_url = "http://sandbox:8808/v2" }
    end), 1, true)
    assert.matches("allow_http: expected true or false", blame(function()
      timekit.new { app_key = "k", allow_http = "yes" }
    end))
  end)

  it("is what it allows: no other scheme, no credentials, no query", function()
    for _, base in ipairs {
      "ftp://sandbox", "http://u:s3cret@sandbox", "http://sandbox?s3cret", "http://sand box", "sandbox:8808", "http://",
    } do
      local good, expected = url.base(base, true)
      assert.is_nil(good, base)
      assert.is_nil(expected:find("s3cret", 1, true))
    end
  end)

  it("is allowed to this machine under each of its names", function()
    for _, host in ipairs {
      "localhost", "app.localhost", "a.b.LOCALHOST:80", "127.0.0.1", "127.9.9.9", "[::1]", "[0:0:0:0:0:0:0:1]",
      "[0000:0000::0001]:8808", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]",
    } do
      assert.is_string(url.base("http://" .. host .. "/v2"), host)
      core.engine({ base_url = "http://" .. host }):close()
    end
    for _, host in ipairs {
      "localhost.", "localhost.example.com", "applocalhost", ".localhost.example", "[::2]", "[::]", "[1::1]",
      "[::127.0.0.1]",
      "[::ffff:10.0.0.1]", "[::ffff:0:1]", "126.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "127.0.0.256",
    } do
      assert.is_nil((url.base("http://" .. host .. "/v2")), host)
      assert.is_false(pcall(core.engine, { base_url = "http://" .. host }), host)
    end
  end)
end)
