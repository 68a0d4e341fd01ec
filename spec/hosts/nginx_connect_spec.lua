-- In nginx a worker connects when it starts, and its first action finds the connection there.
local app = require "spec.support.nginx_app"

setup(app.open)
teardown(app.close)
after_each(app.stop)

describe("connecting in nginx", function()
  local LOCATIONS = [[
  location = /connect {
    content_by_lua_block {
      local connected, info = tk:connect()
      ngx.print(connected and info.status or info.kind)
    }
  }
  location = /told { content_by_lua_block { ngx.print(told[1] or "") } }
  ]]

  it("waits as any request does", function()
    app.start(LOCATIONS, { init = "tk = timekit.new()" })
    local body, status = app.running:get "/connect"
    assert.same({ "401", 200 }, { body, status })
    assert.equal("", app.running:complaints())
  end)

  it("works in a worker's first timer, and says where it cannot", function()
    app.start(LOCATIONS, {
      init = "tk = timekit.new()",
      http = [[
        init_worker_by_lua_block {
          local connected, err = tk:connect()
          local kind = err.kind
          ngx.timer.at(0, function()
            local later, info = tk:connect()
            told[1] = kind .. " " .. tostring(later) .. " " .. tostring(info.status)
          end)
        }
      ]],
    })
    local text
    repeat text = app.running:get "/told" until text ~= ""
    assert.equal("phase true 401", text)
  end)
end)
