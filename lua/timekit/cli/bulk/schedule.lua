--- Which row is performed next. Pure: the rows and the time come from the caller.
--
-- Rows of the same booking are performed in their order, one after the other. Others may overtake each other, but no
-- row is more than `AHEAD` rows ahead of the first that has not ended, so that what is kept of them stays small.
-- @module timekit.cli.bulk.schedule

local schedule = {
  --- Rows. A row that hangs for 30 seconds holds the others up only where more than this are done in that time.
  AHEAD = 10000,
}

local Schedule = {}
Schedule.__index = Schedule

--- Makes a schedule.
-- @tparam function source returns the next row that is to be performed; nil at the end; false: there is more, but the
--   caller is to do something else first
-- @tparam Results results told when rows have ended
-- @treturn Schedule
function schedule.new(source, results)
  return setmetatable({
    source = source, results = results,
    busy = {},       -- id → the last of its rows that are open; each has the one behind it as `following`
    open = {},       -- number → row: those that were taken from the source and have not ended
    ready = {}, head = 1, tail = 0, -- rows whose turn came when another row of their booking ended
    again = {},      -- rows that are performed once more, each with `at`
    last = 0,        -- the number of the row that was taken from the source last
    exhausted = false, -- the source has no more
  }, Schedule)
end

local function pop_ready(self)
  local row = self.ready[self.head]
  if not row then return nil end
  self.ready[self.head] = nil
  self.head = self.head + 1
  return row
end

-- A row whose time to be performed once more has come.
local function pop_again(self, now)
  for position, row in ipairs(self.again) do
    if row.at <= now then return table.remove(self.again, position) end
  end
end

-- The next row of the source whose booking has no row under way.
local function pull(self)
  local results = self.results
  -- Rows that an earlier run has performed go from the source to the results, and count as well.
  while not self.exhausted and math.max(self.last, results.last) - results.next < schedule.AHEAD do
    local row = self.source()
    if row == nil then self.exhausted = true end
    if not row then return row end
    self.last = row.number
    self.open[row.number] = row
    local before = self.busy[row.id]
    self.busy[row.id] = row
    if not before then return row end
    before.following = row
  end
end

--- The row to perform now.
-- @tparam number now seconds
-- @treturn Row|nil|false nil: there is none now; false: ask again after doing something else
function Schedule:take(now)
  return pop_again(self, now) or pop_ready(self) or pull(self)
end

--- A row has ended: the next one of its booking may follow.
-- @tparam Row row
function Schedule:finish(row)
  self.open[row.number] = nil
  local following = row.following
  if following then
    self.tail = self.tail + 1
    self.ready[self.tail] = following
  else
    self.busy[row.id] = nil
  end
end

--- A row is to be performed once more. The rows of its booking go on waiting.
-- @tparam Row row
-- @tparam number at seconds
function Schedule:perform_again(row, at)
  row.at = at
  self.again[#self.again + 1] = row
end

--- When the first of those comes.
-- @treturn number|nil
function Schedule:due()
  local first
  for _, row in ipairs(self.again) do
    if not first or row.at < first then first = row.at end
  end
  return first
end

return schedule
