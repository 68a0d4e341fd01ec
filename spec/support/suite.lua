--- Runs test programs and ends with one line that sums up all of them.
-- Each argument is a job, and one follows the other: `c PROGRAMS…` (cmocka, they speak TAP), `busted LUA PATHS…`, where
-- a path is as for find, or `make TARGET…`, which ends with such a line of its own.
-- RUNNER in the environment is a command to put in front, such as valgrind.
local runner = os.getenv("RUNNER") or ""
local totals = { passed = 0, failed = 0, skipped = 0 }

local function add(passed, failed, skipped)
  totals.passed = totals.passed + passed
  totals.failed = totals.failed + failed
  totals.skipped = totals.skipped + skipped
end

--- Runs a command, shows what it prints and calls `on_line` with each line. A command that dies counts as a failure,
-- since its own summary may be missing or say nothing of it.
local function run(command, on_line)
  local counted = totals.failed
  -- The shell tells how the program ended, since Lua 5.1 does not.
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1; echo exit status $?"))
  local status
  for line in pipe:lines() do
    status = line:match("exit status (%d+)$")
    if not status then
      print(line)
      on_line(line)
    end
  end
  pipe:close()
  if status ~= "0" and totals.failed == counted then
    print(("%s: exit status %s"):format(command, tostring(status)))
    add(0, 1, 0)
  end
end

local jobs = {}

-- So many programs of a job run at once, the next as soon as one is over: much of the suite waits for other programs.
local LANES = os.getenv("LANES") or "$(getconf _NPROCESSORS_ONLN)"

-- `list` prints what the programs are started with, `count` of it for each.
local function run_at_once(list, count, kind, command, on_line)
  run(([[lock=$(mktemp); %s | xargs -r -P "%s" -n %d sh spec/support/lane.sh "$lock" %s '%s'
    status=$?; rm "$lock"; (exit $status)]]):format(list, LANES, count, kind, command), on_line)
end

function jobs.c(programs)
  local list = "printf '%s\\n' " .. programs
  run_at_once(list, 1, "c", "env CMOCKA_MESSAGE_OUTPUT=TAP " .. runner, function(line)
    if line:find("# SKIP", 1, true) then add(0, 0, 1)
    elseif line:find("^ok ") then add(1, 0, 0)
    elseif line:find("^not ok ") then add(0, 1, 0)
    end
  end)
end

function jobs.busted(rest)
  local lua, files = rest:match("^(%S+) (.*)$")
  local list = ("find %s -name '*_spec.lua' | sort"):format(files)
  local command = ("%s %s /usr/bin/busted --ignore-lua -o plainTerminal"):format(runner, lua)
  local summary = "^(%d+) success%a* / (%d+) failure%a* / (%d+) error%a* / (%d+) pending"
  run_at_once(list, 3, "busted", command, function(line)
    local passed, failed, errors, pending = line:match(summary)
    if passed then add(tonumber(passed), tonumber(failed) + tonumber(errors), tonumber(pending)) end
    if line == "busted ended without a summary" then add(0, 1, 0) end
  end)
end

function jobs.make(rest)
  local summed = false
  run(("%s -s %s"):format(os.getenv("MAKE"), rest), function(line)
    local passed, failed, skipped = line:match("^(%d+) passed, (%d+) failed, (%d+) skipped$")
    if passed then
      summed = true
      add(tonumber(passed), tonumber(failed), tonumber(skipped))
    end
  end)
  if not summed then
    print("make ended without a summary")
    add(0, 1, 0)
  end
end

for _, job in ipairs(arg) do
  local kind, rest = job:match("^(%S+) (.*)$")
  jobs[kind](rest)
end

print(("%d passed, %d failed, %d skipped"):format(totals.passed, totals.failed, totals.skipped))
os.exit(totals.failed == 0 and totals.passed > 0 and 0 or 1)
