--- Shows what `spec.bench.load` measured.
local numbers = require "spec.bench.numbers"

local rates = {}

--- Adds a table: a line for each peer.
-- @tparam table report
-- @tparam {string,...} names of the peers
-- @tparam string ours the name that the others are compared with
-- @tparam table per_second name → list, as of `load.rounds`
-- @tparam table costs the same
function rates.show(report, names, ours, per_second, costs)
  local body = {}
  for index, name in ipairs(names) do
    local median, least, most = numbers.spread(per_second[name])
    body[index] = {
      name, ("%s (%s–%s)"):format(numbers.grouped(median), numbers.grouped(least), numbers.grouped(most)),
      numbers.text(costs[name], "%.1f"),
      name == ours and "" or numbers.text(numbers.ratios(per_second[ours], per_second[name]), "%.2f"),
    }
  end
  report:table({ "peer", "requests a second", "µs of CPU each", ours .. " over it" }, body)
end

--- Adds what is judged: our rate over another's, round by round.
-- @tparam table report
-- @tparam string name of the row; the other's is added to it
-- @tparam table per_second
-- @tparam ?string other nil: not measured
-- @tparam number at_least
-- @tparam number aim
function rates.judge(report, name, per_second, other, at_least, aim)
  report:row {
    name = name .. (other and " " .. other or ""), format = "%.2f", at_least = at_least, aim = aim,
    value = other and numbers.spread(numbers.ratios(per_second.timekit, per_second[other])) or nil,
  }
end

--- Adds two rows that are judged by the same limits: another's CPU over ours, and our rate over the other's.
-- @tparam table report
-- @tparam table row `title`, `ours` and `other` (names; not measured if one is missing), `at_least`, `aim`
-- @tparam table per_second name → list, as of `load.rounds`
-- @tparam table costs the same
function rates.judge_both(report, row, per_second, costs)
  local ours, other = row.ours, row.other
  local is_measured = ours and other and costs[ours] and costs[other]
  local name = ("%s, %s against %s"):format(row.title, ours or "timekit", other or "none")
  report:row {
    name = name .. ", CPU", format = "%.2f", at_least = row.at_least, aim = row.aim,
    value = is_measured and numbers.spread(numbers.ratios(costs[other], costs[ours])) or nil,
  }
  report:row {
    name = name .. ", requests a second", format = "%.2f", at_least = row.at_least, aim = row.aim,
    value = is_measured and numbers.spread(numbers.ratios(per_second[ours], per_second[other])) or nil,
  }
end

return rates
