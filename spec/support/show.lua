--- Writes a value as a text that tells everything that matters to JSON: is a number an integer or a float (where Lua
-- tells them apart), is a table a marked array, and what is null.
-- `[1 2.5f]` is a marked array, `(1 2)` a table with the same keys but without the mark, `{a:1}` an object.
-- @param core `timekit.core`
-- @param value any value
-- @treturn string
local function show(core, value)
  local kind = type(value)
  if value == core.null then return "null" end
  if kind == "string" then return ("%q"):format(value) end
  if kind == "number" then
    if value ~= value then return "NaN" end
    local whole = value == math.floor(value) and value >= -2 ^ 53 + 1 and value <= 2 ^ 53 - 1
    local is_float = not whole
    if math.type then is_float = math.type(value) == "float" end
    return (whole and "%.0f" or "%.17g"):format(value) .. (is_float and "f" or "")
  end
  if kind ~= "table" then return tostring(value) end
  local parts = {}
  if core.is_array(value) or #value > 0 then
    for i, element in ipairs(value) do parts[i] = show(core, element) end
    local text = table.concat(parts, " ")
    return core.is_array(value) and "[" .. text .. "]" or "(" .. text .. ")"
  end
  for key, member in pairs(value) do parts[#parts + 1] = tostring(key) .. ":" .. show(core, member) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

return show
