--- Writes the public face as LuaCATS, which editors read: `lua/timekit/library/timekit.lua`, and beside it a file for
-- each other module that users require by name, so that editors know what `require` gives.
-- The environment's `INTO` is the first file.
local names = require "spec.project.types.names"

local write = {}

local HEAD = [[
---@meta timekit
-- Made by `make types` from the comments in the library; `make lint` compares.
]]

local Writer = {}
Writer.__index = Writer

function Writer:line(text, ...) table.insert(self.lines, select("#", ...) > 0 and text:format(...) or text) end

function Writer:comment(text)
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    if line ~= "" or text ~= "" then self:line(("---" .. line):gsub("%s+$", "")) end
  end
end

local function one_line(text) return (text:gsub("%s*\n%s*", " ")) end

function Writer:type(type_) return names.luacats(type_, self.found) end

-- The variable that stands for a module.
local function variable_of(module) return module:match "%a+$" end

local RESERVED = { ["end"] = true }

function Writer:field(field)
  local name = field.name
  if field.is_index then name = "[" .. name .. "]" end
  if RESERVED[name] then name = ('["%s"]'):format(name) end
  self:line(("---@field %s%s %s %s"):format(name, field.optional and "?" or "", self:type(field.type),
    one_line(field.text)):gsub("%s+$", ""))
end

-- A class that is data alone.
function Writer:data(name, text, fields, base)
  assert(not self.defined[name], name .. " is described twice")
  self.defined[name] = true
  if base then self.found[base] = true end
  self:comment(text)
  self:line("---@class %s%s", names.class(name), base and ": " .. names.class(base) or "")
  for _, field in ipairs(fields) do self:field(field) end
  self:line ""
end

-- The classes that parameters describe field by field, such as tables of options.
function Writer:described(values)
  for _, value in ipairs(values) do
    if value.fields then
      self:data(value.type, "", value.fields, value.base)
      self:described(value.fields)
    end
  end
end

function Writer:of_all_functions(visit)
  for _, name in ipairs(self.face.class_order) do
    for _, method in ipairs(self.face.classes[name].methods) do visit(method) end
  end
  for _, name in ipairs(self.face.module_order) do
    for _, fn in ipairs(self.face.modules[name].functions) do visit(fn) end
  end
end

function Writer:fn(owner, separator, fn)
  self:comment(fn.text)
  local arguments = {}
  for index, param in ipairs(fn.params) do
    arguments[index] = param.name
    self:line(("---@param %s%s %s %s"):format(param.name, param.optional and "?" or "", self:type(param.type),
      one_line(param.text)):gsub("%s+$", ""))
  end
  for _, value in ipairs(fn.returns) do
    self:line(("---@return %s%s %s"):format(self:type(value.type), value.optional and "|nil" or "",
      value.text ~= "" and "# " .. one_line(value.text) or ""):gsub("%s+$", ""))
  end
  for _, overload in ipairs(fn.overloads or {}) do self:line(overload) end
  self:line("function %s%s%s(%s) end", owner, separator, fn.name, table.concat(arguments, ", "))
  self:line ""
end

local function inputs_class(action)
  return (("_" .. action):gsub("_(%l)", string.upper)) .. "Inputs"
end

-- What `Booking:action` takes and gives for each action of the known graphs, and the method of the same name.
function Writer:actions(method)
  local first, second = method.returns[1], method.returns[2]
  local methods, overloads = {}, {}
  for _, action in ipairs(names.sorted_keys(names.inputs())) do
    local inputs = names.class(inputs_class(action))
    overloads[#overloads + 1] = ('---@overload fun(self: timekit.Booking, action: "%s", inputs?: %s, '
      .. "opts?: timekit.ActionOptions): %s, %s"):format(action, inputs, self:type(first.type), self:type(second.type))
    methods[#methods + 1] = {
      name = action,
      text = ("The action `%s`: short for `booking:action(\"%s\", inputs, opts)`."):format(action, action),
      params = {
        { name = "inputs", optional = true, type = inputs_class(action), text = "" },
        { name = "opts", optional = true, type = "ActionOptions", text = "" },
      },
      returns = method.returns,
    }
  end
  method.overloads = overloads
  return methods
end

