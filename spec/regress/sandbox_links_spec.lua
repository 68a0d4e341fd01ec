-- What a link of the sandbox's leads to is what the client takes for a redirect, and whoever clicks gets a page.
local socket = require "socket"
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local timekit = require "timekit"

local KEY = "test_api_key_1"

describe("an action link of the sandbox", function()
  local box, tk, handle, target

  before_each(function()
    box = timekit.sandbox.new { app_key = KEY }
    tk = timekit.new { app_key = KEY, transport = box }
    handle = tk:booking(assert(tk:create_booking {
      graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }))
    target = assert(handle:link "cancel"):gsub("^https://[^/]*", "")
  end)

  local function refuses(status, asked)
    local answer = box:handle { method = "GET", target = asked }
    assert.equal(status, answer.status, asked)
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.is_nil(answer.headers.location)
    assert.equal("confirmed", assert(handle:get()).state)
  end

  it("leads to no redirect with credentials, or a host that is none", function()
    for _, redirect in ipairs {
      "https://user@example.com", "https://example.com@evil.example/", "https://example.com%40evil.example/",
      "https://user:password@example.com", "http://[::1", "http://[x]/", "http://example.com:99999", "http://a:1:2",
      "https://example.com/" .. ("x"):rep(5000),
    } do
      refuses(422, target .. "&redirect=" .. redirect)
    end
  end)

  it("is refused with a page where it is not valid UTF-8", function()
    refuses(403, target .. "%ff")
    refuses(403, (target:gsub("/cancel", "/cancel%%ff")))
    refuses(403, (target:gsub("bookings/", "bookings/%%ff")))
  end)

  it("is not kept from its work by what it does not ask for", function()
    target = target .. "&include=nothing&redirect=https://x/%ff"
    local answer = box:handle { method = "GET", target = target, body = "{" }
    assert.same({ 302, "https://x/%FF" }, { answer.status, answer.headers.location })
    assert.equal("cancelled", assert(handle:get()).state)
  end)
end)

describe("a webhook of the sandbox that is served", function()
  it("is sent to whatever stands on a request line", function()
    local box = server.start("KEY=" .. KEY)
    local listener = assert(socket.bind("127.0.0.1", 0))
    finally(function()
      listener:close()
      box:close()
    end)
    listener:settimeout(20)
    local _, port = listener:getsockname()
    for path, expected in pairs {
      [""] = "/", ["?x"] = "/?x", ["/hook?a[]=1"] = "/hook?a[]=1", ["/a|b"] = "/a|b", ["/%zz{}"] = "/%zz{}",
    } do
      box:call("POST", "/_sandbox/reset", "{}")
      local status = box:call("POST", "/_sandbox/webhooks", core.encode {
        url = ("HTTP://127.0.0.1:%d%s"):format(port, path), secret = "whsec_1", graph = "instant", state = "confirmed",
      })
      assert.equal(200, status)
      box:call("POST", "/v2/bookings", core.encode {
        graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
      })
      local connection = assert(listener:accept(), path)
      connection:settimeout(20)
      assert.equal(("POST %s HTTP/1.1"):format(expected), connection:receive "*l")
      connection:send "HTTP/1.1 204 No Content\r\n\r\n"
      connection:close()
    end
  end)
end)
