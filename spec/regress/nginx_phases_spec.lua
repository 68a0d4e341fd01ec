-- A user saw: actions were refused with `kind = "phase"` in nginx's `precontent_by_lua*` and the stream module's
-- `preread_by_lua*`, which can wait. Debian's nginx has neither, so a phase that waits is given their names here.
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local timekit = require "timekit"

local KEY = "test_api_key_1"

describe("an nginx phase with the name", function()
  local server, tk, running

  setup(function()
    server = sandbox_server.start("KEY=" .. KEY)
    tk = timekit.new { app_key = KEY, base_url = server.url }
    running = nginx.start(nginx.configuration([[
      location = /confirm {
        access_by_lua_block {
          ngx.get_phase = function() return ngx.var.arg_phase end
          local booking, err = require("timekit").booking(ngx.var.arg_id):action("confirm")
          ngx.print(booking and booking.state or err.kind .. " " .. err.sent)
          ngx.exit(200)
        }
      }
    ]], { main = "env TIMEKIT_APP_KEY;\nenv TIMEKIT_BASE_URL;\n" }),
      ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s"):format(KEY, server.url))
  end)

  teardown(function()
    running:close()
    tk:close()
    server:close()
  end)

  for phase, expected in pairs {
    precontent = "confirmed", preread = "confirmed", balancer = "phase no", invented_by_a_spec = "phase no",
  } do
    it(phase .. (expected == "confirmed" and " can wait" or " cannot wait"), function()
      local id = assert(tk:create_booking {
        graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
      }).id
      assert.equal(expected, (running:get(("/confirm?id=%s&phase=%s"):format(id, phase))))
      assert.equal("", running:complaints())
    end)
  end
end)
