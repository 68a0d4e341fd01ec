-- A user saw: a free request that reached a path above the base URL.
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
