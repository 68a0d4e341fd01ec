--- What stands behind the `?` of a request: names with values, and the search of a list.
-- Pure: no I/O. Values come from anywhere, so none can become another parameter or another condition.
-- @module timekit.http.query

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local messages = require "timekit.text.messages"

local query = {}

local function is_name(name)
  return type(name) == "string" and name ~= "" and not ascii.has_control(name)
end

-- A value as a text; nil if it cannot be one. Numbers are written as in JSON, since Lua's way depends on the locale.
local function text_of(value)
  if type(value) == "string" then return value end
  if type(value) == "boolean" then return tostring(value) end
  return type(value) == "number" and core.encode(value) or nil
end

local function sorted(names)
  table.sort(names)
  return names
end

--- Checks a table of parameters, as an option's checker of `timekit.options`.
-- @tparam any parameters name → text, number, boolean, or a list of these: the parameter is repeated then
-- @treturn table|nil a list of `{ name, text }`, in the order of the names
-- @treturn ?string what was expected
function query.check(parameters)
  if type(parameters) ~= "table" then return nil, "expected a table, got " .. messages.describe(parameters) end
  local names, list = {}, {}
  for name in pairs(parameters) do
    if not is_name(name) then return nil, "expected names as keys, got " .. messages.describe(name) end
    names[#names + 1] = name
  end
  for _, name in ipairs(sorted(names)) do
    local values = parameters[name]
    if type(values) ~= "table" then values = { values } end
    local count = 0
    for _ in pairs(values) do count = count + 1 end
    for index = 1, count do
      local value = values[index]
      local text = text_of(value)
      if not text then
        return nil, ("%s: expected a text, a number or a boolean, got %s"):format(name, messages.describe(value))
      end
      list[#list + 1] = { name, text }
    end
  end
  return list
end

-- Those of spec/api.md 4, beside `meta.…`; further ones may exist.
local ATTRIBUTES = {
  ["resource.id"] = true, graph = true, state = true, completed = true, ["customer.name"] = true,
  ["customer.email"] = true, ["calendar.id"] = true, ["project.id"] = true,
}

--- Checks the names of a search, and the types of its values, as an option's checker of `timekit.options`.
-- @tparam any conditions attribute → text, number or boolean
-- @treturn table|nil a list of `{ attribute, text }`, in the order of the attributes
-- @treturn ?string what was expected
function query.check_search(conditions)
  local expected = "expected a table such as { state = \"confirmed\" }"
  if type(conditions) ~= "table" then return nil, expected .. ", got " .. messages.describe(conditions) end
  local names, list = {}, {}
  for name in pairs(conditions) do
    if not is_name(name) or name:find("[;: ]") then
      return nil, "expected attributes as keys, got " .. messages.quote(name)
    end
    local hint = not ATTRIBUTES[name] and not name:find("^meta%.") and messages.hint(name, ATTRIBUTES) or ""
    if hint ~= "" then return nil, "unknown attribute " .. messages.quote(name) .. hint end
    names[#names + 1] = name
  end
  for index, name in ipairs(sorted(names)) do
    local text = text_of(conditions[name])
    if not text then
      return nil, ("%s: expected a text, a number or a boolean, got %s"):format(
        name, messages.describe(conditions[name]))
    end
    list[index] = { name, text }
  end
  return list
end

local function problem_of(text)
  if not ascii.says_something(text) then return "an empty value would be no condition" end
  if text:find("[;:]") then return "';' and ':' cannot be searched for: Timekit ends a value there" end
  if ascii.has_control(text) then return "control characters cannot stand in it" end
  return nil
end

--- Writes a search as Timekit reads it: `attribute:value;attribute:value`, all of which must hold (spec/api.md 4).
-- Timekit documents no way to write `;` or `:` in a value. So a value that holds one is refused: it could add a
-- condition, or change one.
-- @tparam {table,...} conditions what `query.check_search` returned
-- @treturn string|nil the search
-- @treturn ?table what is wrong: a list of `{ field =, problem = }`
-- @usage query.search { { "customer.name", "Mar*" }, { "state", "confirmed" } }
--   --> "customer.name:Mar*;state:confirmed"
function query.search(conditions)
  local parts, problems = {}, {}
  for index, pair in ipairs(conditions) do
    local problem = problem_of(pair[2])
    if problem then problems[#problems + 1] = { field = "search." .. pair[1], problem = problem } end
    parts[index] = pair[1] .. ":" .. pair[2]
  end
  if #problems > 0 then return nil, problems end
  return table.concat(parts, ";")
end

return query
