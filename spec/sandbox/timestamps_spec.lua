-- The headers for zone and format of timestamps (spec/api.md 1). Known moments, written and read by hand.
local core = require "timekit.core"
local php_date = require "timekit.sandbox.timestamps.php_date"
local support = require "spec.support.box"
local tzif = require "timekit.sandbox.timestamps.tzif"
local zones = require "timekit.sandbox.timestamps.zones"

local START, ENDS, NOW = support.START, support.ENDS, support.NOW

-- 2016-02-11T11:58:45+0100, a Thursday.
local FIXTURE = 1455188325

local has_zones = zones.find("Europe/Berlin") ~= nil

describe("the sandbox's timestamps", function()
  local api

  before_each(function() api = support.new() end)

  local function with(headers)
    headers.Authorization = support.AUTH
    return headers
  end

  local function show(id, headers)
    local path = ("/bookings/%s?include=attributes,event,logs"):format(id)
    local status, answer = api:request("GET", path, nil, with(headers))
    assert.equal(200, status)
    return answer.data
  end

  local function create(times, headers)
    return api:request("POST", "/bookings?include=attributes,event", support.fields(times), with(headers))
  end

  it("are written in the zone of Timekit-Timezone, every one of them", function()
    local id = api:create("instant")
    local booking = show(id, { ["Timekit-Timezone"] = "+05:30" })
    assert.equal("2030-01-01T05:30:00+0530", booking.created_at)
    assert.equal("2030-01-01T05:30:00+0530", booking.updated_at)
    assert.equal("2030-01-01T05:30:00+0530", booking.logs[1].created_at)
    for _, event in ipairs { booking.event, booking.attributes.event_info } do
      assert.same({ "2030-01-01T15:30:00+0530", "2030-01-01T16:30:00+0530" }, { event.start, event["end"] })
    end
    assert.equal(START, show(id, {}).attributes.event_info.start)
    local _, reserved = api:request("POST", "/bookings/reserve", { start = START, ["end"] = support.END },
      with { ["Timekit-Timezone"] = "-01:00" })
    assert.equal("2029-12-31T23:00:30-0100", reserved.data.expires_at)
  end)

  it("are written by Timekit-OutputTimestampFormat, in lists and bulk too", function()
    local id = api:create("instant")
    local booking = show(id, { ["Timekit-OutputTimestampFormat"] = "U" })
    assert.same({ tostring(NOW), tostring(ENDS) }, { booking.created_at, booking.attributes.event_info["end"] })
    local headers = with {
      ["timekit-outputtimestampformat"] = "D, j M Y \\a\\t g:i A", ["timekit-timezone"] = "+01:00",
    }
    local _, answer = api:request("GET", "/bookings?include=event", nil, headers)
    assert.equal("Tue, 1 Jan 2030 at 11:00 AM", answer.data[1].event.start)
    local body = { bookings = core.array { { id = id, action = "cancel" } } }
    _, answer = api:request("PUT", "/bookings/bulk", body, headers)
    assert.equal("Tue, 1 Jan 2030 at 1:00 AM", answer.data[1].updated_at)
  end)

  it("are read by Timekit-InputTimestampFormat, as texts or numbers, and by no other", function()
    local U = { ["Timekit-InputTimestampFormat"] = "U" }
    for _, times in ipairs { { ENDS - 3600, ENDS }, { tostring(ENDS - 3600), tostring(ENDS) } } do
      local status, answer = create({ start = times[1], ["end"] = times[2] }, U)
      assert.equal(201, status)
      assert.equal("2030-01-01T10:00:00+0000", answer.data.event.start)
      -- A client without the header can read it.
      assert.equal("2030-01-01T10:00:00+0000", show(answer.data.id, {}).attributes.event_info.start)
    end
    local status, answer = create({}, U)
    assert.equal(422, status)
    assert.matches("'U'", answer.errors.start[1], 1, true)
    local day_first = { ["Timekit-InputTimestampFormat"] = "d/m/Y H:i", ["Timekit-Timezone"] = "-03:00" }
    answer = select(2, create({ start = "02/01/2030 21:30", ["end"] = "03/01/2030 22:30" }, day_first))
    assert.equal("2030-01-02T21:30:00-0300", answer.data.event.start)
    status = api:request("POST", ("/bookings/%s/reschedule"):format(answer.data.id),
      { start = "04/01/2030 01:00", ["end"] = "04/01/2030 02:00" }, with(day_first))
    assert.equal(200, status)
    assert.equal("2030-01-04T04:00:00+0000", show(answer.data.id, {}).event.start)
    assert.equal(1, select(2, api:request("GET", "/bookings?start=04%2F01%2F2030+01:30", nil, with(day_first))).total)
  end)

  it("without an offset are read in the zone, and refused without one", function()
    local times = { start = "2030-01-01T10:00:00", ["end"] = "2030-01-01T11:00:00" }
    assert.equal(422, (create(times, {})))
    local _, answer = create(times, { ["Timekit-Timezone"] = "+02:00" })
    assert.equal("2030-01-01T08:00:00+0000", show(answer.data.id, {}).attributes.event_info.start)
    -- An offset of its own counts.
    _, answer = create({}, { ["Timekit-Timezone"] = "+02:00" })
    assert.equal("2030-01-01T12:00:00+0200", answer.data.event.start)
  end)

  it("are refused by the header's name where it is wrong, and nothing is created", function()
    for name, values in pairs {
      ["Timekit-Timezone"] = { "Europe/Belrin", "../../etc/passwd", "/etc/passwd", "America", "+25:00", "europe/berlin",
        "Europe//Berlin", "+1", "X", "\255" },
      ["Timekit-InputTimestampFormat"] = { "c", "H:i", "Y-m", "W", "\\Y-m-d", "U\255" },
      ["Timekit-OutputTimestampFormat"] = { "\255" },
    } do
      for _, value in ipairs(values) do
        local status, answer = create({}, { [name] = value })
        assert.equal(422, status, value)
        assert.is_string(answer.errors[name][1], value)
      end
    end
    assert.equal(0, #api.box:bookings())
    local _, answer = create({}, { ["Timekit-Timezone"] = "Nowhere/Atall" })
    assert.matches("^unknown time zone 'Nowhere/Atall': expected UTC, an offset", answer.errors["Timekit-Timezone"][1])
    -- A header without a value is none, and the key comes first.
    assert.equal(201, (create({}, { ["Timekit-Timezone"] = "" })))
    assert.equal(401, (api:request("GET", "/bookings", nil, { ["Timekit-Timezone"] = "X" })))
  end)

  it("do not reach webhooks, which are asked for by nobody", function()
    api.box:webhook { url = "http://127.0.0.1:1/", secret = "s", graph = "instant", state = "confirmed" }
    create({}, { ["Timekit-OutputTimestampFormat"] = "U" })
    assert.equal("2030-01-01T00:00:00+0000", core.decode(api.box:deliveries()[1].body).created_at)
  end)

  it("follow what the client is set to", function()
    local tk = require("timekit").new { transport = api.box, timezone = "+01:00" }
    local booking = assert(tk:create_booking(support.fields()))
    assert.equal("2030-01-01T01:00:00+0100", booking.created_at)
    tk:close()
  end)

  it("at the end of time stay within four digits", function()
    local status, answer = create({ start = "9999-12-31T23:00:00Z", ["end"] = "9999-12-31T23:30:00Z" },
      { ["Timekit-Timezone"] = "+10:00" })
    assert.equal(201, status)
    assert.equal("9999-12-31T23:00:00+0000", answer.data.event.start)
  end)
end)

describe("PHP's date formats", function()
  local plus_one = assert(zones.find("+01:00"))

  it("are written letter by letter", function()
    for format, expected in pairs {
      ["Y-m-d\\TH:i:sO"] = "2016-02-11T11:58:45+0100", c = "2016-02-11T11:58:45+01:00",
      r = "Thu, 11 Feb 2016 11:58:45 +0100", U = "1455188325", ["D l N w z S"] = "Thu Thursday 4 4 41 th",
      ["W o F M m n t L y"] = "06 2016 February Feb 02 2 29 1 16",
      ["a A B g h G H i s"] = "am AM 499 11 11 11 11 58 45",
      ["u v e I O P p T Z"] = "000000 000 +01:00 0 +0100 +01:00 +01:00 +01:00 3600", ["\\Y\\\\ q - %"] = "Y\\ q - %",
      [""] = "", ["é"] = "é",
    } do
      assert.equal(expected, php_date.write(format, FIXTURE, plus_one))
    end
    assert.equal("Z UTC 12 pm 500000", php_date.write("p e h a u", 43200.5, zones.UTC))
    local function on(day, format) return php_date.write(format, (day - 1) * 86400, zones.UTC) end
    assert.same({ "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th" }, {
      on(1, "jS"), on(2, "jS"), on(3, "jS"), on(4, "jS"), on(11, "jS"), on(12, "jS"), on(13, "jS"), on(21, "jS"),
      on(22, "jS"), on(23, "jS"), on(30, "jS"),
    })
    -- Weeks of ISO 8601 around the turn of a year: 2021-01-03, 2024-12-30, 2016-01-03.
    for unix, week in pairs { [1609632000] = "53 2020 7", [1735516800] = "01 2025 1", [1451779200] = "53 2015 7" } do
      assert.equal(week, php_date.write("W o N", unix, zones.UTC))
    end
  end)

  it("are read letter by letter", function()
    for _, case in ipairs {
      { "Y-m-d\\TH:i:sO", "2016-02-11T11:58:45+0100" }, { "Y-m-d H:i:s", "2016-02-11 11:58:45" },
      { "D, d M Y H:i:s P", "Thu, 11 Feb 2016 10:58:45 +00:00" }, { "U", "1455188325" },
      { "l jS F y, g:i:s a", "Thursday 11th february 16, 11:58:45 AM" }, { "!j.n.Y|G?i?s", "11.2.2016" .. "11x58y45" },
      { "Ymd His e", "20160211 105845 UTC" }, { "H:i:s d/m/Y T", "10:58:45 11/02/2016 Z" },
    } do
      assert.equal(FIXTURE, php_date.read(case[1], case[2], plus_one), case[1])
      assert.is_nil(php_date.problem(case[1]))
    end
    assert.equal(FIXTURE - 58 * 60 - 45 + 0.25, php_date.read("Y-m-d H v", "2016-02-11 11 250", plus_one))
    assert.same({ 0, 43200, 86340 }, {
      php_date.read("Y-m-d g A", "1970-01-01 12 AM", zones.UTC),
      php_date.read("Y-m-d g A", "1970-01-01 12 PM", zones.UTC),
      php_date.read("Y-m-d g:i A", "1970-01-01 11:59 pm", zones.UTC),
    })
    assert.equal(-86400, php_date.read("y-m-d", "69-12-31", zones.UTC) - 3155760000)
  end)

  it("refuse what is not of the format", function()
    for _, case in ipairs {
      { "Y-m-d", "2016-02-30" }, { "Y-m-d", "2016-02-11 " }, { "Y-m-d", "x" }, { "Y-m-d", "" },
      { "Y-m-d H", "2016-02-11 25" }, { "Y-m-d g A", "2016-02-11 13 PM" }, { "Y-m-d A", "2016-02-11 XM" },
      { "Y-M-d", "2016-Foo-11" },
      { "Y-m-d e", "2016-02-11 Nowhere/Atall" }, { "U", "1.5" }, { "\\U Y-m-d", "1 2016-02-11" },
    } do
      local unix, problem = php_date.read(case[1], case[2], zones.UTC)
      assert.is_nil(unix, case[2])
      assert.is_string(problem)
    end
  end)
end)

describe("a time zone", function()
  -- A file of version 2 as `zic -b slim` writes it: no transitions, the rule alone.
  local function file(rule, types)
    local zero = ("\0"):rep(4)
    local header = "TZif2" .. ("\0"):rep(15) .. zero .. zero .. zero .. zero .. "\0\0\0\1" .. "\0\0\0\4"
    local block = header .. (types or "\0\0\14\16\0\0") .. "CET\0"
    return block .. block .. "\n" .. rule .. "\n"
  end

  local function offsets(look_up, ...)
    local list = {}
    for index, unix in ipairs { ... } do list[index] = look_up(unix).offset end
    return list
  end

  it("follows the rule for times after its last transition", function()
    -- 2099: summer time from March 29 01:00 UTC to October 25 01:00 UTC.
    local berlin = assert(tzif.read(file("CET-1CEST,M3.5.0,M10.5.0/3")))
    assert.same({ 3600, 7200, 7200, 3600 }, offsets(berlin, 4078429199, 4078429200, 4096573199, 4096573200))
    assert.same({ "CET", "CEST" }, { berlin(4078429199).abbreviation, berlin(4078429200).abbreviation })
    -- The south: summer over the turn of the year (2100-01-01), winter in July.
    local sydney = assert(tzif.read(file("AEST-10AEDT,M10.1.0,M4.1.0/3")))
    assert.same({ 39600, 36000 }, offsets(sydney, 4102444800, 4086892800))
    local nepal = assert(tzif.read(file("<+0545>-5:45")))
    assert.same({ 20700 }, offsets(nepal, 4102444800))
    assert.equal("+0545", nepal(0).abbreviation)
    -- A rule of another kind: the last type that is known.
    assert.same({ 3600 }, offsets(assert(tzif.read(file("IRST-3:30IRDT,J79/24,J263/24"))), 4102444800))
  end)

  it("is not read from what is none", function()
    local bytes = file("CET-1")
    for length = 0, #bytes - 8 do assert.is_nil(tzif.read(bytes:sub(1, length))) end
    assert.is_nil(tzif.read("root:x:0:0:root:/root:/bin/bash\n"))
  end)

  it("of the system is known by its IANA name, through its changes", function()
    if not has_zones then return pending("this system has no time zones") end
    local berlin = zones.find("Europe/Berlin")
    assert.equal("2016-02-11T11:58:45+0100 CET 0", php_date.write("Y-m-d\\TH:i:sO T I", FIXTURE, berlin))
    assert.equal("2016-07-01T14:00:00+0200 CEST 1", php_date.write("Y-m-d\\TH:i:sO T I", 1467374400, berlin))
    assert.equal("2099-07-01T14:00:00+0200", php_date.write("Y-m-d\\TH:i:sO", 4086504000 + 86400, berlin))
    local function read(text) return php_date.read("Y-m-d H:i", text, berlin) end
    -- 2030-03-31 02:00 to 03:00 is skipped; 2030-10-27 02:00 to 03:00 comes twice.
    assert.equal(read("2030-03-31 03:30"), read("2030-03-31 02:30"))
    assert.equal(read("2030-10-27 01:30") + 3600, read("2030-10-27 02:30"))
    assert.equal(read("2030-10-27 03:30") - 7200, read("2030-10-27 02:30"))
  end)

  it("UTC needs no file", function()
    for _, name in ipairs { "UTC", "utc", "GMT", "Z", "Etc/UTC" } do assert.equal(zones.UTC, zones.find(name)) end
    for name, offset in pairs { ["+0530"] = 19800, ["-03:30"] = -12600, ["+01"] = 3600 } do
      assert.equal(offset, zones.find(name):at(0).offset)
    end
  end)
end)
