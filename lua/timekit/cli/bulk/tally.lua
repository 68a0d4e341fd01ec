--- Counts what became of the rows. Pure.
-- @module timekit.cli.bulk.tally

local tally = {}

local Tally = {}
Tally.__index = Tally

--- A number of rows, for people.
-- @tparam integer count
-- @treturn string `1 row`, `2 rows`
function tally.rows(count)
  return count == 1 and "1 row" or ("%d rows"):format(count)
end

--- Makes it.
-- @tparam integer total rows of the input
-- @treturn Tally `done`, `reconciled`, `failed`, `uncertain`: counts; `earlier`: those of them that an earlier run
--   told; `kinds`: kind of error → how many rows failed with it
function tally.new(total)
  return setmetatable({
    total = total, done = 0, reconciled = 0, failed = 0, uncertain = 0, earlier = 0, kinds = {},
  }, Tally)
end

--- Counts a row.
-- @tparam string outcome
-- @tparam ?string kind of the error
-- @tparam ?boolean is_earlier an earlier run performed it
function Tally:add(outcome, kind, is_earlier)
  self[outcome] = self[outcome] + 1
  if outcome == "failed" and kind then self.kinds[kind] = (self.kinds[kind] or 0) + 1 end
  if is_earlier then self.earlier = self.earlier + 1 end
end

--- How many rows have an outcome.
-- @treturn integer
function Tally:ended()
  return self.done + self.reconciled + self.failed + self.uncertain
end

--- How many have none.
-- @treturn integer
function Tally:left()
  return self.total - self:ended()
end

local function counts_of(kinds)
  local names = {}
  for kind in pairs(kinds) do names[#names + 1] = kind end
  table.sort(names, function(a, b)
    if kinds[a] ~= kinds[b] then return kinds[a] > kinds[b] end
    return a < b
  end)
  for index, kind in ipairs(names) do names[index] = ("%d %s"):format(kinds[kind], kind) end
  return table.concat(names, ", ")
end

--- The summary of a run.
-- @treturn string such as `1000 rows: 990 done, 4 found done by reading, 6 failed (5 transition, 1 not_found)`
function Tally:summary()
  local parts = { ("%d done"):format(self.done) }
  if self.reconciled > 0 then parts[#parts + 1] = ("%d found done by reading"):format(self.reconciled) end
  local failed = ("%d failed"):format(self.failed)
  if next(self.kinds) then failed = ("%s (%s)"):format(failed, counts_of(self.kinds)) end
  parts[#parts + 1] = failed
  parts[#parts + 1] = ("%d uncertain"):format(self.uncertain)
  if self:left() > 0 then parts[#parts + 1] = ("%d left"):format(self:left()) end
  local text = ("%s: %s"):format(tally.rows(self.total), table.concat(parts, ", "))
  if self.earlier > 0 then text = ("%s; %d of them by earlier runs"):format(text, self.earlier) end
  return text
end

return tally
