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

local function paragraph(text)
  add ".PP"
  for line in text:gmatch("[^\n]+") do add(escape((line:gsub("^%s+", "")))) end
end

-- `   --rate RATE   requests, …`, and lines that go on with it.
local function items(text)
  for line in text:gmatch("[^\n]+") do
    local name, rest = line:match("^   (%S.-)   *(.*)$")
    if not name then name, rest = line:match("^   (%S.*)$"), "" end
    if name and line:find("^   %S") then
      add ".TP"
      add(".B " .. escape(name))
      if rest ~= "" then add(escape(rest)) end
    else
      add(escape((line:gsub("^%s+", ""))))
    end
  end
end

local function shell(text)
  add ".PP"
  add ".nf"
  for line in text:gmatch("[^\n]+") do add(escape((line:gsub("^   ", "")))) end
  add ".fi"
end

-- One help: a usage, paragraphs, and lists under a heading.
local function body(text, heading)
  local blocks = {}
  for block in (text:gsub("%s+$", "") .. "\n\n"):gmatch("(.-)\n\n+") do blocks[#blocks + 1] = block end
  for _, block in ipairs(blocks) do
    local title, rest = block:match("^(%u%l+):\n(.*)$")
    if block:find("^Usage: ") then shell((block:gsub("^Usage: ", ""):gsub("\n%s+", "\n  ")))
    elseif not title then paragraph(block)
    elseif title:find("^Example") then
      heading(title)
      shell(rest)
    else
      heading(title)
      items(rest)
    end
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
