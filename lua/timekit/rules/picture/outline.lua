--- What every picture of a graph shows: its states, and an arrow for each state that an action leaves.
-- Pure: no I/O.
-- @module timekit.rules.picture.outline
local outline = {}

-- The states in the order in which a reader meets them: those that can be reached, depth first from the initial one and
-- in the order of the actions, then those that only the server sets.
local function ordered_names(data)
  local names, seen = {}, {}
  local function visit(name)
    if seen[name] then return end
    seen[name] = true
    names[#names + 1] = name
    for _, action in ipairs(data.actions) do
      for _, from in ipairs(action.from) do
        if from == name then visit(action.to) end
      end
    end
  end
  visit(data.initial)
  local others = {}
  for name in pairs(data.states) do others[#others + 1] = name end
  table.sort(others)
  for _, name in ipairs(others) do visit(name) end
  return names
end

-- Marks the arrows that a booking has gone along. Two states with several arrows between them do not tell which.
local function mark_taken(arrows, path)
  for index = 2, #path do
    local taken, is_ambiguous
    for _, arrow in ipairs(arrows) do
      if arrow.from.name == path[index - 1] and arrow.to.name == path[index] then
        taken, is_ambiguous = arrow, taken ~= nil
      end
    end
    if taken and not is_ambiguous then taken.is_taken = true end
  end
end

--- Lists what there is to draw.
-- @tparam table data the definition of the graph, with every `from` as a list
-- @tparam ?string state where the booking is
-- @tparam {string,...} past the states where it was, oldest first
-- @treturn table `{ name =, state =, states = list, arrows = list }`. A state has `name`, `is_initial`, `is_final`,
--   `by_server`, `is_current`, `is_past` and `leaving`, the list of its arrows. An arrow has `action`, `from` and `to`
--   (states), `by`, `autoplay`, `is_taken` and `is_possible`
function outline.of(data, state, past)
  local drawn = { name = data.name, state = state, states = {}, arrows = {} }
  local by_name, was = {}, {}
  for _, name in ipairs(past) do was[name] = true end
  for index, name in ipairs(ordered_names(data)) do
    local known = data.states[name]
    by_name[name] = {
      name = name, is_initial = name == data.initial, is_final = known.final, by_server = known.by_server,
      is_current = name == state, is_past = was[name] and name ~= state, leaving = {},
    }
    drawn.states[index] = by_name[name]
  end
  for _, action in ipairs(data.actions) do
    for _, from in ipairs(action.from) do
      local arrow = {
        action = action.name, from = by_name[from], to = by_name[action.to], by = action.by, autoplay = action.autoplay,
        is_possible = from == state, is_taken = false,
      }
      table.insert(arrow.from.leaving, arrow)
      table.insert(drawn.arrows, arrow)
    end
  end
  local path = {}
  for index, name in ipairs(past) do path[index] = name end
  path[#path + 1] = state
  mark_taken(drawn.arrows, path)
  return drawn
end

return outline
