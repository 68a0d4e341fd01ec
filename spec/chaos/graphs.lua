--- The graphs that chaos plays with: the known ones, and some that make it hard.
local graph = require "timekit.graph"
local graphs = require "timekit.graphs"

local chaos = {}

-- Nothing in it can be repeated: a toggle leads to where it is offered again, and `dim` to where it was.
local LAMP = {
  name = "lamp", initial = "initialized", first = "install",
  states = { initialized = {}, off = {}, on = {}, broken = { final = true } },
  actions = {
    { name = "install", from = "initialized", to = "off" },
    { name = "toggle", from = "off", to = "on" }, { name = "toggle", from = "on", to = "off" },
    { name = "dim", from = "on", to = "on" },
    { name = "smash", from = { "off", "on" }, to = "broken" },
  },
}

-- An action that is not offered in the state it leads to, but in a later one: in a circle …
local DOOR = {
  name = "door", initial = "initialized", first = "hang",
  states = { initialized = {}, open = {}, locked = {}, removed = { final = true } },
  actions = {
    { name = "hang", from = "initialized", to = "open" },
    { name = "lock", from = "open", to = "locked" }, { name = "unlock", from = "locked", to = "open" },
    { name = "remove", from = { "open", "locked" }, to = "removed" },
  },
}

-- … or without a circle.
local STAIRS = {
  name = "stairs", initial = "initialized", first = "enter",
  states = { initialized = {}, hall = {}, landing = {}, corner = {}, attic = { final = true } },
  actions = {
    { name = "enter", from = "initialized", to = "hall" },
    { name = "climb", from = "hall", to = "landing" }, { name = "turn", from = "landing", to = "corner" },
    { name = "climb", from = "corner", to = "attic" },
  },
}

-- Two actions that lead to the same state: seeing it does not tell which of them it was.
local GARDEN = {
  name = "garden", initial = "initialized", first = "plant",
  states = { initialized = {}, dry = {}, wet = {}, grown = { final = true } },
  actions = {
    { name = "plant", from = "initialized", to = "dry" },
    { name = "water", from = "dry", to = "wet" }, { name = "rain", from = "dry", to = "wet" },
    { name = "harvest", from = "wet", to = "grown" },
  },
}

-- One that only the server knows.
local PARCEL = {
  name = "parcel", initial = "initialized", first = "pack",
  states = { initialized = {}, packed = {}, sent = {}, delivered = { final = true }, lost = { final = true } },
  actions = {
    { name = "pack", from = "initialized", to = "packed" }, { name = "send", from = "packed", to = "sent" },
    { name = "deliver", from = "sent", to = "delivered" }, { name = "lose", from = { "packed", "sent" }, to = "lost" },
  },
}

--- name → graph, of all that bookings here have.
chaos.all = {}

--- Their names, in a fixed order.
chaos.names = {
  "instant", "confirm_decline", "instant_payment", "group_owner", "group_customer", "group_customer_payment",
}
for _, name in ipairs(chaos.names) do chaos.all[name] = graphs[name] end
for _, definition in ipairs { LAMP, DOOR, STAIRS, GARDEN, PARCEL } do
  chaos.all[definition.name] = graph.define(definition)
  chaos.names[#chaos.names + 1] = definition.name
end

--- Makes this process know what the clients know.
function chaos.define()
  for _, definition in ipairs { LAMP, DOOR, STAIRS, GARDEN } do graphs.define(definition) end
end

--- Makes this process know all of them, as the server does.
function chaos.define_all()
  chaos.define()
  graphs.define(PARCEL)
end

--- Forgets them again.
function chaos.forget()
  for _, definition in ipairs { LAMP, DOOR, STAIRS, GARDEN, PARCEL } do rawset(graphs, definition.name, nil) end
end

--- Whether a booking can come from one state into another.
-- @tparam Graph rules
-- @tparam string from
-- @tparam string to
-- @treturn boolean also when they are the same
function chaos.reaches(rules, from, to)
  local seen, list = { [from] = true }, { from }
  for _, state in ipairs(list) do
    if state == to then return true end
    for _, action in ipairs(rules:actions_in(state)) do
      local next_state = rules:next_state(state, action)
      if not seen[next_state] then
        seen[next_state] = true
        list[#list + 1] = next_state
      end
    end
  end
  return false
end

--- Whether an action that was applied can be applied again some time later.
-- @tparam Graph rules
-- @tparam string action
-- @treturn boolean
function chaos.recurs(rules, action)
  for _, first in ipairs(rules.actions) do
    for _, second in ipairs(rules.actions) do
      if first.name == action and second.name == action then
        for _, state in ipairs(second.from) do
          if chaos.reaches(rules, first.to, state) then return true end
        end
      end
    end
  end
  return false
end

--- Whether a booking in this state must have come there by that action: nothing else leads there, and the action is not
-- offered there again.
-- @tparam Graph rules
-- @tparam string action
-- @tparam string state
-- @treturn boolean
function chaos.proves(rules, action, state)
  if not rules:leads_to(action, state) or rules:can(state, action) or state == rules.initial then return false end
  for _, entry in ipairs(rules.actions) do
    if entry.to == state and entry.name ~= action then return false end
  end
  return true
end

return chaos
