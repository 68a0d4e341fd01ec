-- A user saw: a key in the history, since a program had sent it in the place of the user's name, as a Bearer token, or
-- its whole Authorization header under another name.
local core = require "timekit.core"
local mime = require "mime"
local server = require "spec.support.sandbox_server"

describe("the history of the sandbox", function()
  it("shows no key, wherever the credentials have it", function()
    local served = server.start()
    for number, credentials in ipairs {
      "Basic " .. mime.b64 "secret_key_0123:", "Basic " .. mime.b64 ":secret_key_0123", "Bearer secret_key_0123",
      "secret_key_0123 ",
    } do
      local connection = served:connect()
      connection:send(("GET /v2/bookings?key=secret_key_0123 HTTP/1.1\r\nHost: %s\r\n"):format(served.host)
        .. ("Authorization: %s\r\nX-Copy: %s\r\n\r\n"):format(credentials, credentials))
      server.read(connection)
      connection:close()
      local _, answer = served:request("GET", "/_sandbox/requests/" .. number)
      local text = core.encode(answer)
      assert.matches("key=***", text, 1, true)
      assert.falsy(text:find("secret_key_0123", 1, true), text)
      assert.falsy(text:find(credentials:match "%S+%s*$", 1, true), text)
    end
    served:close()
  end)

  it("shows a user's name beside a key", function()
    local served = server.start()
    local connection = served:connect()
    connection:send(("GET /v2/bookings?search=marty.mcfly HTTP/1.1\r\nHost: %s\r\n"):format(served.host)
      .. ("Authorization: Basic %s\r\n\r\n"):format((mime.b64 "marty.mcfly:secret_key_0123")))
    server.read(connection)
    connection:close()
    local _, answer = served:request("GET", "/_sandbox/requests/1")
    assert.equal("/v2/bookings?search=marty.mcfly", answer.data.target)
    served:close()
  end)
end)
