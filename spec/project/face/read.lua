--- Reads the public face from what LDoc makes of the comments: modules, classes, functions and tables.
-- `make types` and `make docs` write it in two forms. LDoc calls `run` (`ldoc --filter spec.project.face.read.run`),
-- and the environment's `FACE` names the module that goes on with it.
local read = {}

local function text_of(item)
  local summary, description = item.summary or "", item.description or ""
  description = description:gsub("^ ", "")
  local gap = description:find("^\n") and "" or " "
  return (summary .. gap .. description):gsub("\n ", "\n"):gsub("^%s+", ""):gsub("%s+$", "")
end

-- Of `?string` the type and that it may be left out; LDoc's own `[opt=1]` comes as a modifier.
local function value_of(name, text, modifiers)
  local type_ = modifiers and modifiers.type or "any"
  local optional = modifiers and modifiers.opt
  if type_:sub(1, 1) == "?" then type_, optional = type_:sub(2), optional or true end
  text = (text or ""):gsub("\n ", "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  -- LDoc takes the name of the field `[1]` for `1`.
  local is_index = name and text:sub(1, 1) == "]"
  if is_index then text = text:gsub("^%]%s*", "") end
  local base
  if type_:find("^%a+:%a+$") then type_, base = type_:match("^(%a+):(%a+)$") end
  return {
    name = name, type = type_, optional = optional ~= nil, default = type(optional) == "string" and optional or nil,
    is_index = is_index, base = base, text = text,
  }
end

-- LDoc leaves the fields of a `@type` as they stand.
local function fields_of_section(section)
  local list = {}
  for index, line in ipairs(section.tags.field or {}) do
    local name, text = line:match("^%s*(%S+)%s*(.*)")
    list[index] = value_of(name, text, section.modifiers.field and section.modifiers.field[index])
  end
  return list
end

-- The parameters of a function, or the fields of a table. `opts.timeout` is a field of `opts`.
local function values_of(item)
  local list, by_name, modifiers = {}, {}, item.modifiers and item.modifiers[item.parameter] or {}
  local function add(name)
    local owner, short = name:match("^(.*)%.([^.]+)$")
    local value = value_of(short or name, item.params.map[name], modifiers[name])
    by_name[name] = value
    if not owner then list[#list + 1] = value return end
    assert(by_name[owner], ("%s: %s comes before %s"):format(item.name, name, owner))
    by_name[owner].fields = by_name[owner].fields or {}
    table.insert(by_name[owner].fields, value)
  end
  for _, name in ipairs(item.params or {}) do
    add(name)
    for _, inner in ipairs(item.subparams and item.subparams[name] or {}) do add(inner) end
  end
  return list
end

local function returns_of(item)
  local list, modifiers = {}, item.modifiers and item.modifiers["return"] or {}
  for index, text in ipairs(item.ret or {}) do list[index] = value_of(nil, text, modifiers[index]) end
  return list
end

local function function_of(item, name, module)
  return {
    name = name, text = text_of(item), params = values_of(item), returns = returns_of(item), usage = item.usage or {},
    module = module.name, line = item.lineno,
  }
end

-- A `@type` stands for a class wherever it is: the methods of one class may be spread over several files.
local function class_of(face, name)
  if not face.classes[name] then
    face.classes[name] = { name = name, text = "", fields = {}, methods = {} }
    table.insert(face.class_order, name)
  end
  return face.classes[name]
end

local function add_section(face, module, section)
  if section.type ~= "type" then return end
  local class = class_of(face, section.name)
  if section.summary ~= "" then
    class.text, class.module = text_of(section), module.name
    class.fields = fields_of_section(section)
  end
end

local function add_item(face, module, item)
  local class, method = item.name:match("^(%a+)[:.]([%w_]+)$")
  local is_of_class = class and (face.classes[class] or class:find("^%u") and item.name:find(":", 1, true))
  if item.type == "table" then
    local name = item.name:match("[^.]+$")
    face.tables[name] = { name = name, text = text_of(item), fields = values_of(item), module = module.name }
    table.insert(face.table_order, name)
  elseif item.type == "field" then
    table.insert(module.fields, { name = item.name, text = text_of(item) })
  elseif is_of_class and item.name:find(":", 1, true) then
    local entry = function_of(item, method, module)
    entry.class = class
    table.insert(class_of(face, class).methods, entry)
  else
    table.insert(module.functions, function_of(item, method or item.name, module))
  end
end

--- Makes the face of LDoc's modules.
-- @tparam table ldoc_modules
-- @treturn table `modules`, `classes` and `tables`, each by name and, in `…_order`, in the order of the files
function read.face(ldoc_modules)
  local face = {
    modules = {}, module_order = {}, classes = {}, class_order = {}, tables = {}, table_order = {},
  }
  for _, source in ipairs(ldoc_modules) do
    local module = {
      name = source.name, text = text_of(source), usage = source.usage or {}, fields = {}, functions = {},
    }
    face.modules[source.name] = module
    table.insert(face.module_order, source.name)
    for _, section in ipairs(source.sections or {}) do add_section(face, module, section) end
    for _, item in ipairs(source.items) do add_item(face, module, item) end
  end
  return face
end

function read.run(ldoc_modules)
  require(os.getenv "FACE").write(read.face(ldoc_modules))
end

return read
