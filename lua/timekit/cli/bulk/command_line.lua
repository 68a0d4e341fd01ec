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

--- The command that was given, with an option more.
-- @tparam {string,...} arguments the program's
-- @tparam {string,...} more words to add, unless the first of them is there
-- @treturn string
function command_line.with(arguments, more)
  local words, has_it, ends = { "timekit" }, false, nil
  for index = 1, #arguments do
    local word = arguments[index]
    -- What follows are no options.
    if word == "--" and not ends then ends = #words + 1 end
    if word == more[1] and not ends then has_it = true end
    words[#words + 1] = command_line.quote(word)
  end
  if not has_it then
    for offset, word in ipairs(more) do table.insert(words, (ends or #words + 1) + (ends and offset - 1 or 0), word) end
  end
  return table.concat(words, " ")
end

return command_line
