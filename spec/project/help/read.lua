--- The help of the program `timekit`: that of the program, of its commands, and of theirs.
local help = {}

local function text_of(program, command)
  local pipe = assert(io.popen(("COLUMNS=100 '%s' %s --help"):format(program, command)))
  local text = pipe:read("*a")
  pipe:close()
  assert(text:find("^Usage: "), "no help for: " .. command)
  return text
end

local function commands_in(text)
  local list = {}
  local section = text:match("\nCommands:\n(.-)\n\n") or ""
  for name in ("\n" .. section):gmatch("\n   ([%l_]+)  ") do list[#list + 1] = name end
  return list
end

--- All of the help, in the order in which it names the commands.
-- @tparam string program the path of the program
-- @treturn {table,...} `{ command =, text = }`; the first one's command is empty
function help.read(program)
  local list = { { command = "", text = text_of(program, "") } }
  for _, name in ipairs(commands_in(list[1].text)) do
    local text = text_of(program, name)
    list[#list + 1] = { command = name, text = text }
    for _, inner in ipairs(commands_in(text)) do
      list[#list + 1] = { command = name .. " " .. inner, text = text_of(program, name .. " " .. inner) }
    end
  end
  return list
end

return help
