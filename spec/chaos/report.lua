--- Counts what happened in a run of chaos, and writes it.
local report = {}

--- A summary of nothing yet.
-- @treturn table `actions`; `violations`; `doubts` (operations that an action's request left in doubt, unless
--   cancelled); `credited` (successes that somebody else had brought about); `slowest` (seconds beyond an operation's
--   deadline); and how many by name: `outcomes`, `why` (of the uncertain ones), `faults`, `cuts`, `rules` (that were
--   violated)
function report.new()
  return {
    actions = 0, violations = 0, doubts = 0, credited = 0, slowest = 0,
    outcomes = {}, why = {}, faults = {}, cuts = {}, rules = {},
  }
end

local function bump(counts, name)
  counts[name] = (counts[name] or 0) + 1
end

--- Counts an operation.
-- @tparam table summary
-- @tparam table note judged
-- @tparam {table,...} violations
function report.count(summary, note, violations)
  local outcome = note.outcome
  summary.actions = summary.actions + 1
  summary.violations = summary.violations + #violations
  for _, violation in ipairs(violations) do bump(summary.rules, violation.rule) end
  if note.credited then summary.credited = summary.credited + 1 end
  if note.doubt and outcome.kind ~= "cancelled" then summary.doubts = summary.doubts + 1 end
  if outcome.elapsed then summary.slowest = math.max(summary.slowest, outcome.elapsed - note.timeout) end
  bump(summary.outcomes, outcome.kind)
  if outcome.kind == "uncertain" then bump(summary.why, note.why or "for no good reason") end
end

--- Counts what was done to the requests of a round.
-- @tparam table summary
-- @tparam table done what the proxy did, see `cut_proxy:settle`
-- @tparam table requests as the sandbox noted them, with the faults that they met
function report.count_harm(summary, done, requests)
  for _, cut in ipairs(done.cuts) do bump(summary.cuts, ("%s %s"):format(cut.what, cut.how)) end
  for _ = 1, done.refusals do bump(summary.cuts, "refused") end
  for _, request in ipairs(requests) do
    local fault = request.fault
    if fault then bump(summary.faults, ("%s %s"):format(fault.status or fault.what, fault.when)) end
  end
end

local function total(counts)
  local sum = 0
  for _, number in pairs(counts) do sum = sum + number end
  return sum
end

local function list(counts)
  local names = {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for index, name in ipairs(names) do names[index] = ("%s %d"):format(name, counts[name]) end
  return table.concat(names, ", ")
end

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for index, name in ipairs(names) do
    local shown = show(value[name])
    parts[index] = type(name) == "number" and shown or ("%s=%s"):format(tostring(name), shown)
  end
  return "{" .. table.concat(parts, " ") .. "}"
end

local function add_list(lines, title, items, describe)
  if not items or #items == 0 then return end
  lines[#lines + 1] = ("  %s:"):format(title)
  for index, item in ipairs(items) do lines[#lines + 1] = ("    %d. %s"):format(index, describe(item)) end
end

--- All that is needed to understand a violation, and to see it again.
-- @tparam table round
-- @tparam table note
-- @tparam {table,...} violations
-- @tparam table all from `truth.read`
-- @tparam table cuts what the proxy did in this round
-- @treturn string several lines
function report.violation(round, note, violations, all, cuts)
  local lines = {}
  for index, violation in ipairs(violations) do
    lines[index] = ("VIOLATION %s: %s"):format(violation.rule, violation.text)
  end
  lines[#lines + 1] = ("  again: make chaos SEED=%d ROUND=%d MODE=%s%s"):format(
    round.seed, round.number, round.kind, round.width and " (if it shows: nobody keeps a crowd's time)" or "")
  lines[#lines + 1] = ("  operation %s of writer %s: %s of %s, booking %s, handle %s with hint %s"):format(
    note.marker, tostring(note.writer), note.action or "create", note.graph or note.create, tostring(note.booking),
    tostring(note.handle), show(note.hint))
  lines[#lines + 1] = ("  client: uncertain=%s retries=%d timeout=%s"):format(
    note.uncertain, note.retries, note.timeout)
  lines[#lines + 1] = "  answer: " .. show(note.outcome)
  add_list(lines, "requests, and what came", note.trace, show)
  add_list(lines, "faults", note.faults, show)
  add_list(lines, "cuts in this round", cuts, show)
  local booking = all.bookings[note.booking]
  add_list(lines, "the booking's history", booking and booking.history, function(step)
    return ("%s: %s → %s, by %s %s"):format(tostring(step.action), step.from, step.to, step.by, step.marker or "")
  end)
  return table.concat(lines, "\n")
end

--- The one line that sums up.
-- @tparam table summary
-- @treturn string
function report.line(summary)
  local uncertain = summary.outcomes.uncertain or 0
  return table.concat({
    ("chaos: %d actions"):format(summary.actions),
    ("%d faults (%s)"):format(total(summary.faults), list(summary.faults)),
    ("%d cuts (%s)"):format(total(summary.cuts), list(summary.cuts)),
    ("outcomes: %s"):format(list(summary.outcomes)),
    ("%d in doubt, %d of them found out"):format(summary.doubts, summary.doubts - uncertain),
    ("%d successes that were somebody else's"):format(summary.credited),
    ("%.2f%% uncertain (%s)"):format(100 * uncertain / math.max(1, summary.actions), list(summary.why)),
    ("%.1f seconds beyond a deadline at most"):format(math.max(0, summary.slowest)),
    ("%d violations"):format(summary.violations)
      .. (summary.violations > 0 and (" (%s)"):format(list(summary.rules)) or ""),
  }, "; ")
end

return report
