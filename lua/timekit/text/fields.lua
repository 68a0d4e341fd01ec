--- Checks of tables whose fields are known: types, required fields and mistyped names.
-- The inputs of an action and the definition of a graph are checked by the same rules.
-- Pure: no I/O. Tables are read without metamethods, as the JSON encoder reads them: what is checked is what is sent.
-- @module timekit.text.fields

local core = require "timekit.core"
local messages = require "timekit.text.messages"

local fields = {}

-- 2^53 - 1. Beyond it a double, and so many a JSON reader, loses digits.
local MAX_INTEGER = 9007199254740991

local function is(value, expected)
  if expected == "integer" then
    return type(value) == "number" and value % 1 == 0 and value >= -MAX_INTEGER and value <= MAX_INTEGER
  end
  return type(value) == expected
end

--- A field's value, where JSON's null counts as a field that was left out.
-- @tparam any value
-- @return the value; nil for JSON's null
-- @usage
-- fields.given("x")            --> "x"
-- fields.given(timekit.null)   --> nil
function fields.given(value)
  if value == core.null then return nil end
  return value
end

--- Is a decoded value a JSON object?
-- @tparam any value
-- @treturn boolean
-- @function is_object
-- @usage fields.is_object(core.decode "[]")   --> false
fields.is_object = core.is_object

local is_object = core.is_object

--- What is wrong with a value that has to be a table of named fields, such as the fields of a new booking.
-- An empty table has no names, and is one.
-- @tparam any value
-- @treturn string|nil what was expected and what was given; nil when nothing is wrong
-- @usage
-- fields.named { what = "Mens haircut" }   --> nil
-- fields.named { "Mens haircut" }          --> "expected a table of named fields, got a list"
function fields.named(value)
  if is_object(value) and rawget(value, 1) == nil then return nil end
  local got = type(value) == "table" and "a list" or messages.describe(value)
  return "expected a table of named fields, got " .. got
end

--- Joins the path of a table and the name of a field in it.
-- @tparam string path may be empty
-- @tparam any key
-- @treturn string
-- @usage
-- fields.join("inputs", "message")      --> "inputs.message"
-- fields.join("inputs", "first name")   --> "inputs['first name']"
-- fields.join("inputs", 1)              --> "inputs[1]"
-- fields.join("", "message")            --> "message"
function fields.join(path, key)
  if type(key) ~= "string" then return path .. "[" .. tostring(key) .. "]" end
  if not key:find("^[A-Za-z_][A-Za-z0-9_]*$") then return path .. "[" .. messages.quote(key) .. "]" end
  return path == "" and key or path .. "." .. key
end

local function one_of_problem(allowed, value)
  local names = {}
  for index, one in ipairs(allowed) do
    if value == one then return nil end
    names[index] = messages.quote(one)
  end
  return ("expected one of %s, got %s"):format(table.concat(names, ", "), messages.quote(value))
end

-- What is wrong with the value of a known field; nil when nothing is.
local function field_problem(spec, value)
  if value == nil then return spec.required and "required" or nil end
  if spec.type and not is(value, spec.type) then
    local got = spec.type == "integer" and type(value) == "number" and tostring(value) or messages.describe(value)
    return ("expected %s, got %s"):format(messages.TYPES[spec.type], got)
  end
  local problem = spec.one_of and one_of_problem(spec.one_of, value)
  if problem or not spec.check then return problem or nil end
  local ok, reason = spec.check(value)
  return not ok and tostring(reason or "refused by its check") or nil
end

local function key_problem(key)
  return "expected a name as the key, got " .. (key == "" and "an empty string" or messages.describe(key))
end

-- The list is made when there is a first problem for it: almost every check finds none.
local function with(list, field, problem)
  list = list or {}
  list[#list + 1] = { field = field, problem = problem }
  return list
end

-- What is wrong with the tables inside a field's value, added to the list.
local function with_nested(list, spec, value, path, strict)
  local function add(specs, item, its_path)
    for _, found in ipairs(fields.problems(specs, item, its_path, strict) or {}) do
      list = with(list, found.field, found.problem)
    end
  end
  if spec.fields then add(spec.fields, value, path) end
  for key, item in next, spec.each and value or {} do
    if type(key) == "string" and key ~= "" then
      add(spec.each, item, fields.join(path, key))
    else
      list = with(list, fields.join(path, key), key_problem(key))
    end
  end
  return list
end

--- Checks a table against the specifications of its fields.
-- All parts of a specification are optional:
--
-- - `type`: `string`, `boolean`, `number`, `integer` (whole, and exact as a double), `table` or `function`;
-- - `required`: true for a field that may not be left out;
-- - `one_of`: the list of the texts that the field may hold;
-- - `check`: a function that gets the value and returns true, or false and a reason. An error that it raises is not
--   caught;
-- - `fields`: of a table, the specifications of its own fields;
-- - `each`: of a table whose keys are any names, the specifications that every value in it has to keep.
-- @tparam table specs name → specification
-- @tparam any values the table to check
-- @tparam string path how messages name the table; may be empty
-- @tparam boolean strict refuse every unknown name, not only those that are close to a known one
-- @treturn {table,...}|nil `{ field =, problem = }` for all that is wrong, in alphabetical order; nil when nothing is
-- @usage
-- local specs = { message = { type = "string" } }
-- fields.problems(specs, { message = "Fully booked" }, "inputs", false)   --> nil
-- fields.problems(specs, { message = 7 }, "inputs", false)
--   --> { { field = "inputs.message", problem = "expected a string, got a number" } }
-- fields.problems(specs, { mesage = "" }, "inputs", false)
--   --> { { field = "inputs.mesage", problem = "unknown, did you mean 'message'?" } }
function fields.problems(specs, values, path, strict)
  if type(values) ~= "table" then return with(nil, path, "expected a table, got " .. messages.describe(values)) end
  local problems, is_any_known
  for name, spec in next, specs do
    is_any_known = true
    local value = rawget(values, name)
    local problem = field_problem(spec, value)
    if problem then
      problems = with(problems, fields.join(path, name), problem)
    elseif value ~= nil and (spec.fields or spec.each) then
      problems = with_nested(problems, spec, value, fields.join(path, name), strict)
    end
  end
  for name in next, values do
    if specs[name] == nil then
      local hint = is_any_known and messages.hint(name, specs) or ""
      if type(name) ~= "string" then
        problems = with(problems, fields.join(path, name), key_problem(name))
      elseif strict or hint ~= "" then
        problems = with(problems, fields.join(path, name), "unknown" .. hint)
      end
    end
  end
  if problems then table.sort(problems, function(a, b) return a.field < b.field end) end
  return problems
end

--- Problems as texts for a message.
-- @tparam {table,...} problems `{ field =, problem = }`
-- @treturn {string,...}
-- @usage fields.texts { { field = "end", problem = "required" } }   --> { "end: required" }
function fields.texts(problems)
  local texts = {}
  for index, found in ipairs(problems) do
    texts[index] = found.field == "" and found.problem or found.field .. ": " .. found.problem
  end
  return texts
end

--- Checks a table like `problems`, for messages.
-- @tparam table specs as for `problems`
-- @tparam any values
-- @tparam string path
-- @tparam boolean strict
-- @treturn {string,...} what is wrong, as of `texts`; empty when nothing is
-- @usage
-- fields.check({ message = { type = "string" } }, { message = 7 }, "inputs", false)
--   --> { "inputs.message: expected a string, got a number" }
function fields.check(specs, values, path, strict)
  return fields.texts(fields.problems(specs, values, path, strict) or {})
end

return fields
