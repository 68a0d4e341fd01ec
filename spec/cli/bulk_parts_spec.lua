-- The parts of `timekit bulk` that need neither a server nor a terminal: schedule, loop, results, index, progress, and
-- the command that goes on with a run.
local clocks = require "spec.support.clock"
local command_line = require "timekit.cli.bulk.command_line"
local core = require "timekit.core"
local indexes = require "timekit.cli.bulk.index"
local progresses = require "timekit.cli.bulk.progress"
local results = require "timekit.cli.bulk.results"
local runners = require "timekit.cli.bulk.runner"
local schedules = require "timekit.cli.bulk.schedule"
local shell = require "spec.support.shell"
local tallies = require "timekit.cli.bulk.tally"

-- A schedule of rows with these bookings.
local function schedule_of(ids)
  local written, number = {}, 0
  local told = results.new(function(text) written[#written + 1] = text end)
  local function source()
    number = number + 1
    return ids[number] and { number = number, id = ids[number] } or nil
  end
  return schedules.new(source, told), told, written
end

-- The numbers of the rows that may be performed now.
local function take_all(schedule, now)
  local numbers = {}
  for row in function() return schedule:take(now or 0) or nil end do numbers[#numbers + 1] = row.number end
  return numbers
end

describe("the schedule of a bulk run", function()
  it("keeps the order of a booking's rows, and lets the others go on", function()
    local schedule = schedule_of { "a", "b", "a", "a", "c", "b" }
    assert.same({ 1, 2, 5 }, take_all(schedule))
    local open = schedule.open
    schedule:finish(open[2])
    assert.same({ 6 }, take_all(schedule))
    schedule:finish(open[1])
    assert.same({ 3 }, take_all(schedule))
    -- A row that is performed once more keeps its turn.
    schedule:perform_again(open[3], 10)
    assert.same({}, take_all(schedule, 9))
    assert.equal(10, schedule:due())
    assert.same({ 3 }, take_all(schedule, 10))
    schedule:finish(open[3])
    assert.same({ 4 }, take_all(schedule))
  end)

  it("goes only so far ahead of the first row that has not ended", function()
    local ids = {}
    for number = 1, 2 * schedules.AHEAD do ids[number] = "b" .. number end
    local schedule, told, written = schedule_of(ids)
    local first = schedule:take(0)
    local last = 1
    for row in function() return schedule:take(0) end do
      last = row.number
      schedule:finish(row)
      told:put(row.number, tostring(row.number))
    end
    assert.equal(schedules.AHEAD + 1, last)
    assert.same({}, written)
    schedule:finish(first)
    told:put(1, "1")
    assert.equal(last, #written)
    for number, text in ipairs(written) do assert.equal(number .. "\n", text) end
    assert.equal(last + 1, schedule:take(0).number)
  end)
end)

describe("the schedule of a run that goes on", function()
  it("keeps what earlier runs did within its bounds, too", function()
    local number, told = 0, nil
    local function source()
      number = number + 1
      if number == 1 then return { number = 1, id = "b1" } end
      told:put(number, tostring(number))
      if number < 3 * schedules.AHEAD then return false end
    end
    told = results.new(function() end)
    local schedule = schedules.new(source, told)
    assert.equal(1, schedule:take(0).number)
    while schedule:take(0) == false do end -- luacheck: ignore
    assert.equal(schedules.AHEAD + 1, told.last)
    told:put(1, "1")
    assert.is_false(schedule:take(0))
  end)
end)

describe("the loop of a bulk run", function()
  local clock, sleep

  before_each(function()
    clock, sleep = clocks.install(), core.sleep
    core.sleep = function(seconds) clock:advance(seconds) end
  end)
  after_each(function()
    core.sleep = sleep
    clock:remove()
  end)

  it("waits for what is in flight, also after Timekit asked for a pause", function()
    -- The first answer asks for a pause, and the second one takes ten seconds.
    local answers, updates = { 0, 10 }, 0
    local under_way
    local client = {
      start = function(_, fn, ...)
        under_way = { thread = coroutine.create(fn) }
        assert(coroutine.resume(under_way.thread, ...))
      end,
      update = function(_, seconds)
        updates = updates + 1
        assert(updates < 1000, "it is busy with waiting")
        clock:advance(seconds)
        if clock.time >= under_way.at then assert(coroutine.resume(under_way.thread)) end
      end,
    }
    local booking = {
      action = function()
        local seconds = table.remove(answers, 1)
        if seconds == 0 then return nil, { kind = "rate_limited", status = 429, sent = "yes" } end
        under_way.at = clock.time + seconds
        coroutine.yield()
        return { state = "confirmed" }, {}
      end,
    }
    local rows = { { number = 1, id = "b1", action = "confirm", booking = booking } }
    local lines = {}
    runners.new({
      source = function() return table.remove(rows) end, journal = { outcome = function() return true end },
      results = results.new(function(text) lines[#lines + 1] = text end), tally = tallies.new(1), concurrency = 16,
      signals = function() return 0 end, tick = function() end,
    }):run(client)
    assert.same({ '{"row":1,"id":"b1","action":"confirm","outcome":"done","state":"confirmed"}\n' }, lines)
  end)
end)

describe("the index of a journal", function()
  it("tells what was set last of each row, in their order", function()
    local index = indexes.new()
    -- Enough of them for several writes to its file.
    local expected = {}
    for _, step in ipairs { 7, 3 } do
      for row = step, 20000, step do
        index:set(row, step == 7 and "s" or "d", row * 1000003)
        expected[row] = step == 7 and "s" or "d"
      end
    end
    for row = 1, 20010 do
      local letter, offset = index:next()
      assert.equal(expected[row], letter)
      assert.equal(expected[row] and row * 1000003, offset)
    end
    index:close()
  end)
end)

describe("the progress of a bulk run", function()
  local written, columns, progress, tally

  before_each(function()
    written, columns = {}, nil
    progress = progresses.new({
      write = function(text) written[#written + 1] = text end, width = function() return columns end,
    }, 100)
    tally = tallies.new(1000)
  end)

  local function add(count, outcome, kind)
    for _ = 1, count do tally:add(outcome, kind) end
  end

  it("is a plain line every ten seconds where there is no terminal", function()
    for now = 100, 125 do
      progress:update(tally, now)
      add(10, "done")
    end
    assert.same({
      "timekit: 10 %, 100 done, 0 failed, 0 uncertain, 900 left, 10.0/s, ready in 1:30\n",
      "timekit: 20 %, 200 done, 0 failed, 0 uncertain, 800 left, 10.0/s, ready in 1:20\n",
    }, written)
  end)

  it("is one line that is redrawn on a terminal, as wide as it", function()
    columns = 120
    for _ = 1, 500 do tally:add("done", nil, true) end
    add(20, "reconciled")
    add(3, "failed", "transition")
    add(2, "uncertain")
    progress:update(tally, 101, function() return "rate limit, 3.2 s" end)
    local text = "52 %%, 520 done, 3 failed, 2 uncertain, 475 left, %s/s, ready in %s, rate limit, 3.2 s\27[K"
    assert.same({ "\r[##########----------] " .. text:format("25.0", "0:19") }, written)
    columns = 98
    progress:update(tally, 105, function() return "rate limit, 3.2 s" end)
    assert.equal("\r[###---] " .. text:format("5.0", "1:35"), written[2])
    columns = 30
    progress:update(tally, 106)
    assert.equal("\r52 %, 520 done, 3 failed, 2 u\27[K", written[3])
    progress:clear()
    progress:clear()
    assert.same({ "\r\27[K" }, { written[4], written[5] })
  end)

  it("ends with a summary that counts by kind", function()
    add(990, "done")
    tally:add("done", nil, true)
    add(4, "failed", "transition")
    add(1, "failed", "not_found")
    add(2, "uncertain")
    assert.equal("1000 rows: 991 done, 5 failed (4 transition, 1 not_found), 2 uncertain, 2 left; 1 of them by earlier "
      .. "runs", tally:summary())
  end)
end)

describe("the command that goes on with a run", function()
  it("is the one that was given, with an option more", function()
    for given, expected in pairs {
      ["rows.csv confirm"] = "rows.csv confirm --resume", ["--resume rows.csv"] = "--resume rows.csv",
      ["-- --resume"] = "--resume -- --resume",
    } do
      local words = { "bulk" }
      for word in given:gmatch "%S+" do words[#words + 1] = word end
      assert.equal("timekit bulk " .. expected, command_line.with(words, { { "--resume" } }))
    end
  end)

  it("takes all rows again that failed or are uncertain, whichever it took this time", function()
    local both = { { "--retry", "failed" }, { "--retry", "uncertain" } }
    for given, expected in pairs {
      ["rows.csv"] = "rows.csv --retry failed --retry uncertain",
      ["--retry uncertain rows.csv"] = "--retry uncertain rows.csv --retry failed",
      ["--retry=failed rows.csv"] = "--retry=failed rows.csv --retry uncertain",
      ["-- --retry failed"] = "--retry failed --retry uncertain -- --retry failed",
    } do
      local words = { "bulk" }
      for word in given:gmatch "%S+" do words[#words + 1] = word end
      assert.equal("timekit bulk " .. expected, command_line.with(words, both))
    end
  end)

  it("means to a shell what was given", function()
    for _, word in ipairs { "", "a b", "it's", "$(ls)", "a\nb", "\\", "~", "*", "!x", "ü" } do
      assert.equal(word, shell.must("printf %s " .. command_line.quote(word)))
    end
  end)
end)
