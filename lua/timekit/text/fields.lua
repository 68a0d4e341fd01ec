--- Checks a table whose fields are known: their types, the required ones, and mistyped names.
-- The inputs of an action and the definition of a graph are checked by the same rules.
-- @module timekit.text.fields

local messages = require "timekit.text.messages"

local fields = {}

-- Beyond it a float has lost digits, and JSON readers lose them too (2^53 - 1).
local MAX_INTEGER = 9007199254740991

local function is(value, expected)
  if expected == "integer" then
    return type(value) == "number" and value % 1 == 0 and value >= -MAX_INTEGER and value <= MAX_INTEGER
  end
  return type(value) == expected
end

--- Joins the path of a table and the name of a field in it.
-- @tparam string path may be empty
-- @tparam any key
-- @treturn string such as `inputs.message`, `inputs[1]`, `inputs['first name']`
function fields.join(path, key)
  if type(key) ~= "string" then return path .. "[" .. tostring(key) .. "]" end
  if not key:find("^[%a_][%w_]*$") then return path .. "[" .. messages.quote(key) .. "]" end
  return path == "" and key or path .. "." .. key
end

-- What is wrong with the value of a known field; nil when nothing is.
local function field_problem(spec, value)
  if value == nil then return spec.required and "required" or nil end
  if spec.type and not is(value, spec.type) then
    local got = spec.type == "integer" and type(value) == "number" and tostring(value) or messages.describe(value)
    return ("expected %s, got %s"):format(messages.TYPES[spec.type], got)
  end
  if not spec.check then return nil end
  local ok, reason = spec.check(value)
  return not ok and tostring(reason or "refused by its check") or nil
end

-- A list, made when there is a first text for it.
local function with(list, text)
  list = list or {}
  list[#list + 1] = text
  return list
end

--- Checks a table against the specifications of its fields.
-- A specification is `{ type =, required =, check = }`, all optional: `type` is `string`, `boolean`, `number`,
-- `integer` (whole, and exact as a double), `table` or `function`; `check` is a function that gets the value
-- and returns true, or false and a reason. An error that `check` raises is not caught. The table is read without its
-- metamethods, as the JSON encoder reads it: what is checked is what is sent.
-- @tparam table specs name → specification
-- @tparam any values the table to check
-- @tparam string path how messages name the table; may be empty
-- @tparam boolean strict refuse every unknown name, not only those that are close to a known one
-- @treturn table a list of problems in alphabetical order, such as
--   `inputs.message: expected a string, got a number`; empty when there are none
function fields.check(specs, values, path, strict)
  return fields.problems(specs, values, path, strict) or {}
end

--- The same for whoever expects none.
-- @tparam table specs as for `check`
-- @tparam any values
-- @tparam string path
-- @tparam boolean strict
-- @treturn table|nil as of `check`; nil: there are none
function fields.problems(specs, values, path, strict)
  if type(values) ~= "table" then
    return { (path == "" and "" or path .. ": ") .. "expected a table, got " .. messages.describe(values) }
  end
  local problems, is_any_known
  for name, spec in next, specs do
    is_any_known = true
    local problem = field_problem(spec, rawget(values, name))
    if problem then problems = with(problems, fields.join(path, name) .. ": " .. problem) end
  end
  for name in next, values do
    if specs[name] == nil then
      local hint = is_any_known and messages.hint(name, specs) or ""
      if type(name) ~= "string" then
        local got = messages.describe(name)
        problems = with(problems, ("%s: expected a name as the key, got %s"):format(fields.join(path, name), got))
      elseif strict or hint ~= "" then
        problems = with(problems, fields.join(path, name) .. ": unknown" .. hint)
      end
    end
  end
  if problems then table.sort(problems) end
  return problems
end

return fields
