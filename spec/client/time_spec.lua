local duration = require "timekit.text.duration"
local time = require "timekit.text.time"

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

  it("refuses what is not a text", function()
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
    -- Where the C library counts in 32 bits, its time ends in 2038.
    local ok, year = pcall(os.date, "!%Y", 2147483648)
    for day = 0, ok and year == "2038" and 40000 or 24854 do
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
      assert.matches("time_spec.lua:%d+: unix: expected", message)
    end
  end)
end)

describe("duration.read", function()
  it("reads Timekit's durations", function()
    for text, seconds in pairs {
      ["1 day"] = 86400, ["14 days"] = 1209600, ["2 hours"] = 7200, ["1 hour"] = 3600, ["25 min"] = 1500,
      ["25 minutes"] = 1500, ["30 seconds"] = 30, ["1 sec"] = 1, ["2 weeks"] = 1209600, ["0 days"] = 0,
      ["1.5 hours"] = 5400, ["25min"] = 1500, ["  2  Hours "] = 7200,
    } do
      assert.equal(seconds, duration.read(text), text)
    end
    assert.equal(1500, duration.read { time = 25, unit = "min" })
    assert.equal(1500, duration.read { time = "25", unit = "MINUTES" })
    assert.equal(90, duration.read { time = 1.5, unit = "min" })
    assert.equal(86400, math.floor(duration.read("0." .. ("9"):rep(400) .. " days") + 0.5))
  end)

  it("is nil for anything else", function()
    for _, value in ipairs {
      "", "day", "1", "1 fortnight", "-1 day", "1 day 2 hours", "1e3 days", "0x10 days", "1.2.3 days", ". days",
      ("9"):rep(400) .. " days", 300, true, {}, print,
      { time = 25 }, { unit = "min" }, { time = -1, unit = "min" }, { time = 0 / 0, unit = "min" },
      { time = 1 / 0, unit = "min" }, { time = {}, unit = "min" }, { time = "x", unit = "min" },
      { time = 1, unit = 60 },
    } do
      assert.is_nil(duration.read(value), tostring(value))
    end
    assert.is_nil(duration.read(nil))
  end)
end)
