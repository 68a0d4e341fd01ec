--- Which rows of the input are to be performed, after what earlier runs did.
-- @module timekit.cli.bulk.plan

local core = require "timekit.core"
local journal = require "timekit.cli.bulk.journal"
local record = require "timekit.cli.bulk.record"

local plan = {}

-- So many rows of earlier runs are told at once; then requests get their turn.
local AT_ONCE = 200

-- What is to be done with a row by its letter in the index: "send", "look" (it may have been sent), or "skip".
local function verdict(letter, retry)
  if not letter then return "send" end
  if letter == journal.SENT then return "look" end
  local outcome = journal.OUTCOMES[letter]
  if not retry[outcome] then return "skip" end
  return outcome == "failed" and "send" or "look"
end

-- Tells what an earlier run did with a row.
local function tell(self, row, letter, offset)
  local line = self.journal:line_at(offset)
  local outcome = journal.OUTCOMES[letter]
  local err = outcome == "failed" and core.decode(line).error
  self.tally:add(outcome, err and err.kind, true)
  if outcome == "done" or outcome == "reconciled" then self.applied(row) end
  self.results:put(row.number, record.with(line, "earlier", true))
end

--- Makes the source of a schedule.
-- @tparam table parts `rows` (function, see `timekit.cli.bulk.rows`), `found` (an Index, or nil), `retry` (set of
--   outcomes), `journal`, `results`, `tally`, `applied` (function that is told each row whose action was applied)
-- @treturn function as in `timekit.cli.bulk.schedule`; raises when a row is wrong that was not when all were checked
function plan.source(parts)
  local found, retry = parts.found, parts.retry
  return function()
    for _ = 1, AT_ONCE do
      local row = parts.rows()
      if not row then return nil end
      if row.problem then error(("line %d has changed since it was checked: %s"):format(row.line, row.problem), 0) end
      local letter, offset
      if found then letter, offset = found:next() end
      local what = verdict(letter, retry)
      if what ~= "skip" then
        row.sent_before = what == "look"
        return row
      end
      tell(parts, row, letter, offset)
    end
    return false
  end
end

--- Counts what is to be done.
-- @tparam Index|nil found
-- @tparam table retry set of outcomes
-- @tparam integer rows
-- @treturn table `send`, `look`, `skip`: numbers of rows
function plan.count(found, retry, rows)
  local counts = { send = 0, look = 0, skip = 0 }
  for _ = 1, rows do
    local what = verdict(found and found:next(), retry)
    counts[what] = counts[what] + 1
  end
  return counts
end

return plan
