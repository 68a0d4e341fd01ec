-- tk:request: its path stays below the base URL, also at servers that undo %2F before they resolve dots; what is too
-- large is said to be.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

describe("the path of a free request", function()
  it("has no way up between slashes that are percent-encoded, nor before a semicolon", function()
    local transport = scripted.new {}
    local tk = timekit.new { app_key = "test_key", transport = transport }
    for _, path in ipairs {
      "/bookings/..%2f..%2fadmin", "/bookings/%2e%2E%2Fx", "/bookings/a%2f..", "/bookings/a%2F.%2fb", "/bookings/%2f..",
      "/bookings/..;/x", "/bookings/..;a=b/x", "/bookings/%2e.%3b/x", "/.;/x",
    } do
      local message = blame(function() tk:request("DELETE", path) end, path)
      assert.matches("^client:request: path: '.*' would be another path$", message)
    end
    assert.equal(0, #transport.requests)
  end)

  it("takes dots that are no way up", function()
    local transport = scripted.new(function() return scripted.answer(204) end)
    local tk = timekit.new { app_key = "test_key", transport = transport }
    for index, path in ipairs { "/a%2Fb", "/...", "/a..", "/..a", "/a%2F..b", "/a;b/...;c" } do
      assert(tk:request("GET", path))
      assert.equal(path, transport.requests[index].target)
    end
  end)
end)

describe("a free request that is too large", function()
  local transport, tk

  before_each(function()
    transport = scripted.new(function() return scripted.answer(204) end)
    tk = timekit.new { app_key = "test_key", transport = transport }
  end)

  it("is refused before libcurl takes it for a want of memory", function()
    for _, options in ipairs {
      { query = { search = ("x"):rep(70000) } }, { include = ("x"):rep(70000) }, { query = { a = ("%"):rep(30000) } },
    } do
      local none, err = tk:request("PUT", "/x", options)
      assert.is_nil(none)
      assert.same({ "input", "no", 0, false }, { err.kind, err.sent, err.attempts, err.retryable })
      assert.equal("the request's path and query exceed the limit of 65536 bytes", err.message)
    end
    local nine = ("x"):rep(9000)
    for _, headers in ipairs { { ["X-A"] = nine .. nine }, { ["X-A"] = nine, ["X-B"] = nine } } do
      local message = blame(function() tk:request("PUT", "/x", { headers = headers }) end)
      assert.equal("client:request: headers: expected at most 16384 bytes of names and values", message)
    end
    assert.equal(0, #transport.requests)
  end)

  it("may be large", function()
    assert(tk:request("GET", "/x", { query = { search = ("x"):rep(60000) }, headers = { ["X-A"] = ("x"):rep(16000) } }))
  end)
end)
