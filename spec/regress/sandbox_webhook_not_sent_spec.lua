-- A user saw: a webhook of the sandbox's that was never delivered, because its URL had no path or an unusual one.
local socket = require "socket"
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"

local KEY = "test_api_key_1"

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
      box:request("POST", "/_sandbox/reset", "{}")
      local status = box:request("POST", "/_sandbox/webhooks", core.encode {
        url = ("HTTP://127.0.0.1:%d%s"):format(port, path), secret = "whsec_1", graph = "instant", state = "confirmed",
      })
      assert.equal(200, status)
      box:request("POST", "/v2/bookings", core.encode {
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
