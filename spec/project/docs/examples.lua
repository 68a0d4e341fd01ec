--- Writes the examples of all functions and modules as a Lua table: `spec/project/usage_spec.lua` runs them.
local examples = {}

--- @tparam table face as of `spec.project.face.read`
function examples.write(face)
  local lines = { "return {" }
  local function add(name, usages)
    for _, usage in ipairs(usages) do lines[#lines + 1] = ("  { name = %q, code = %q },"):format(name, usage) end
    if #usages == 0 then lines[#lines + 1] = ("  { name = %q },"):format(name) end
  end
  for _, name in ipairs(face.module_order) do
    local module = face.modules[name]
    if #module.usage > 0 then add(name, module.usage) end
    for _, fn in ipairs(module.functions) do add(name .. "." .. fn.name, fn.usage) end
  end
  for _, name in ipairs(face.class_order) do
    for _, method in ipairs(face.classes[name].methods) do add(name .. ":" .. method.name, method.usage) end
  end
  local out = assert(io.open(assert(os.getenv "INTO"), "w"))
  out:write(table.concat(lines, "\n"), "\n}\n")
  out:close()
end

return examples
