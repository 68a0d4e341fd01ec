-- The README's nginx for several tenants, spec/examples/tenants.conf: each acts with its own key.
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local timekit = require "timekit"

describe("an nginx for several tenants", function()
  local box, tk, running

  setup(function()
    box = sandbox_server.start("KEY=test_api_key_shop")
    tk = timekit.new { app_key = "test_api_key_shop", base_url = box.url }
    local file = assert(io.open "spec/examples/tenants.conf")
    local text = file:read("*a"):gsub("\n  server {",
      "\n  access_log off;\n  server {\n    location = /fast { return 200; }")
    file:close()
    running = nginx.start(text,
      ("TIMEKIT_BASE_URL=%s TIMEKIT_KEYS=shop=test_api_key_shop,spa=test_api_key_spa"):format(box.url))
  end)

  teardown(function()
    running:close()
    tk:close()
    box:close()
  end)

  local function confirm(id, tenant)
    local body, status = nginx.answer(running:ask("/confirm?id=" .. id, nil, ("X-Tenant: %s\r\n"):format(tenant)))
    return status, body
  end

  it("takes the key of the tenant that asks", function()
    local id = assert(tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }).id
    assert.same({ 502, "auth\n" }, { confirm(id, "spa") })
    assert.same({ 200, "confirmed\n" }, { confirm(id, "shop") })
    assert.same({ 409, "transition\n" }, { confirm(id, "shop") })
    assert.equal(404, (confirm(id, "nobody")))
  end)
end)
