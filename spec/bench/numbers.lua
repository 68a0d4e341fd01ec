--- Sums up the numbers of several rounds.
local numbers = {}

--- @tparam {number,...} list
-- @treturn number median, smallest, greatest
function numbers.spread(list)
  local sorted = {}
  for index, value in ipairs(list) do sorted[index] = value end
  table.sort(sorted)
  local middle = math.ceil(#sorted / 2)
  local median = #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
  return median, sorted[1], sorted[#sorted]
end

--- Compares round by round: a slow moment of the machine hits both, so it cancels out.
-- @treturn {number,...} each of the one over each of the other
function numbers.ratios(one, other)
  local list = {}
  for index, value in ipairs(one) do list[index] = value / other[index] end
  return list
end

--- @tparam {number,...} list
-- @tparam string format of a number
-- @treturn string median (smallest–greatest)
function numbers.text(list, format)
  return (format .. " (" .. format .. "–" .. format .. ")"):format(numbers.spread(list))
end

--- @tparam number value
-- @treturn string with commas between thousands
function numbers.grouped(value)
  local text = ("%.0f"):format(value):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

return numbers
