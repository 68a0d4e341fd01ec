--- The types that the comments name, as LuaCATS writes them; and the names that the library itself lists: graphs,
-- states, actions, kinds of errors, runtimes.
local sorted_keys = require "spec.support.sorted_keys"

local names = {}

-- Words of Lua and of LuaCATS; every other word of a type is a type's name.
local BUILT_IN = {
  string = true, number = true, integer = true, boolean = true, table = true, ["function"] = true, any = true,
  ["nil"] = true, userdata = true, thread = true, fun = true,
}

--- A class's name for editors.
function names.class(name)
  return "timekit." .. name:sub(1, 1):upper() .. name:sub(2)
end

-- The words of `fun(index:integer)` before colons are names of parameters.
local function with_prefix(type_, found)
  return (type_:gsub('("?)([%a_][%w_]*)"?(%??:?)', function(open, word, after)
    if open ~= "" or after:find(":") or BUILT_IN[word] then return nil end
    found[word] = true
    return names.class(word) .. after
  end))
end

--- A type of the comments as LuaCATS writes it: `{string,...}` is `string[]`, `{[string]=Graph}` is
-- `table<string, timekit.Graph>`.
-- @tparam string type_
-- @tparam table found takes the names of types that are met, as keys
function names.luacats(type_, found)
  local converted = with_prefix(type_, found)
  local changed
  repeat
    local before = converted
    converted = converted:gsub("{%[([^%[%]{}=]*)%]=([^{}]*)}", "table<%1, %2>")
    converted = converted:gsub("{([^{}=]*),%.%.%.}", function(item)
      return (item:find("|", 1, true) and "(" .. item .. ")" or item) .. "[]"
    end)
    changed = converted ~= before
  until not changed
  return converted
end

--- The modules that users may require by name, beside `timekit`.
names.MODULES = { "error", "graph", "graphs", "link", "sandbox", "sandbox.server", "webhook" }

--- The names that the library lists by itself: alias → sorted list.
-- @tparam table face for the kinds of errors and faults, which only the comments list
function names.lists(face)
  local graphs = require "timekit.graphs"
  local states, actions, graph_names = {}, {}, {}
  for name, graph in pairs(graphs) do
    graph_names[name] = true
    for state in pairs(graph.states) do states[state] = true end
    for _, action in ipairs(graph.actions) do actions[action.name] = true end
  end
  local kinds, faults = {}, {}
  for kind in face.modules["timekit.error"].text:match("The kinds:(.*)"):gmatch("`([%l_]+)`:") do kinds[kind] = true end
  for _, method in ipairs(face.classes.Box.methods) do
    if method.name == "fault" then
      for kind in method.text:gmatch("\n%- `(%l+)`:") do faults[kind] = true end
    end
  end
  return {
    ActionName = sorted_keys(actions), ErrorKind = sorted_keys(kinds), FaultKind = sorted_keys(faults),
    GraphName = sorted_keys(graph_names), RuntimeName = sorted_keys(require("timekit.runtime").NAMES),
    Sent = { "no", "maybe", "yes" }, State = sorted_keys(states), OrderBy = names.orders(),
  }
end

--- The orders of a list, which the check of `order_by` names where one is misspelt.
function names.orders()
  local messages, values = require "timekit.text.messages", require "timekit.options.values"
  local hint, orders = messages.hint, nil
  messages.hint = function(_, known) orders = known return "" end
  values.order_by("created")
  messages.hint = hint
  return sorted_keys(orders)
end

--- The inputs of each action, as the known graphs together have them: action → name → type.
function names.inputs()
  local actions = {}
  for _, graph in pairs(require "timekit.graphs") do
    for _, action in ipairs(graph.actions) do
      actions[action.name] = actions[action.name] or {}
      for name, input in pairs(action.inputs or {}) do actions[action.name][name] = input.type or "any" end
    end
  end
  return actions
end

names.sorted_keys = sorted_keys

return names
