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

-- `   --rate RATE   requests, …`, and lines that go on with it.
local function items_of(text)
  local items = {}
  for line in text:gmatch("[^\n]+") do
    local name, rest = line:match("^   (%S.-)   *(.*)$")
    if not name then name, rest = line:match("^   (%S.*)$"), "" end
    if name then items[#items + 1] = { name = name, text = rest }
    else
      local last = items[#items]
      last.text = (last.text .. " " .. line:gsub("^%s+", "")):gsub("^%s+", "")
    end
  end
  return items
end

--- The parts of a help: the usage, paragraphs, lists under a title, and examples.
-- @tparam string text
-- @treturn {table,...} `{ kind = "usage"|"text"|"list"|"shell", title =, text =, items = { { name =, text = } } }`
function help.parts(text)
  local parts = {}
  for block in (text:gsub("%s+$", "") .. "\n\n"):gmatch("(.-)\n\n+") do
    local title, rest = block:match("^(%u%l+):\n(.*)$")
    if block:find("^Usage: ") then
      parts[#parts + 1] = { kind = "usage", text = (block:gsub("^Usage: ", ""):gsub("\n%s+", "\n  ")) }
    elseif not title then
      parts[#parts + 1] = { kind = "text", text = (block:gsub("\n%s*", "\n"):gsub("^%s+", "")) }
    elseif title:find("^Example") then
      parts[#parts + 1] = { kind = "shell", title = title, text = (("\n" .. rest):gsub("\n   ", "\n"):sub(2)) }
    else
      parts[#parts + 1] = { kind = "list", title = title, items = items_of(rest) }
    end
  end
  return parts
end

return help
