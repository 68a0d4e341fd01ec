--- The program: `make chaos`, or `lua5.4 spec/chaos/chaos.lua` in the project's folder. From the environment:
--
-- * `SEED` (default 1): the same seed makes the same decisions;
-- * `ACTIONS` (default 10000): at least so many operations;
-- * `MODE` (default all): `alone`, `interleaved`, `crowd`, `started` or `cqueues`, see spec/chaos/plan.lua;
-- * `WRITERS` (default 3): how many processes make a crowd;
-- * `ROUND`: plays only this round, as a violation's report says.
--
-- Tells about each violation; its last line sums up, and its status is 1 if there were any.
local report = require "spec.chaos.report"
local run = require "spec.chaos.run".run

if os.getenv "MODE" == "queue" then
  local summary = require("spec.chaos.queue.run").run {
    seed = tonumber(os.getenv "SEED") or 1, jobs = tonumber(os.getenv "ACTIONS") or 10000,
    round = tonumber(os.getenv "ROUND"), control = os.getenv "CONTROL", say = print,
  }
  print(summary.line)
  os.exit(summary.violations == 0 and 0 or 1)
end

local MODES = { all = true, alone = true, interleaved = true, crowd = true, started = true, cqueues = true }

local function setting(name, default)
  local text = os.getenv(name)
  if text == nil or text == "" then return default end
  return assert(text:match("^%d+$") and tonumber(text), name .. ": expected a whole number")
end

local mode = os.getenv("MODE") or ""
if mode == "" then mode = "all" end
assert(MODES[mode], "MODE: expected alone, interleaved, crowd, started, cqueues or all")

local summary = run {
  seed = setting("SEED", 1), actions = setting("ACTIONS", 10000), writers = setting("WRITERS", 3), mode = mode,
  round = setting("ROUND"), say = print,
}
print(report.line(summary))
os.exit(summary.violations == 0 and 0 or 1)
