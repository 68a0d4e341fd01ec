-- A user saw: after one bad answer over HTTP/2 every request failed, on the same connection, for as long as the server
-- kept it.
local core = require "timekit.core"
local faults = require "spec.support.faults"

describe("an HTTP/2 connection whose session is broken", function()
  local server
  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  -- Whether the connection stays, and breaks, depends on how much of the headers has come when they are refused.
  it("is used once more at most", function()
    for _ = 1, 20 do
      local engine = core.engine { base_url = server.url.tls, ca_file = server.ca_file, http2 = true }
      assert.not_equal("ok", faults.request(engine, server:plan { act = "header_flood", count = 20000 }).reason)
      faults.request(engine, server:plan())
      local result = faults.request(engine, server:plan())
      assert.equal("ok", result.reason, result.text)
      engine:close()
    end
  end)
end)
