-- A user saw: "out of memory" for a free request that was only too large.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

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
