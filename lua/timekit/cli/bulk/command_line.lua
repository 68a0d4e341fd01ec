--- The command that goes on with a run, for people to copy. Pure: no I/O.
-- @module timekit.cli.bulk.command_line

local command_line = {}

--- A word as a shell takes it for itself.
-- @tparam string word
-- @treturn string
-- @usage command_line.quote "it's"   --> 'it'\''s'
function command_line.quote(word)
  if word:find "^[%w_@%%+=:,./-]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Is an option among the arguments, with the same value if it takes one? What follows `--` are no options.
local function is_given(arguments, option)
  local name, value = option[1], option[2]
  for index, word in ipairs(arguments) do
    if word == "--" then return false end
    if word == name and (not value or arguments[index + 1] == value) then return true end
    if value and word == name .. "=" .. value then return true end
  end
  return false
end

--- The command that was given, with options more.
-- @tparam {string,...} arguments the program's
-- @tparam {{string,...},...} options to add unless they are there, each a name and, if it takes one, a value
-- @treturn string
-- @usage command_line.with({ "bulk", "rows.csv" }, { { "--retry", "failed" } })
--   --> "timekit bulk rows.csv --retry failed"
function command_line.with(arguments, options)
  local words, more = { "timekit" }, {}
  for _, option in ipairs(options) do
    if not is_given(arguments, option) then more[#more + 1] = table.concat(option, " ") end
  end
  for _, word in ipairs(arguments) do
    if word == "--" and more then
      for _, option in ipairs(more) do words[#words + 1] = option end
      more = nil
    end
    words[#words + 1] = command_line.quote(word)
  end
  for _, option in ipairs(more or {}) do words[#words + 1] = option end
  return table.concat(words, " ")
end

return command_line
