-- `timekit bulk` on a real terminal: its progress, and Ctrl-C.
local core = require "timekit.core"
local programs = require "spec.support.program"

-- Keys and rows of these specs.
local CTRL_C, ROWS = "\3", 30

describe("timekit bulk on a terminal", function()
  local program, ids

  before_each(function()
    program = programs.new()
    ids = {}
    local text = {}
    for index = 1, ROWS do
      ids[index] = program:booking()
      text[index] = core.encode { id = ids[index], action = "confirm" }
    end
    program:write("its rows.jsonl", table.concat(text, "\n"))
  end)
  after_each(function() program:close() end)

  local function histories()
    local _, answer = program.box:request("GET", "/_sandbox/bookings")
    local counts = {}
    for _, booking in ipairs(answer.data) do
      counts[#booking.history] = (counts[#booking.history] or 0) + 1
    end
    return counts
  end

  -- How often each kind of line stands in the journal.
  local function journal()
    local text = program:read "its rows.jsonl.journal"
    return select(2, text:gsub('"sent":', "")), select(2, text:gsub('"outcome":', ""))
  end

  it("redraws one line, and removes it in the end", function()
    local code, shown = program:on_terminal(
      "timekit bulk 'its rows.jsonl' --rate 10/s --results results", 120)
    assert.equal(0, code)
    assert.matches("\r%[#+%-+%] %d+ %%, %d+ done, 0 failed, 0 uncertain, %d+ left", shown)
    assert.matches("\r\27%[Ktimekit: 30 rows: 30 done, 0 failed, 0 uncertain\n$", shown)
    assert.is_nil(shown:find "[#-] .*\n.*[#-] ")
  end)

  it("says that it waits for the rate limit, and how long", function()
    program:fault {
      match = "PUT /v2/bookings/*/*", what = "status", status = 429, headers = { ["retry-after"] = "2" },
    }
    local code, shown = program:on_terminal(
      "timekit bulk 'its rows.jsonl' --rate none --concurrency 1 --retries 0 --results results", 120)
    assert.equal(0, code)
    assert.matches(", rate limit, %d%.%d s\27", shown)
  end)

  it("finishes what is in flight after Ctrl-C, and shows the command that goes on", function()
    local running = program:start_on_terminal "timekit bulk 'its rows.jsonl' --rate 10/s --results results"
    program:await_request(("PUT /v2/bookings/%s/confirm"):format(ids[12]))
    running.type(CTRL_C)
    local code, shown = running.finish()
    assert.equal(130, code)
    assert.matches("timekit: finishing what is in flight; Ctrl-C again stops at once\n", shown, 1, true)
    local sent, ended = journal()
    assert.equal(sent, ended)
    assert.is_true(ended >= 12 and ended < ROWS)
    assert.equal(ended, select(2, program:read("results"):gsub("\n", "\n")))
    assert.equal(ended, histories()[2])

    local command = shown:match "\ntimekit: to go on: (timekit[^\n]*)\n"
    assert.equal("timekit bulk 'its rows.jsonl' --rate 10/s --results results --resume", command)
    assert.equal(0, (program:run(command)))
    assert.same({ [2] = ROWS }, histories())
    assert.equal(ROWS, select(2, program:read("results"):gsub('"outcome":"done"', "")))
  end)

  it("stops at once after a second Ctrl-C, and goes on all the same", function()
    program:fault {
      match = ("PUT /v2/bookings/%s/confirm"):format(ids[1]), what = "stall", seconds = 60, when = "after",
    }
    local running = program:start_on_terminal "timekit bulk 'its rows.jsonl' --results results"
    program:await_request(("PUT /v2/bookings/%s/confirm"):format(ids[1]))
    running.type(CTRL_C)
    running.await "finishing what is in flight"
    running.type(CTRL_C)
    assert.equal(130, (running.finish()))
    assert.equal(0, (program:run "timekit bulk 'its rows.jsonl' --resume --rate none --results results"))
    assert.same({ [2] = ROWS }, histories())
    assert.matches('{"row":1,[^\n]*"outcome":"reconciled"', program:read "results")
  end)
end)
