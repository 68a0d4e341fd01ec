--- The program: `make chaos-bulk`, or `lua5.4 spec/chaos/bulk_run.lua` in the project's folder. Runs of `timekit bulk`
-- are killed and go on. From the environment:
--
-- * `SEED` (default 1): the same seed makes the same decisions;
-- * `ROWS` (default 1000): rows of a file, at least;
-- * `KILLS` (default 3): how often the run of a file is killed;
-- * `ROUNDS` (default 1): how many files;
-- * `SMALL` (default 10): rows of the files whose runs are killed at each write to the journal.
--
-- Shows what it runs and what that tells; its status is 1 if something of it was not true.
local bulk = require "spec.chaos.bulk"

local function setting(name, default)
  local text = os.getenv(name)
  if text == nil or text == "" then return default end
  return assert(text:match("^%d+$") and tonumber(text), name .. ": expected a whole number")
end

local seed, count, kills = setting("SEED", 1), setting("ROWS", 1000), setting("KILLS", 3)

local world = bulk.new { seed = seed, cut_rate = 0.3 }
local failed = false
for round = 1, setting("ROUNDS", 1) do
  world:prepare(count)
  print(("round %d: %d rows in %s"):format(round, #world.rows, world.file))
  local killed = 0
  repeat
    local code = world:run(killed < kills and world:random_kill(kills) or nil)
    killed = killed + 1
    print("$ " .. world.command)
    io.write(world.notes)
    print(code == 137 and "killed (kill -9)" or "exit " .. code)
  until code ~= 137 and killed > kills
  local verdict = world:judge()
  for _, text in ipairs(verdict.violations) do print("NOT TRUE: " .. text) end
  print(("by the sandbox's history: %d done, %d found done by reading, %d failed, %d uncertain (%.1f %%), %d untrue")
    :format(verdict.done, verdict.reconciled, verdict.failed, verdict.uncertain,
    100 * verdict.uncertain / #world.rows, #verdict.violations))
  failed = failed or #verdict.violations > 0 or verdict.uncertain > 0.02 * #world.rows
end
local untrue, kills_at_writes = world:kill_at_every_write(setting("SMALL", 10), function()
  return { "none", "half", "all" }
end)
for _, text in ipairs(untrue) do print("NOT TRUE: " .. text) end
print(("killed at every write of the journal: %d runs, %d untrue"):format(kills_at_writes, #untrue))
world:close()
os.exit(not failed and #untrue == 0)
