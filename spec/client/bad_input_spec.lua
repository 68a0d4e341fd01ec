-- Wrong arguments raise, blame the caller's line, and send nothing.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

describe("bad input", function()
  local transport, tk, booking

  before_each(function()
    transport = scripted.new(function() return scripted.booking "confirmed" end)
    tk = timekit.new { app_key = "test_key", transport = transport }
    booking = tk:booking("b1")
  end)

  -- Checks that `fn` raises, blamed on this file, and that nothing was sent.
  local function raises(expected, fn, about)
    local message = blame(fn, about)
    assert.matches(expected, message, 1, true)
    assert.equal(0, #transport.requests)
    return message
  end

  local NAMES = { "", ".", "..", "a\r\nX-Evil: 1", "a\0b", "a\nb", "\127", ("x"):rep(2000) }
  local VALUES = { 42, true, {}, print, core.null, 0 / 0 }

  it("as an id raises", function()
    for _, id in ipairs(NAMES) do
      raises("client:booking: the id: ", function() tk:booking(id) end, id)
      raises("client:booking: the booking's id: ", function() tk:booking { id = id } end, id)
    end
    for _, id in ipairs(VALUES) do
      if type(id) ~= "table" then raises("client:booking: the id: ", function() tk:booking(id) end) end
      raises("client:booking: the booking's id: ", function() tk:booking { id = id } end)
    end
    raises("client:booking: the id: expected a string, got nil", function() tk:booking() end)
    raises("client:booking: the booking's id: expected a string, got nil", function() tk:booking {} end)
    timekit.configure { app_key = "test_key", transport = transport }
    raises("timekit.booking: the id: ", function() timekit.booking("") end)
  end)

  it("as an action raises", function()
    for _, action in ipairs(NAMES) do
      raises("booking:action: the action's name: ", function() booking:action(action) end, action)
      raises("booking:can: the action's name: ", function() booking:can(action) end, action)
    end
    for _, action in ipairs(VALUES) do
      raises("booking:action: the action's name: ", function() booking:action(action) end)
    end
    raises("the action's name: expected a string, got nil", function() booking:action() end)
  end)

  it("never becomes another path or a header", function()
    for _, name in ipairs {
      "a/b", "../../x", "a b", "a?b=c", "a#b", "a%2Fb", "a\\b", "a;b", "a@b", "//host/x", "\195\169", "...",
    } do
      assert(tk:booking(name):action(name))
      local request = table.remove(transport.requests)
      assert.matches("^/bookings/[%w%%%-._~]+/[%w%%%-._~]+$", request.target)
      assert.same({ ["Content-Type"] = "application/json" }, request.headers)
      local id, action = request.target:match("^/bookings/(.-)/(.-)$")
      for _, segment in ipairs { id, action } do
        assert.equal(name, (segment:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)))
      end
    end
  end)

  it("as inputs raises when it is not a table of names, or when JSON cannot express it", function()
    for _, inputs in ipairs { "Fully booked", 42, true, print, core.null } do
      raises("booking:action: inputs: expected a table", function() booking:action("decline", inputs) end)
    end
    raises("inputs: expected a table of named fields, got a list", function() booking:decline { "Fully booked" } end)
    raises("inputs: expected a table of named fields, got a list", function() booking:decline(timekit.array {}) end)
    local circle = {}
    circle.circle = circle
    for path, inputs in pairs {
      ["inputs.message"] = { message = print },
      ["inputs.thread"] = { thread = coroutine.create(function() end) },
      ["inputs.circle"] = circle,
      ["inputs.number"] = { number = 0 / 0 },
      ["inputs.endless"] = { endless = math.huge },
      ["inputs.binary"] = { binary = "\255\254" },
      ["inputs.mixed"] = { mixed = { 1, a = 2 } },
      ["inputs.sparse"] = { sparse = { 1, nil, nil, 4 } },
      ["inputs.deep.list[1]"] = { deep = { list = { io.stdout } } },
    } do
      raises("booking:decline: " .. path, function() booking:decline(inputs) end, path)
    end
    -- A wrong use is one even where the graph would have refused it.
    local known = tk:booking { id = "b1", graph = "confirm_decline", state = "tentative" }
    raises("booking:decline: inputs.message", function() known:decline { message = print } end)
    raises("settings.x", function() booking:confirm(nil, { settings = { x = print } }) end)
  end)

  it("as fields of a booking raises likewise", function()
    for _, fields in ipairs { "x", 42, true, core.null, { "a" }, timekit.array {} } do
      raises("client:create_booking: expected a table of named fields", function() tk:create_booking(fields) end)
    end
    raises("client:create_booking: expected a table of named fields", function() tk:create_booking() end)
    raises("client:create_booking: fields.customer.name", function()
      tk:create_booking { customer = { name = print } }
    end)
  end)

  it("of 10 MB is an error, and nothing is sent", function()
    local text = ("x"):rep(10 * 1024 * 1024)
    local none, err = booking:decline { message = text }
    assert.is_nil(none)
    assert.equal("input", err.kind)
    none, err = tk:create_booking { what = text }
    assert.is_nil(none)
    assert.equal("input", err.kind)
    assert.equal(0, #transport.requests)
  end)

  it("instead of a colon is explained", function()
    raises("booking:action: call it with a colon, as in booking:action(", function() booking.action("confirm") end)
    raises("booking:confirm: call it with a colon, as in booking:confirm(", function() booking.confirm() end)
    raises("booking:get: call it with a colon", function() booking.get {} end)
    raises("booking:can: call it with a colon", function() booking.can("confirm") end)
    raises("booking:actions: call it with a colon", function() booking.actions() end)
    raises("client:booking: call it with a colon, as in tk:booking(", function() tk.booking("b1") end)
    raises("client:create_booking: call it with a colon", function() tk.create_booking {} end)
  end)

  it("is a closed client, also by way of a handle from before", function()
    tk:close()
    raises("client:booking: the client is closed", function() tk:booking("b1") end)
    raises("client:create_booking: the client is closed", function() tk:create_booking {} end)
    raises("booking:action: the client is closed", function() booking:action("confirm") end)
    raises("booking:confirm: the client is closed", function() booking:confirm() end)
    raises("booking:get: the client is closed", function() booking:get() end)
    raises("booking:can: the client is closed", function() booking:can("confirm") end)
    raises("booking:actions: the client is closed", function() booking:actions() end)
  end)
end)
