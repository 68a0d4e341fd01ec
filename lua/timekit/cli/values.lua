--- Reads arguments such as `customer.name=Marty`, `count:=3`, `message=@file`.
-- @module timekit.cli.values

local timekit = require "timekit"
local core = require "timekit.core"
local failure = require "timekit.cli.failure"

local values = {}

--- What the help says about them.
values.ABOUT = "NAME=TEXT or NAME:=JSON; dots nest, as in customer.name=Marty; "
  .. "@FILE or - as the value reads a file or standard input, and alone a JSON object"

local function read_all(file, name)
  local text, problem = file:read "*a"
  if not text then failure.raise("usage", "%s: cannot be read: %s", name, problem) end
  return text
end

-- Reads what `@file` and `-` stand for. Standard input can be read once.
local Reader = {}
Reader.__index = Reader

function Reader:text(word, name)
  if word == "-" then
    if self.stdin_of then
      failure.raise("usage", "%s: standard input was already read for %s", name, self.stdin_of)
    end
    self.stdin_of = name
    return read_all(io.stdin, name)
  elseif word:sub(1, 1) == "@" then
    local file, problem = io.open(word:sub(2), "rb")
    if not file then failure.raise("usage", "%s: cannot read the file: %s", name, problem) end
    local text = read_all(file, name)
    file:close()
    return text
  end
  return word
end

local function decode(text, name)
  local value, problem = core.decode(text)
  if value == nil then failure.raise("usage", "%s: it is not JSON: %s", name, problem) end
  return value
end

-- Sets a value below the names of a path, which are separated by dots.
local function set(object, path, value)
  local at, last = object, nil
  for name in (path .. "."):gmatch "([^.]*)%." do
    if name == "" then failure.raise("usage", "%s: a name is empty", path) end
    if last then
      if at[last] == nil then at[last] = {} end
      at = at[last]
      if type(at) ~= "table" or timekit.is_array(at) then
        failure.raise("usage", "%s: '%s' has a value of its own", path, last)
      end
    end
    last = name
  end
  if at[last] ~= nil then failure.raise("usage", "%s: it is given twice", path) end
  at[last] = value
end

local function add(object, word, reader)
  local name, value = word:match "^([^=]*)=(.*)$"
  if not name then failure.raise("usage", "'%s': expected NAME=TEXT or NAME:=JSON", word) end
  local is_json = name:sub(-1) == ":"
  if is_json then name = name:sub(1, -2) end
  local text = reader:text(value, name)
  if is_json then set(object, name, decode(text, name)) else set(object, name, text) end
end

--- Reads the arguments of one object.
-- Raises a failure that names the argument.
-- @tparam {string,...} words such as `name=text`; `@file` and `-` alone stand for a whole JSON object, to which the
--   others add
-- @treturn table the object
-- @usage values.object { "customer.name=Marty", "seats:=2" }   --> { customer = { name = "Marty" }, seats = 2 }
function values.object(words)
  local object, reader = {}, setmetatable({ stdin_of = nil }, Reader)
  for _, word in ipairs(words) do
    if word == "-" or word:sub(1, 1) == "@" then
      local whole = decode(reader:text(word, word), word)
      if type(whole) ~= "table" or timekit.is_array(whole) then
        failure.raise("usage", "%s: expected a JSON object", word)
      end
      for name, value in pairs(whole) do
        if object[name] ~= nil then failure.raise("usage", "%s: it is given twice", name) end
        object[name] = value
      end
    else
      add(object, word, reader)
    end
  end
  return object
end

return values
