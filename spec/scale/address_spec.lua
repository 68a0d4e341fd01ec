-- Addresses of Redis servers: which are taken, and that refusals do not repeat a password.
local address = require "timekit.redis.address"

describe("the address of a Redis", function()
  it("is a socket", function()
    assert.same({ url = "http://localhost", unix_path = "/run/redis.sock", db = 0 },
      address.parse "unix:///run/redis.sock")
    local found = address.parse "unix://me:a%40b@/run/a%20b?db=3"
    assert.same({ url = "http://localhost", unix_path = "/run/a b", db = 3, username = "me", password = "a@b" }, found)
  end)

  it("is a host", function()
    assert.same({ url = "http://127.0.0.1:6379", db = 0 }, address.parse "redis://127.0.0.1")
    assert.same({ url = "http://[::1]:7000", db = 2 }, address.parse "redis://[::1]:7000/2")
    assert.same({ url = "https://cache.example:6379", db = 0, password = "pass" },
      address.parse "rediss://:pass@Cache.example/")
  end)

  it("is encrypted beyond this machine", function()
    local found, problem = address.parse "redis://:pass@cache.example:6379"
    assert.is_nil(found)
    assert.matches("only for this machine", problem)
    assert.not_matches("pass@", problem)
  end)

  it("is refused where it is none", function()
    for _, wrong in ipairs {
      "", "redis", "http://127.0.0.1", "unix://relative", "unix:///a?db=x", "redis://", "redis://h/x", "rediss://a b",
      "redis://127.0.0.1:99999", "unix:///a\nb", 5, {}, "redis://127.0.0.1/1/2",
    } do
      local found, problem = address.parse(wrong)
      assert.is_nil(found, tostring(wrong))
      assert.is_string(problem)
    end
  end)
end)