-- A class of an action's inputs takes others as well, since the API may know more than the graph.
function Writer:inputs()
  for action, inputs in pairs(names.inputs()) do self.action_inputs[inputs_class(action)] = inputs end
  for _, class in ipairs(names.sorted_keys(self.action_inputs)) do
    local fields = {}
    for _, name in ipairs(names.sorted_keys(self.action_inputs[class])) do
      fields[#fields + 1] = { name = name, optional = true, type = self.action_inputs[class][name], text = "" }
    end
    fields[#fields + 1] = { name = "string", is_index = true, type = "any", text = "" }
    self:data(class, "", fields)
  end
end

function Writer:class(class)
  local methods = {}
  for index, method in ipairs(class.methods) do methods[index] = method end
  if class.name == "Booking" then
    for _, method in ipairs(class.methods) do
      if method.name == "action" then
        for _, sugar in ipairs(self:actions(method)) do methods[#methods + 1] = sugar end
      end
    end
  end
  self.defined[class.name] = true
  self:comment(class.text)
  local base = class.name == "Graph" and ": timekit.Definition" or ""
  self:line("---@class %s%s", names.class(class.name), base)
  for _, field in ipairs(class.fields) do self:field(field) end
  self:line("local %s = {}", class.name)
  self:line ""
  for _, method in ipairs(methods) do self:fn(class.name, ":", method) end
end

-- A module of functions; its name is that of its class as well.
function Writer:module(name, variable, extra)
  local module = self.face.modules[name]
  self:comment(module.text)
  self:line("---@class %s", name)
  for _, line in ipairs(extra or {}) do self:line(line) end
  self:line("local %s = {}", variable)
  self:line ""
  for _, fn in ipairs(module.functions) do self:fn(variable, ".", fn) end
end

function Writer:aliases()
  local lists = names.lists(self.face)
  for _, alias in ipairs(names.sorted_keys(lists)) do
    self.defined[alias] = true
    local quoted = {}
    for index, word in ipairs(lists[alias]) do quoted[index] = ('"%s"'):format(word) end
    self:line("---@alias %s", names.class(alias))
    for _, word in ipairs(quoted) do self:line("---| %s", word) end
    self:line ""
  end
end

local FIELD_TYPES = { version = "string", null = "userdata" }

function Writer:main()
  local lines = {}
  for _, field in ipairs(self.face.modules.timekit.fields) do
    lines[#lines + 1] = ("---@field %s %s %s"):format(field.name, FIELD_TYPES[field.name] or "timekit." .. field.name,
      one_line(field.text))
  end
  local sandbox = self.face.modules["timekit.sandbox"].text
  lines[#lines + 1] = "---@field sandbox timekit.sandbox " .. sandbox:match("^[^\n]*")
  self:module("timekit", "timekit", lines)
end

function Writer:all()
  self:line(HEAD)
  self:aliases()
  self:inputs()
  for _, name in ipairs(self.face.table_order) do
    self:data(name, self.face.tables[name].text, self.face.tables[name].fields)
  end
  self:of_all_functions(function(fn) self:described(fn.params) end)
  local runtime = self.face.modules["timekit.runtime.reference"]
  self.face.classes.Runtime = { name = "Runtime", text = "How methods wait.", fields = {}, methods = runtime.functions }
  for _, name in ipairs(self.face.class_order) do
    if not self.defined[name] then self:class(self.face.classes[name]) end
  end
  self:runtime(self.face.classes.Runtime)
  local graph_fields = {}
  for _, name in ipairs(names.lists(self.face).GraphName) do
    graph_fields[#graph_fields + 1] = ("---@field %s timekit.Graph"):format(name)
  end
  graph_fields[#graph_fields + 1] = "---@field [string] timekit.Graph"
  self:module("timekit.graphs", "graphs", graph_fields)
  for _, name in ipairs(names.MODULES) do
    if name ~= "graphs" then self:module("timekit." .. name, variable_of(name)) end
  end
  self:main()
  self:line "return timekit"
end

-- Its functions are called without a colon, and the last one may be left out.
function Writer:runtime(class)
  self.defined.Runtime = true
  self:comment(class.text)
  self:line "---@class timekit.Runtime"
  for _, fn in ipairs(class.methods) do
    local params, returns = {}, {}
    for index, param in ipairs(fn.params) do
      params[index] = ("%s%s: %s"):format(param.name, param.optional and "?" or "", self:type(param.type))
    end
    for index, value in ipairs(fn.returns) do
      returns[index] = self:type(value.type) .. (value.optional and "|nil" or "")
    end
    self:line("---@field %s%s fun(%s)%s %s", fn.name, fn.name == "can_wait" and "?" or "", table.concat(params, ", "),
      #returns > 0 and ": " .. table.concat(returns, ", ") or "", one_line(fn.text))
  end
  self:line ""
end

-- Every type that something names must be there.
function Writer:complain()
  local missing = {}
  for _, name in ipairs(names.sorted_keys(self.found)) do
    if not self.defined[name] then missing[#missing + 1] = name end
  end
  if #missing > 0 then error("types that nothing defines: " .. table.concat(missing, ", "), 0) end
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local MODULE = [[
---@meta timekit.NAME
-- Made by `make types`. The class is in `timekit.lua`.

---@type timekit.NAME
local VARIABLE

return VARIABLE
]]

local function write_module(folder, name)
  local path = ("%s/%s.lua"):format(folder, (name:gsub("%.", "/")))
  assert(os.execute(("mkdir -p '%s'"):format(path:match "^(.*)/")))
  write_file(path, (MODULE:gsub("%u%u%u%u+", { NAME = name, VARIABLE = variable_of(name) })))
end

--- Writes the files.
-- @tparam table face as of `spec.project.face.read`
function write.write(face)
  local writer = setmetatable({
    face = face, lines = {}, found = {}, defined = {}, action_inputs = {},
  }, Writer)
  writer:all()
  writer:complain()
  local path = assert(os.getenv "INTO")
  write_file(path, table.concat(writer.lines, "\n") .. "\n")
  for _, name in ipairs(names.MODULES) do write_module(path:gsub("%.lua$", ""), name) end
end

return write
