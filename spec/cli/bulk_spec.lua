-- `timekit bulk`: a file of actions, with its journal, results and exit codes.
local core = require "timekit.core"
local programs = require "spec.support.program"

-- Waits in the shell until the program that was just started has sent something, or has ended.
local SENT = "while kill -0 $! && ! grep -q sent rows.jsonl.journal; do sleep 0.01; done 2> /dev/null"

local function line_of(fields) return assert(core.encode(fields)) .. "\n" end

describe("timekit bulk", function()
  local program, ids

  setup(function() program = programs.new() end)
  teardown(function() program:close() end)

  before_each(function()
    program:run "rm -rf *.jsonl *.csv *.journal results folder"
    program.box:request("POST", "/_sandbox/reset")
    ids = {}
  end)

  -- Makes bookings and the file rows.jsonl, with the action for each.
  local function rows(actions, fields)
    local text = {}
    for index, action in ipairs(actions) do
      ids[index] = ids[index] or program:booking()
      local row = { id = ids[index], action = action }
      for name, value in pairs(fields and fields[index] or {}) do row[name] = value end
      text[index] = line_of(row)
    end
    program:write("rows.jsonl", table.concat(text))
  end

  local function decoded(text)
    local list = {}
    for line in text:gmatch "[^\n]+" do list[#list + 1] = assert(core.decode(line)) end
    return list
  end

  -- Runs it. Returns the exit code, the outcomes, and what stood on standard error.
  local function run(arguments)
    local code, output, notes = program:run("timekit bulk " .. arguments)
    local outcomes = {}
    for index, result in ipairs(decoded(output)) do
      assert.equal(index, result.row)
      outcomes[index] = result.outcome .. (result.earlier and " earlier" or "")
    end
    return code, outcomes, notes
  end

  -- How many rows were performed, and of how many there is a line.
  local function performed_of(output)
    local performed, list = 0, decoded(output)
    for index, result in ipairs(list) do
      assert.equal(index, result.row)
      if result.outcome ~= "skipped" then performed = performed + 1 end
    end
    return performed, #list
  end

  local function ends(code, outcomes, arguments)
    local got, told, notes = run(arguments)
    assert.same({ code, outcomes }, { got, told }, notes)
  end

  local function says(notes, text)
    assert.is_true(notes:find(text, 1, true) ~= nil, notes)
  end

  local function puts()
    local count = 0
    local _, answer = program.box:request("GET", "/_sandbox/requests")
    for _, request in ipairs(answer.data) do
      if request.method == "PUT" then count = count + 1 end
    end
    return count
  end

  it("performs all rows, and tells of each in their order", function()
    rows({ "confirm", "decline", "confirm" }, { { key = "k1" }, { inputs = { message = "No" } }, { key = 7 } })
    local code, output, notes = program:run "timekit bulk rows.jsonl"
    assert.equal(0, code)
    assert.equal(table.concat {
      ('{"row":1,"id":"%s","key":"k1","action":"confirm","outcome":"done","state":"confirmed"}\n'):format(ids[1]),
      ('{"row":2,"id":"%s","action":"decline","outcome":"done","state":"declined"}\n'):format(ids[2]),
      ('{"row":3,"id":"%s","key":7,"action":"confirm","outcome":"done","state":"confirmed"}\n'):format(ids[3]),
    }, output)
    assert.equal("timekit: 3 rows: 3 done, 0 failed, 0 uncertain\n", notes)
  end)

  it("takes the action of all rows behind the file, and the rows from standard input", function()
    rows { "confirm", "confirm" }
    program:write("rows.csv", "id\n" .. ids[1] .. "\n" .. ids[2])
    ends(2, {}, "rows.csv")
    ends(2, {}, "- confirm < rows.csv")
    ends(0, { "done", "done" }, "- confirm --journal j.journal < rows.csv")
    ends(0, { "done earlier", "done earlier" }, "- confirm --journal j.journal --resume < rows.csv")
  end)

  it("names all wrong rows, and sends nothing", function()
    rows({ "confirm", "cnfirm", "decline" }, { {}, {}, { inputs = { message = 5 } } })
    local code, outcomes, notes = run "rows.jsonl"
    assert.same({ 2, {} }, { code, outcomes })
    says(notes, "timekit: input: rows.jsonl:2: no known graph has an action 'cnfirm', did you mean 'confirm'?\n")
    says(notes, "timekit: input: rows.jsonl:3: inputs.message: expected a string, got a number\n")
    says(notes, "timekit: usage: 2 of 3 rows wrong; nothing was sent\n")
    code, outcomes, notes = run "rows.jsonl -o json --dry-run"
    assert.same({ 2, {} }, { code, outcomes })
    assert.same({ 2, 3 }, { decoded(notes)[1].line, decoded(notes)[2].line })
    assert.equal(0, puts())
    assert.is_nil(program:read "rows.jsonl.journal")
  end)

  it("checks without sending, and without a key", function()
    rows { "confirm", "decline" }
    local code, outcomes, notes = run "rows.jsonl --dry-run; unset TIMEKIT_APP_KEY; timekit bulk rows.jsonl --dry-run"
    assert.same({ 0, {} }, { code, outcomes })
    assert.equal(("timekit: 2 rows: 1 confirm, 1 decline; nothing was sent\n"):rep(2), notes)
    assert.equal(0, puts())
    assert.is_nil(program:read "rows.jsonl.journal")
  end)

  it("ends with 8 where rows failed, and takes them again when asked to", function()
    rows { "confirm", "cancel", "confirm" }
    local code, outcomes, notes = run "rows.jsonl"
    assert.same({ 8, { "done", "failed", "done" } }, { code, outcomes })
    says(notes, "3 rows: 2 done, 1 failed (1 transition), 0 uncertain\n")
    says(notes, "timekit: to take these rows again: timekit bulk rows.jsonl --retry failed\n")
    ends(8, { "done earlier", "failed earlier", "done earlier" }, "rows.jsonl --resume -q")
    program.box:request("PUT", ("/v2/bookings/%s/confirm"):format(ids[2]), "{}")
    ends(0, { "done earlier", "done", "done earlier" }, "rows.jsonl --retry failed -q")
    assert.equal(5, puts())
  end)

  it("ends with 7 where a row is uncertain, and finds it out when asked to", function()
    rows { "confirm", "cancel" }
    program:fault { match = ("PUT /v2/bookings/%s/confirm"):format(ids[1]), what = "close", when = "after" }
    local code, output = program:run "timekit bulk rows.jsonl --uncertain report -q"
    assert.equal(7, code)
    local told = decoded(output)[1]
    assert.same({ "uncertain", "uncertain", "network" }, { told.outcome, told.error.kind, told.error.cause.kind })
    code, output = program:run "timekit bulk rows.jsonl --retry uncertain -q"
    assert.equal(8, code)
    assert.same({ "reconciled", "confirmed" }, { decoded(output)[1].outcome, decoded(output)[1].state })
    assert.equal(2, puts())
  end)

  it("begins no further row once one has failed, if that is asked for", function()
    rows { "confirm", "cancel", "confirm", "confirm" }
    local code, outcomes, notes = run "rows.jsonl --stop-on-error --concurrency 1"
    assert.same({ 8, { "done", "failed", "skipped", "skipped" } }, { code, outcomes })
    says(notes, "timekit: to go on: timekit bulk rows.jsonl --stop-on-error --concurrency 1 --resume\n")
    ends(8, { "done earlier", "failed earlier", "done", "done" }, "rows.jsonl --resume -q")
  end)

  it("tells doubt of an earlier run where it does not get to look", function()
    rows { "confirm", "cancel", "confirm", "confirm" }
    program:fault { match = ("PUT /v2/bookings/%s/confirm"):format(ids[1]), what = "close", when = "after" }
    assert.equal(7, (run "rows.jsonl --uncertain report --concurrency 1 --stop-on-error -q"))
    local text = program:read "rows.jsonl.journal"
    program:write("rows.jsonl.journal", text
      .. ('{"row":4,"id":"%s","action":"confirm","sent":"2030-01-01T00:00:00Z"}\n'):format(ids[4]))
    ends(7, { "uncertain earlier", "failed", "skipped", "uncertain" },
      "rows.jsonl --resume --concurrency 1 --stop-on-error -q")
    ends(8, { "reconciled", "failed earlier", "done", "done" }, "rows.jsonl --retry uncertain -q")
  end)

  it("stops where the key is refused, for no other row would fare better", function()
    local own = programs.new "KEY=the_right_key"
    local text = {}
    for index = 1, 40 do text[index] = line_of { id = "b" .. index, action = "confirm" } end
    own:write("rows.jsonl", table.concat(text))
    local code, output, notes = own:run "timekit bulk rows.jsonl --concurrency 2"
    assert.equal(4, code)
    local performed, count = performed_of(output)
    assert.is_true(performed <= 2, performed)
    assert.equal(40, count)
    says(notes, "timekit: auth: Timekit refuses the key")
    says(notes, "timekit bulk rows.jsonl --concurrency 2 --retry failed\n")
    own:close()
  end)

  it("stops where Timekit cannot be reached, rather than have all rows fail", function()
    local text = {}
    for index = 1, 300 do text[index] = line_of { id = "b" .. index, action = "confirm" } end
    program:write("rows.jsonl", table.concat(text))
    -- Nobody listens to port 1.
    local code, output, notes = program:run
      "timekit bulk rows.jsonl --base-url http://127.0.0.1:1/v2 --retries 0 --rate none"
    assert.equal(8, code)
    local performed, count = performed_of(output)
    assert.is_true(performed >= 100 and performed < 130, performed)
    assert.equal(300, count)
    says(notes, "timekit: network: Timekit cannot be reached, so the run ends\n")
    says(notes, "--retries 0 --rate none --retry failed\n")
  end)

  it("waits out a rate limit, however often it refuses", function()
    rows { "confirm" }
    -- As often as the client itself tries, so that its action fails.
    program:fault {
      match = "PUT /v2/bookings/*/*", what = "status", status = 429, headers = { ["retry-after"] = "0" }, times = 4,
    }
    ends(0, { "done" }, "rows.jsonl -q")
    assert.equal(5, puts())
  end)

  it("keeps the order of a booking's rows", function()
    ids = { program:booking() }
    local text = {}
    for index, action in ipairs { "confirm", "cancel", "cancel" } do
      text[index] = line_of { id = ids[1], action = action }
    end
    program:write("rows.jsonl", table.concat(text))
    ends(8, { "done", "done", "failed" }, "rows.jsonl -q --rate none")
  end)

  it("does not take for a row's doing what another row has done", function()
    ids = { program:booking() }
    ids[2] = ids[1]
    rows { "confirm", "confirm" }
    -- The answer to the second one is lost.
    local confirm = ("PUT /v2/bookings/%s/confirm"):format(ids[1])
    program:fault { match = confirm, what = "close", when = "after" }
    program:fault { match = confirm, what = "close", when = "before" }
    ends(8, { "reconciled", "failed" }, "rows.jsonl -q")
    -- A run is killed while the second one is under way, and so is the one that goes on with it.
    local text = program:read("rows.jsonl.journal"):match '^(.*){"row":2,[^\n]*"outcome":[^\n]*\n$'
    program:write("rows.jsonl.journal", text)
    ends(8, { "reconciled earlier", "failed" }, "rows.jsonl --resume -q")
    program:write("rows.jsonl.journal", text .. '{"run":"resume","at":"2030-01-01T00:00:00Z"}\n')
    local code, output = program:run "timekit bulk rows.jsonl --resume -q"
    assert.equal(8, code)
    local told = decoded(output)[2].error
    assert.same({ "transition", true, "maybe" }, { told.kind, told.already, told.sent })
    assert.equal(2, puts())
  end)

  it("refuses what does not fit together, and changes nothing", function()
    rows { "confirm" }
    program:write("other.jsonl", line_of { id = "b1", action = "confirm" })
    program:write("same_size.jsonl", (program:read("rows.jsonl"):gsub("confirm", "decline")))
    assert.equal(0, (run "rows.jsonl -q"))
    program:run "mkdir folder; echo x > text; ln -s rows.jsonl link.jsonl; : > empty.jsonl"
    for arguments, problem in pairs {
      ["rows.jsonl"] = "rows.jsonl.journal is there from an earlier run",
      ["other.jsonl --resume --journal rows.jsonl.journal"] = "the input is not the one of this journal",
      ["same_size.jsonl --resume --journal rows.jsonl.journal"] = ", but other ones)",
      ["rows.jsonl decline --resume"] = "with none for rows without an action, not with decline",
      ["rows.jsonl --resume --base-url https://api.timekit.io/v2"] = "is of a run with http://127.0.0.1",
      ["other.jsonl --retry failed"] = "there is no journal other.jsonl.journal",
      ["rows.jsonl --journal ./rows.jsonl"] = "rows.jsonl is the input",
      ["rows.jsonl --results link.jsonl"] = "is the input",
      ["rows.jsonl --resume --results rows.jsonl.journal"] = "is the journal",
      ["rows.jsonl --resume --journal text"] = "not a journal of a bulk run",
      ["rows.jsonl --resume --journal folder"] = "directory", ["missing"] = "No such file",
      ["rows.jsonl --resume --journal /dev/full"] = "not a regular file", ["folder"] = "directory",
      ["rows.jsonl --resume --results folder"] = "directory",
      ["rows.jsonl --rate 0/s"] = "--rate: expected a rate such as 600/min",
      ["rows.jsonl --rate fast"] = "expected a rate",
      ["rows.jsonl --concurrency 0"] = "--concurrency: expected a whole number",
      ["rows.jsonl --retry done"] = "failed",
    } do
      local code, _, notes = run(arguments)
      assert.equal(2, code, arguments .. ": " .. notes)
      says(notes, problem)
    end
    assert.equal(1, puts())
    ends(0, {}, "empty.jsonl -q")
  end)

  it("keeps a second run out of its journal", function()
    rows { "confirm" }
    program:fault { match = "PUT /v2/bookings/*/*", what = "stall", seconds = 60 }
    local _, _, notes = program:run([[
timekit bulk rows.jsonl -q & ]] .. SENT .. [[

timekit bulk rows.jsonl --resume; echo $? > code; kill -9 $!]])
    assert.equal("2\n", program:read "code")
    says(notes, "another run is using it")
  end)

  it("refuses a damaged journal, and understands a torn last line", function()
    rows { "confirm", "confirm" }
    assert.equal(0, (run "rows.jsonl -q"))
    local text = program:read "rows.jsonl.journal"
    for _, torn in ipairs { '{"row":2,"id"', '{"row":2,"outcome":"failed"}', "\0\0\0\0" } do
      program:write("rows.jsonl.journal", text .. torn)
      ends(0, { "done earlier", "done earlier" }, "rows.jsonl --resume -q")
      -- It is gone, and the lines of the run stand where it was.
      local line = text:match '^[^\n]*\n({"run":)'
      assert.equal(text .. line, program:read("rows.jsonl.journal"):sub(1, #text + #line))
    end
    for _, wrong in ipairs { "{}\n", "x\n", '{"row":3,"outcome":"done"}\n', '{"row":1}\n' } do
      program:write("rows.jsonl.journal", text .. wrong)
      local code, _, notes = run "rows.jsonl --resume"
      assert.equal(1, code)
      assert.matches("line %d+ is damaged", notes)
    end
    -- Of the first line not everything was written: nothing was sent then.
    for _, size in ipairs { 0, 1, 12, 40 } do
      program:write("rows.jsonl.journal", text:sub(1, size) .. (size == 40 and "\0\0" or ""))
      local code, _, notes = run "rows.jsonl --resume --dry-run"
      assert.equal(0, code, notes)
      ends(8, { "failed", "failed" }, "rows.jsonl --resume -q")
    end
  end)

  it("sends nothing that it cannot note", function()
    local actions = {}
    for index = 1, 12 do actions[index] = "confirm" end
    rows(actions)
    -- The beginning of the journal fits into a kilobyte, and some of its rows do.
    local code, _, notes = program:run [[trap "" XFSZ; ulimit -f 1; timekit bulk rows.jsonl --results /dev/null]]
    assert.is_true(code == 1 or code == 7, notes)
    says(notes, "the journal rows.jsonl.journal cannot be written: ")
    local _, sent = program:read("rows.jsonl.journal"):gsub('"sent":"[^"]*"}\n', "")
    assert.is_true(sent > 0 and sent < #actions)
    -- The connection of a request that was noted may have been closed before anything of it left.
    assert.is_true(puts() <= sent)
    assert.equal(0, (run "rows.jsonl --resume -q"))
  end)

  it("tells when nobody takes its results, and stops", function()
    rows { "confirm" }
    local code, _, notes = program:run "timekit bulk rows.jsonl > /dev/full"
    assert.equal(1, code)
    says(notes, "timekit: failed: the results cannot be written: ")
    assert.equal(1, puts())
  end)

  it("does not die when the reader of its results goes away, but stops", function()
    local actions = {}
    for index = 1, 60 do actions[index] = "confirm" end
    rows(actions)
    -- Whoever runs the suite may have signals ignored.
    local _, output, notes = program:run(
      "(env --default-signal=PIPE timekit bulk rows.jsonl --rate 10/s; echo $? > code) | head -n 1")
    assert.equal("1\n", program:read "code")
    assert.equal(1, #decoded(output))
    says(notes, "timekit: failed: the results cannot be written: ")
    says(notes, "timekit bulk rows.jsonl --rate 10/s --resume\n")
    assert.is_true(puts() < #actions)
    local _, sent = program:read("rows.jsonl.journal"):gsub('"sent":', "")
    local _, ended = program:read("rows.jsonl.journal"):gsub('"outcome":', "")
    assert.same({ puts(), puts() }, { sent, ended })
    assert.equal(0, (run "rows.jsonl --resume --rate none -q"))
  end)

  it("finishes what is in flight when it is asked to end, also while it waits for the rate limit", function()
    rows { "confirm", "confirm" }
    program:fault {
      match = "PUT /v2/bookings/*/*", what = "status", status = 429, headers = { ["retry-after"] = "3600" }, times = 9,
    }
    local code, output, notes = program:run("timekit bulk rows.jsonl & " .. SENT .. "; kill $!; wait $!")
    assert.equal(130, code)
    says(notes, "2 rows: 0 done, 0 failed, 0 uncertain, 2 left\n")
    for _, result in ipairs(decoded(output)) do assert.equal("skipped", result.outcome) end
    program.box:request("DELETE", "/_sandbox/faults")
    ends(0, { "done", "done" }, "rows.jsonl --resume -q")
  end)

  it("notices that the input becomes another one while it reads it", function()
    for byte, problem in pairs {
      y = "the input was changed during the run", ['"'] = "line 2 has changed since it was checked: ",
    } do
      rows({ "confirm", "confirm" }, { {}, { key = ("x"):rep(200000) } })
      program:run "rm -f rows.jsonl.journal"
      -- The first row is refused until its file is another one. The second is longer than what is read at once.
      program:fault {
        match = ("PUT /v2/bookings/%s/*"):format(ids[1]), what = "status", status = 429,
        headers = { ["retry-after"] = "0" }, times = 1000,
      }
      local code, _, notes = program:run(("timekit bulk rows.jsonl --concurrency 1 > results & " .. SENT .. [[

printf '%s' | dd of=rows.jsonl bs=1 seek=150000 conv=notrunc 2>/dev/null
curl -s -o /dev/null -X DELETE %s/_sandbox/faults
wait $!]]):format(byte, program.box.url:match "^(.*)/v2$"))
      assert.equal(1, code, notes)
      says(notes, problem)
    end
  end)

  it("waits for the disk if that is asked for", function()
    rows { "confirm" }
    ends(0, { "done" }, "rows.jsonl --fsync -q")
  end)
end)
