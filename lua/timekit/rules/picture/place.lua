--- Gives the items of ordered rows their places.
-- Pure: no I/O.
-- @module timekit.rules.picture.place
local place = {}

local PASSES = 12
local GAP, LINE_GAP = 22, 14        -- between items of a row; beside a mere line
local ROW_GAP, MAX_ROW_GAP = 22, 64 -- between rows: more where lines run far to the side, which keeps them steep
local SLOPE = 0.09

local function half_distance(left, right)
  local is_line = left.height == 0 or right.height == 0
  return (left.width + right.width) / 2 + (is_line and LINE_GAP or GAP)
end

-- How much the items of one arrow keep it straight.
local STRAIGHT = 4

local OPPOSITE = { up = "down", down = "up" }

-- Where an item would like to be: in the middle of what it is joined to. A neighbour with many
-- lines on that side cannot stand straight above or below all of them, and counts less.
local function wish(item, sides)
  local sum, total = 0, 0
  for _, side in ipairs(sides) do
    for _, neighbour in ipairs(item[side]) do
      local lines = #neighbour[OPPOSITE[side]]
      local weight = (item.arrow and item.arrow == neighbour.arrow and STRAIGHT or 1) / (lines * lines)
      sum, total = sum + weight * neighbour.x, total + weight
    end
  end
  return total > 0 and sum / total or item.x
end

-- Moves the items of a row to where they would like to be, as near as their order and distances allow (least squares:
-- items that are in each other's way form a block, which stands at the mean of their wishes).
local function settle(row, sides)
  local blocks, offset = {}, 0
  for index, item in ipairs(row) do
    if index > 1 then offset = offset + half_distance(row[index - 1], item) end
    item.offset = offset
    if index > 1 and item.is_alone then break end
    local block = { sum = wish(item, sides) - offset, count = 1 }
    while blocks[1] and blocks[#blocks].sum / blocks[#blocks].count > block.sum / block.count do
      local before = table.remove(blocks)
      block.sum, block.count = block.sum + before.sum, block.count + before.count
    end
    blocks[#blocks + 1] = block
  end
  local index = 0
  for _, block in ipairs(blocks) do
    for _ = 1, block.count do
      index = index + 1
      row[index].x = block.sum / block.count + row[index].offset
    end
  end
  -- What is joined to nothing stands last, next to the others.
  for later = index + 1, #row do row[later].x = row[later - 1].x + half_distance(row[later - 1], row[later]) end
end

local function round(value)
  return math.floor(value * 2 + 0.5) / 2
end

--- Gives every item its `x`.
-- @tparam {table,...} rows lists of items
-- @treturn number the width of all
function place.across(rows)
  for _, row in ipairs(rows) do
    local x = 0
    for index, item in ipairs(row) do
      if index > 1 then x = x + half_distance(row[index - 1], item) end
      item.x = x
    end
    for _, item in ipairs(row) do item.x = item.x - x / 2 end
  end
  for _ = 1, PASSES do
    for index = 2, #rows do settle(rows[index], { "up" }) end
    for index = #rows - 1, 1, -1 do settle(rows[index], { "down" }) end
    for index = 1, #rows do settle(rows[index], { "up", "down" }) end
  end
  local left, right = math.huge, -math.huge
  for _, row in ipairs(rows) do
    for _, item in ipairs(row) do
      left, right = math.min(left, item.x - item.width / 2), math.max(right, item.x + item.width / 2)
    end
  end
  for _, row in ipairs(rows) do
    for _, item in ipairs(row) do item.x = round(item.x - left) end
  end
  return right - left
end

--- Gives every item its `y`, and the `top` and `bottom` of its row.
-- @tparam {table,...} rows lists of items with their `x`
-- @tparam number top
-- @treturn number where the last row ends
function place.down(rows, top)
  local y = top
  for index, row in ipairs(rows) do
    local height, farthest = 0, 0
    for _, item in ipairs(row) do
      height = math.max(height, item.height)
      for _, upper in ipairs(item.up) do farthest = math.max(farthest, math.abs(item.x - upper.x)) end
    end
    if index > 1 and row[1] then y = y + math.min(MAX_ROW_GAP, ROW_GAP + farthest * SLOPE) end
    for _, item in ipairs(row) do
      item.top, item.bottom, item.y = round(y), round(y + height), round(y + height / 2)
    end
    y = y + height
  end
  return y
end

return place
