--- Prints the manual page of the program, made from its help. Arguments: the program, the date (YYYY-MM-DD).
local help = require "spec.project.help.read"

local program, date = assert(arg[1], "expected the path of the program"), arg[2] or "2026-11-30"
local lines = {}

local function add(text) lines[#lines + 1] = text end

local function escape(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("…", "...")
  if text:find("^['.]") then text = "\\&" .. text end
  return text
end

local function add_lines(text)
  for line in text:gmatch("[^\n]+") do add(escape(line)) end
end

local write = {}

function write.text(part)
  add ".PP"
  add_lines(part.text)
end

function write.shell(part)
  add ".PP"
  add ".nf"
  add_lines(part.text)
  add ".fi"
end

write.usage = write.shell

function write.list(part)
  for _, item in ipairs(part.items) do
    add ".TP"
    add(".B " .. escape(item.name))
    if item.text ~= "" then add(escape(item.text)) end
  end
end

-- One help, its lists and examples under a heading.
local function body(text, heading)
  for _, part in ipairs(help.parts(text)) do
    if part.title then heading(part.title) end
    write[part.kind](part)
  end
end

local all = help.read(program)
add((".TH TIMEKIT 1 \"%s\" \"timekit\" \"User Commands\""):format(date))
add ".SH NAME"
add "timekit \\- performs actions on Timekit bookings"
add ".SH SYNOPSIS"
add ".B timekit"
add "[options] command ..."
add ".SH DESCRIPTION"
body(all[1].text, function(title) add(".SH " .. title:upper()) end)
for index = 2, #all do
  add((".SH \"TIMEKIT %s\""):format(escape(all[index].command:upper())))
  body(all[index].text, function(title)
    add ".PP"
    add(".I " .. title)
  end)
end
print(table.concat(lines, "\n"))
