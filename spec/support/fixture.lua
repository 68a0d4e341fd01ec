--- The text of a body that was found in public sources (see the project's notes on the API).
-- @tparam string name of a file in spec/support/fixtures, without its extension
-- @treturn string
return function(name)
  local file = assert(io.open("spec/support/fixtures/" .. name .. ".json"))
  local text = file:read("*a")
  file:close()
  return text
end
