local time = require "timekit.text.time"
local nearest = require("timekit.text.messages").nearest

describe("time.parse", function()
  it("reads every form of the zone as the same instant", function()
    for _, text in ipairs {
      "2016-02-11T11:58:45+0100", "2016-02-11T11:58:45+01:00", "2016-02-11T10:58:45Z", "2016-02-11t10:58:45z",
      "2016-02-11T05:28:45-05:30", "2016-02-11T05:28:45-0530", "2016-02-12T10:57:45+23:59",
      "2016-02-11T10:58:45+00:00", "2016-02-11T10:58:45-00:00",
    } do
      assert.equal(1455188325, time.parse(text), text)
    end
  end)

  it("knows the calendar", function()
    -- date -u -d TEXT +%s
    for text, unix in pairs {
      ["1970-01-01T00:00:00Z"] = 0,
      ["1969-12-31T23:59:59Z"] = -1,
      ["2000-02-29T12:00:00Z"] = 951825600,
      ["2000-03-01T00:00:00Z"] = 951868800,
      ["2016-02-29T23:59:59Z"] = 1456790399,
      ["2016-12-31T23:59:59Z"] = 1483228799,
      ["1900-03-01T00:00:00Z"] = -2203891200,
      ["2038-01-19T03:14:08Z"] = 2147483648,
      ["0001-01-01T00:00:00Z"] = -62135596800,
      ["9999-12-31T23:59:59Z"] = 253402300799,
    } do
      assert.equal(unix, time.parse(text), text)
    end
  end)

  it("keeps fractions, to the nanosecond", function()
    assert.equal(0.5, time.parse("1970-01-01T00:00:00.5Z"))
    assert.equal(-0.75, time.parse("1969-12-31T23:59:59.25Z"))
    assert.equal(1455188325.125, time.parse("2016-02-11T11:58:45.125+0100"))
    assert.equal(0.123456789, time.parse("1970-01-01T00:00:00.1234567899999Z"))
    assert.equal(0, time.parse("1970-01-01T00:00:00." .. ("0"):rep(400) .. "Z"))
  end)

  it("gives an integer where Lua has them and the text has no fraction", function()
    if not math.type then return pending("this Lua has no integers") end
    assert.equal("integer", math.type(time.parse("2016-02-11T11:58:45+0100")))
    assert.equal("float", math.type(time.parse("2016-02-11T11:58:45.0+0100")))
  end)

  it("takes a leap second at the end of a month in UTC, as the second after it", function()
    assert.equal(662688000, time.parse("1990-12-31T23:59:60Z"))
    assert.equal(662688000, time.parse("1990-12-31T15:59:60-08:00"))
    assert.equal(1435708800.5, time.parse("2015-07-01T01:59:60.5+0200"))
    for _, text in ipairs {
      "1990-12-30T23:59:60Z", "1990-12-31T23:58:60Z", "1990-12-31T23:59:60+0100", "1991-01-01T11:59:60Z",
    } do
      local unix, message = time.parse(text)
      assert.is_nil(unix, text)
      assert.matches("no such second: 60", message, 1, true)
    end
  end)

  it("says what is wrong", function()
    for text, part in pairs {
      ["2016-13-11T11:58:45Z"] = "no such month: 13",
      ["2016-00-11T11:58:45Z"] = "no such month: 0",
      ["2016-02-30T11:58:45Z"] = "no such day: 30 of month 2 in 2016",
      ["2015-02-29T11:58:45Z"] = "no such day: 29 of month 2 in 2015",
      ["1900-02-29T11:58:45Z"] = "no such day: 29 of month 2 in 1900",
      ["2016-04-31T11:58:45Z"] = "no such day: 31 of month 4 in 2016",
      ["2016-04-00T11:58:45Z"] = "no such day: 0",
      ["2016-02-11T24:00:00Z"] = "no such hour: 24",
      ["2016-02-11T11:60:45Z"] = "no such minute: 60",
      ["2016-02-11T11:58:61Z"] = "no such second: 61",
      ["2016-02-11T11:58:45"] = "time zone is missing",
      ["2016-02-11T11:58:45.5"] = "time zone is missing",
      ["2016-02-11T11:58:45+24:00"] = "no such time zone offset: +24:00",
      ["2016-02-11T11:58:45+0160"] = "no such time zone offset: +0160",
      ["2016-02-11T11:58:45+01"] = "not a time zone",
      ["2016-02-11T11:58:45 +0100"] = "not a time zone",
      ["2016-02-11T11:58:45Z "] = "not a time zone",
      ["2016-02-11T11:58:45Europe/Berlin"] = "not a time zone",
      ["2016-02-11T11:58:45.Z"] = "not a time zone",
      ["2016-02-11 11:58:45Z"] = "not a timestamp",
      ["2016-02-11"] = "not a timestamp",
      [" 2016-02-11T11:58:45Z"] = "not a timestamp",
      ["16-02-11T11:58:45Z"] = "not a timestamp",
      ["2016-2-11T11:58:45Z"] = "not a timestamp",
      [""] = "not a timestamp",
    } do
      local unix, message = time.parse(text)
      assert.is_nil(unix, text)
      assert.matches(part, message, 1, true)
    end
  end)

  it("refuses what is no text", function()
    for _, value in ipairs { 1455188325, true, {}, print } do
      local unix, message = time.parse(value)
      assert.is_nil(unix)
      assert.matches("got a " .. type(value), message, 1, true)
    end
    assert.is_nil((time.parse(nil)))
  end)
end)

describe("time.format", function()
  it("writes the shape that Timekit answers with", function()
    assert.equal("2016-02-11T10:58:45+0000", time.format(1455188325))
    assert.equal("1970-01-01T00:00:00+0000", time.format(0))
    assert.equal("2000-02-29T00:00:00+0000", time.format(951782400))
    assert.equal("0000-01-01T00:00:00+0000", time.format(-62167219200))
  end)

  it("cuts fractions off towards the past", function()
    assert.equal("2016-02-11T10:58:45+0000", time.format(1455188325.999))
    assert.equal("1969-12-31T23:59:59+0000", time.format(-0.25))
  end)

  it("agrees with the C library, and with parse, on every day", function()
    for day = 0, 40000 do
      local unix = day * 86400 + day * 7919 % 86400
      local text = time.format(unix)
      assert.equal(os.date("!%Y-%m-%dT%H:%M:%S+0000", unix), text)
      assert.equal(unix, time.parse(text))
    end
  end)

  it("goes back and forth over all the years it can write", function()
    for day = -719528, 2932896, 97 do
      local text = time.format(day * 86400)
      if time.parse(text) ~= day * 86400 then error(text .. " is read as " .. tostring(time.parse(text))) end
    end
  end)

  it("raises, blaming the caller, for what cannot be written", function()
    for _, value in ipairs { "1455188325", 1 / 0, -1 / 0, 0 / 0, 253402300800, -62167219201 } do
      local ok, message = pcall(function() return (time.format(value)) end)
      assert.is_false(ok, tostring(value))
      assert.matches("time_nearest_spec.lua:%d+: unix: expected", message)
    end
  end)
end)

describe("nearest", function()
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

  it("does not labour over a huge name", function()
    -- A distance of ten megabytes to a short name would take minutes if it were computed.
    assert.is_nil(nearest(("x"):rep(10 * 1024 * 1024), names))
  end)
end)
