local messages = require "timekit.text.messages"
local timekit = require "timekit"

local nearest = messages.nearest

describe("messages.describe", function()
  it("says what a value is", function()
    for described, value in pairs {
      ["a string"] = "", ["a boolean"] = false, ["a number"] = 0, ["a table"] = {}, ["a function"] = print,
      ["null"] = timekit.null, ["a userdata"] = io.stdout, ["a thread"] = coroutine.create(function() end),
    } do
      assert.equal(described, messages.describe(value))
    end
    assert.equal("nothing", messages.describe(nil))
  end)

  it("has a word for every type that a field can have", function()
    for _, name in ipairs { "string", "boolean", "number", "integer", "table", "function" } do
      assert.matches("^an? " .. name .. "$", messages.TYPES[name])
    end
  end)
end)

describe("messages.quote", function()
  it("puts a text between quotes, and whatever else as a text", function()
    assert.equal("'message'", messages.quote "message")
    assert.equal("''", messages.quote "")
    assert.equal("'7'", messages.quote(7))
    assert.equal("'nil'", messages.quote(nil))
  end)

  it("keeps a message on one line", function()
    assert.equal("'a?b??c?d'", messages.quote "a\nb\r\nc\0d")
  end)

  it("cuts a text of more than 60 bytes", function()
    assert.equal("'" .. ("x"):rep(60) .. "'", messages.quote(("x"):rep(60)))
    assert.equal("'" .. ("x"):rep(57) .. "...'", messages.quote(("x"):rep(61)))
  end)
end)

describe("messages.hint", function()
  it("names what was probably meant", function()
    assert.equal(", did you mean 'message'?", messages.hint("mesage", { message = true }))
  end)

  it("is empty where nothing is close", function()
    assert.equal("", messages.hint("colour", { message = true }))
    assert.equal("", messages.hint(7, { message = true }))
  end)
end)

describe("messages.nearest", function()
  local names = { "message", "enabled", "payment_id" }

  it("finds a name through one slip of each kind", function()
    for slip, name in pairs {
      mesage = "message", messsage = "message", massage = "message", messgae = "message", emssage = "message",
      enable = "enabled", payment_di = "payment_id", paymentid = "payment_id",
    } do
      assert.equal(name, nearest(slip, names), slip)
    end
  end)

  it("allows more slips in a longer name: a third of its length, and at least one", function()
    assert.equal("confirm", nearest("cnofrim", { "confirm" }))          -- 7 letters, 2 swaps
    assert.is_nil(nearest("cnofrmi_", { "confirm" }))                   -- 8 letters, 3 slips
    assert.equal("pay", nearest("pya", { "pay" }))
    assert.is_nil(nearest("yap", { "pay" }))                            -- 3 letters, 2 slips
    assert.equal("ok", nearest("k", { "ok" }))
    assert.is_nil(nearest("no", { "ok" }))
    assert.equal("by_customer", nearest("bycostumer", { "by_customer" })) -- 10 letters, 3 slips
  end)

  it("takes a list, or the keys of a table", function()
    assert.equal("message", nearest("mesage", { message = { type = "string" }, enabled = false }))
    assert.equal("message", nearest("mesage", { "enabled", "message" }))
  end)

  it("prefers the closest, then the alphabetically first, whatever the order", function()
    assert.equal("cancel", nearest("cancle", { "candle_", "cancel" }))
    assert.equal("message", nearest("message", { "massage", "message", "messages" }))
    for _, list in ipairs { { "bat", "cat", "hat" }, { "hat", "cat", "bat" }, { "cat", "bat", "hat" } } do
      assert.equal("bat", nearest("aat", list))
    end
  end)

  it("finds nothing where nothing is close", function()
    assert.is_nil(nearest("colour", names))
    assert.is_nil(nearest("", names))
    assert.is_nil(nearest("message", {}))
    assert.is_nil(nearest("x", { 1, 2, true }))
    for _, name in ipairs { 7, true, {} } do assert.is_nil(nearest(name, names)) end
    assert.is_nil(nearest(nil, names))
  end)

  it("takes no time over a huge name", function()
    -- A distance of ten megabytes to a short name would take minutes if it were computed.
    assert.is_nil(nearest(("x"):rep(10 * 1024 * 1024), names))
  end)
end)
