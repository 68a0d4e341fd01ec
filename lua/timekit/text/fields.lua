--- Checks a table whose fields are known: their types, the required ones, and mistyped names.
-- The inputs of an action and the definition of a graph are checked by the same rules.
-- @module timekit.text.fields
local nearest = require "timekit.text.nearest"

local shape = {}

-- Every type that a field can ask for, as a reader names a value of it.
local EXPECTED = {
  string = "a string", boolean = "a boolean", number = "a number", integer = "an integer",
  table = "a table", ["function"] = "a function",
}

-- Beyond it a float has lost digits, and JSON readers lose them too (2^53 - 1).
local MAX_INTEGER = 9007199254740991

local function is(value, expected)
  if expected == "integer" then
    return type(value) == "number" and value % 1 == 0 and value >= -MAX_INTEGER and value <= MAX_INTEGER
  end
  return type(value) == expected
end

-- Lua cannot ask a light userdata for its address but as text, and the C library decides how a null pointer prints.
local function is_null(value)
  if type(value) ~= "userdata" then return false end
  local address = tostring(value):match("^userdata: (.*)$")
  return address == "(nil)" or address == "NULL" or address ~= nil and address:find("^0x?0*$") ~= nil
end

--- Says what a value is, for a message that says what was expected instead.
-- @tparam any value
-- @treturn string such as `a number`, `nothing`; `null` for JSON's null (a null light userdata)
function shape.describe(value)
  if value == nil then return "nothing" end
  if is_null(value) then return "null" end
  return EXPECTED[type(value)] or "a " .. type(value)
end

--- Puts a text between quotes, fit for one line: cut when long, control characters replaced.
-- @tparam any text
-- @treturn string
function shape.quote(text)
  text = tostring(text):gsub("%c", "?")
  if #text > 60 then text = text:sub(1, 57) .. "..." end
  return "'" .. text .. "'"
end

--- The end of a message about an unknown name, naming what was probably meant.
-- @tparam string name
-- @tparam table candidates as in `timekit.text.nearest`
-- @treturn string such as `, did you mean 'message'?`, or an empty one
function shape.hint(name, candidates)
  local near = nearest(name, candidates)
  return near and ", did you mean " .. shape.quote(near) .. "?" or ""
end

--- Joins the path of a table and the name of a field in it.
-- @tparam string path may be empty
-- @tparam any key
-- @treturn string such as `inputs.message`, `inputs[1]`, `inputs['first name']`
function shape.join(path, key)
  if type(key) ~= "string" then return path .. "[" .. tostring(key) .. "]" end
  if not key:find("^[%a_][%w_]*$") then return path .. "[" .. shape.quote(key) .. "]" end
  return path == "" and key or path .. "." .. key
end

-- What is wrong with the value of a known field; nil when nothing is.
local function field_problem(spec, value)
  if value == nil then return spec.required and "required" or nil end
  if spec.type and not is(value, spec.type) then
    local got = spec.type == "integer" and type(value) == "number" and tostring(value) or shape.describe(value)
    return ("expected %s, got %s"):format(EXPECTED[spec.type], got)
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
function shape.check(specs, values, path, strict)
  return shape.problems(specs, values, path, strict) or {}
end

--- The same for whoever expects none.
-- @tparam table specs as for `check`
-- @tparam any values
-- @tparam string path
-- @tparam boolean strict
-- @treturn table|nil as of `check`; nil: there are none
function shape.problems(specs, values, path, strict)
  if type(values) ~= "table" then
    return { (path == "" and "" or path .. ": ") .. "expected a table, got " .. shape.describe(values) }
  end
  local problems, is_any_known
  for name, spec in next, specs do
    is_any_known = true
    local problem = field_problem(spec, rawget(values, name))
    if problem then problems = with(problems, shape.join(path, name) .. ": " .. problem) end
  end
  for name in next, values do
    if specs[name] == nil then
      local hint = is_any_known and shape.hint(name, specs) or ""
      if type(name) ~= "string" then
        local got = shape.describe(name)
        problems = with(problems, ("%s: expected a name as the key, got %s"):format(shape.join(path, name), got))
      elseif strict or hint ~= "" then
        problems = with(problems, shape.join(path, name) .. ": unknown" .. hint)
      end
    end
  end
  if problems then table.sort(problems) end
  return problems
end

return shape
