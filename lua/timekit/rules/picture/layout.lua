--- Finds a place for everything in a graph.
--
-- A layered layout, from top to bottom. States stand in rows, by the longest way that leads to them, and the labels of
-- arrows in rows between them. An arrow over several rows has an item in each of them that keeps its way free. No two
-- items of a row overlap, and lines run from row to row only, so nothing is ever drawn over a label.
-- Pure: no I/O.
-- @module timekit.rules.picture.layout
local order = require "timekit.rules.picture.order"
local place = require "timekit.rules.picture.place"

local layout = {}

-- What a line needs at the side of a state, with its head.
local LINE_WIDTH = 14

-- Marks the arrows that lead back, so that the others have no circle, and returns the states so that every other arrow
-- leads from an earlier to a later one. Whatever leads to the initial state leads back: nothing stands above that one.
local function sorted_states(drawn)
  local sorted, visited = {}, {}
  local function visit(state)
    visited[state] = "open"
    -- The last first, so that the first arrows end up leftmost.
    for index = #state.leaving, 1, -1 do
      local arrow = state.leaving[index]
      arrow.is_back = arrow.to.is_initial or visited[arrow.to] == "open"
      if not arrow.is_back and not visited[arrow.to] then visit(arrow.to) end
    end
    visited[state] = "closed"
    table.insert(sorted, 1, state)
  end
  for index = #drawn.states, 1, -1 do
    if not visited[drawn.states[index]] then visit(drawn.states[index]) end
  end
  return sorted
end

local function lowest_rank(state)
  for _, arrow in ipairs(state.leaving) do
    if arrow.to.is_initial and not state.is_initial then return 1 end
  end
  return 0
end

-- Gives each state its rank: 0 for the first row of states.
local function rank(drawn)
  local last, is_linked = 0, {}
  for _, state in ipairs(sorted_states(drawn)) do
    state.rank = math.max(state.rank or 0, lowest_rank(state))
    last = math.max(last, state.rank)
    for _, arrow in ipairs(state.leaving) do
      is_linked[arrow.from], is_linked[arrow.to] = true, true
      if not arrow.is_back then arrow.to.rank = math.max(arrow.to.rank or 0, state.rank + 1) end
    end
  end
  -- What only the server sets stands apart, below.
  for _, state in ipairs(drawn.states) do
    if not is_linked[state] and not state.is_initial then state.rank = last end
  end
end

local function new_item(rows, row, fields)
  local item = fields
  item.row, item.up, item.down = row, {}, {}
  rows[row] = rows[row] or {}
  table.insert(rows[row], item)
  return item
end

local function connect(upper, lower)
  table.insert(upper.down, lower)
  table.insert(lower.up, upper)
end

-- Puts the items of an arrow between its states: its label next to where it leaves, and what keeps its way free.
local function add_arrow(rows, arrow, measure)
  local upper, lower = arrow.from, arrow.to
  if arrow.is_back then upper, lower = lower, upper end
  local is_loop = upper == lower
  local first, last = 2 * upper.rank + 2, is_loop and 2 * upper.rank + 2 or 2 * lower.rank
  local label_row = arrow.is_back and not is_loop and last or first
  local previous = upper.item
  arrow.items = {}
  for row = first, last do
    local item = new_item(rows, row, row == label_row and measure(arrow) or { width = 2, height = 0 })
    item.arrow = arrow
    table.insert(arrow.items, item)
    if row == label_row then arrow.label = item end
    connect(previous, item)
    previous = item
  end
  if not is_loop then connect(previous, lower.item) end
end

--- Lays a graph out. Every state gets an `item`; every arrow its `items` from the upper to the lower state, and one of
-- these is its `label`. An item has `x` and `y` (its middle), `width` and `height`; `up` and `down`, the items that
-- lines lead to; its `position` in its row, and the `top` and `bottom` of that row, between which no line bends.
-- @tparam table drawn as of `outline.of`; the arrows also get `is_back`, for one that is drawn upwards
-- @tparam function measure_state function(state) → `{ width =, height = }`
-- @tparam function measure_label function(arrow) → the same
-- @tparam number top the place of the first row
-- @treturn number the width of all, where x begins with 0
-- @treturn number the y of the lowest row's end
function layout.arrange(drawn, measure_state, measure_label, top)
  rank(drawn)
  local rows = {}
  local last = 1
  for _, state in ipairs(drawn.states) do
    state.item = new_item(rows, 2 * state.rank + 1, measure_state(state))
    state.item.state = state
    last = math.max(last, 2 * state.rank + 1)
  end
  for _, state in ipairs(drawn.states) do
    for _, arrow in ipairs(state.leaving) do add_arrow(rows, arrow, measure_label) end
  end
  for row = 1, math.max(last, #rows) do rows[row] = rows[row] or {} end
  for _, state in ipairs(drawn.states) do
    local item = state.item
    item.width = math.max(item.width, LINE_WIDTH * (math.max(#item.up, #item.down) + 1))
  end
  order.improve(rows)
  local width = place.across(rows)
  return width, place.down(rows, top)
end

return layout
