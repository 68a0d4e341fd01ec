--- Orders the items of each row so that few lines cross.
-- Pure: no I/O.
-- @module timekit.rules.picture.order
local order = {}

local SWEEPS = 8

local function number(rows)
  for _, row in ipairs(rows) do
    for position, item in ipairs(row) do item.position = position end
  end
end

-- Counts the pairs of lines that cross between a row and the next one.
local function crossings_below(row)
  local lines = {}
  for _, item in ipairs(row) do
    for _, lower in ipairs(item.down) do lines[#lines + 1] = { item.position, lower.position } end
  end
  local count = 0
  for index = 2, #lines do
    for before = 1, index - 1 do
      local one, other = lines[before], lines[index]
      if (one[1] - other[1]) * (one[2] - other[2]) < 0 then count = count + 1 end
    end
  end
  return count
end

local function crossings(rows)
  local count = 0
  for _, row in ipairs(rows) do count = count + crossings_below(row) end
  return count
end

local function by_mean(a, b)
  if a.mean ~= b.mean then return a.mean < b.mean end
  return a.position < b.position
end

-- Sorts a row by the mean position of what its items are joined to in the row above or below. What is joined to nothing
-- comes last.
local function sort(row, side)
  for position, item in ipairs(row) do
    local sum, neighbours = 0, item[side]
    for _, neighbour in ipairs(neighbours) do sum = sum + neighbour.position end
    item.mean = item.is_alone and math.huge or #neighbours > 0 and sum / #neighbours or position
    item.position = position
  end
  table.sort(row, by_mean)
  for position, item in ipairs(row) do item.position = position end
end

local function copied(rows)
  local copy = {}
  for index, row in ipairs(rows) do
    copy[index] = {}
    for position, item in ipairs(row) do copy[index][position] = item end
  end
  return copy
end

--- Orders the items of the rows in place.
-- @tparam {table,...} rows lists of items, from top to bottom
function order.improve(rows)
  for _, row in ipairs(rows) do
    for position, item in ipairs(row) do
      item.is_alone = not item.up[1] and not item.down[1]
      item.mean, item.position = item.is_alone and math.huge or position, position
    end
    table.sort(row, by_mean)
  end
  number(rows)
  local fewest, best = crossings(rows), copied(rows)
  for sweep = 1, SWEEPS do
    if fewest == 0 then break end
    if sweep % 2 == 1 then
      for index = 2, #rows do sort(rows[index], "up") end
    else
      for index = #rows - 1, 1, -1 do sort(rows[index], "down") end
    end
    local count = crossings(rows)
    if count < fewest then fewest, best = count, copied(rows) end
  end
  for index, row in ipairs(best) do rows[index] = row end
  number(rows)
end

return order
