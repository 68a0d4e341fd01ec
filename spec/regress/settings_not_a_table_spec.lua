-- A user saw: create_booking { graph = "instant_payment", settings = 7 } raising "attempt to index a number value".
local graphs = require "timekit.graphs"
local timekit = require "timekit"

describe("settings that are not a table", function()
  local expected = "settings: expected a table, got a number"

  it("are named by check_create, where the graph has a delay among its settings too", function()
    for _, name in ipairs { "instant_payment", "group_owner" } do
      assert.same({ { field = "settings", problem = "expected a table, got a number" } },
        graphs[name]:check_create { settings = 7 })
    end
  end)

  it("are refused before anything is sent", function()
    local box = timekit.sandbox.new {}
    local booking, err = timekit.new({ transport = box }):create_booking { graph = "instant_payment", settings = 7 }
    assert.is_nil(booking)
    assert.same({ "input", "no", expected }, { err.kind, err.sent, err.message })
    assert.equal(0, #box:requests())
  end)
end)
