--- The text of a body that was found in public sources (spec/api.md says where each is from).
-- @tparam string name of a file in spec/support/fixtures, without its extension
-- @treturn string
return function(name)
  local file = assert(io.open("spec/support/fixtures/" .. name .. ".json"))
  local text = file:read("*a")
  file:close()
  return text
end
