--- The parts of a page.
local markup = require "spec.project.docs.markup"

local escape = markup.escape

local page = {}

local FRAME = [[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s</title>
<link rel="stylesheet" href="style.css">
<script src="names.js" defer></script>
<script src="search.js" defer></script>
<header>
<a class="home" href="index.html">timekit for Lua</a>
<input id="search" type="search" placeholder="Find a name" aria-label="Find a name" autocomplete="off">
<ol id="found" hidden></ol>
</header>
<div class="columns">
<nav><details><summary>Contents</summary><ul>
%s
</ul></details></nav>
<main>
%s
</main>
</div>
</html>
]]

--- A whole page.
function page.frame(title, navigation, body, file)
  local items = {}
  for index, entry in ipairs(navigation) do
    local current = entry.file == file and ' aria-current="page"' or ""
    items[index] = ('<li><a href="%s"%s>%s</a></li>'):format(entry.file, current, escape(entry.title))
  end
  return (FRAME:gsub("%%s", function() return "\0" end):gsub("%z", escape(title):gsub("%%", "%%%%"), 1)
    :gsub("%z", function() return table.concat(items, "\n") end, 1):gsub("%z", function() return body end, 1))
end

function page.anchor(title)
  return (title:lower():gsub("[^%w]+", "-"):gsub("^%-", ""):gsub("%-$", ""))
end

--- The first sentence of a text, without markup.
function page.summary(text)
  local first = text:gsub("\n", " "):match("^(.-[.:])%f[%s%z]") or text
  return (first:gsub("`", ""))
end

--- What a function is called in lists.
function page.label(fn)
  return fn.class and fn.class:lower() .. ":" .. fn.name or fn.full or fn.name
end

function page.example(code)
  return ("<pre><code>%s</code></pre>"):format(escape((code:gsub("^%s*\n", ""):gsub("%s+$", ""))))
end

local function term(marks, value, place)
  local name = value.is_index and "[" .. value.name .. "]" or value.name
  local type_ = marks:type(value.type, place)
  local note = value.default and ", default " .. escape(value.default) or value.optional and ", optional" or ""
  return ('<dt><code>%s</code> <span class="type">%s%s</span></dt>'):format(escape(name), type_, note)
end

--- Parameters, or the fields of a table.
function page.values(marks, values, place)
  local parts = { "<dl>" }
  for _, value in ipairs(values) do
    parts[#parts + 1] = term(marks, value, place)
    local text = marks:inline(value.text, place)
    if value.base then text = text .. " The fields below, and those of " .. marks:type(value.base, place) .. "." end
    local inner = value.fields and ('<div id="%s">%s</div>'):format(value.type, page.values(marks, value.fields, place))
    parts[#parts + 1] = ("<dd>%s%s</dd>"):format(text, inner or "")
  end
  parts[#parts + 1] = "</dl>"
  return table.concat(parts, "\n")
end

--- The plain fields of a class or a module.
function page.fields(marks, fields, place, module)
  local parts = { "<dl>" }
  for _, field in ipairs(fields) do
    local full = module and module .. "." .. field.name
    parts[#parts + 1] = module and ('<dt id="%s"><code>%s</code></dt>'):format(full, full) or term(marks, field, place)
    parts[#parts + 1] = ("<dd>%s</dd>"):format(marks:inline(field.text, place))
  end
  return table.concat(parts, "\n") .. "</dl>"
end

local function signature(fn)
  local list = {}
  for index, param in ipairs(fn.params) do
    list[index] = param.optional and "<i>" .. param.name .. "</i>" or param.name
  end
  return ("%s(%s)"):format(escape(page.label(fn)), table.concat(list, ", "))
end

--- A function: what it does, what it takes, what it returns, an example.
function page.fn(marks, fn, place)
  local parts = {
    ('<section id="%s"><h3><a href="#%s"><code>%s</code></a></h3>'):format(fn.full, fn.full, signature(fn)),
    marks:html(fn.text, place),
  }
  if #fn.params > 0 then parts[#parts + 1] = "<h4>Takes</h4>" .. page.values(marks, fn.params, place) end
  if #fn.returns > 0 then
    parts[#parts + 1] = "<h4>Returns</h4><ol>"
    for _, value in ipairs(fn.returns) do
      local type_ = marks:type(value.type, place) .. (value.optional and " or nil" or "")
      parts[#parts + 1] = ('<li><span class="type">%s</span> %s</li>'):format(type_, marks:inline(value.text, place))
    end
    parts[#parts + 1] = "</ol>"
  end
  for _, usage in ipairs(fn.usage) do parts[#parts + 1] = page.example(usage) end
  parts[#parts + 1] = "</section>"
  return table.concat(parts, "\n")
end

--- A table that methods take or return.
function page.table(marks, described, place)
  return ('<section id="%s"><h3><a href="#%s"><code>%s</code></a></h3>\n%s\n%s</section>'):format(described.name,
    described.name, described.name, marks:html(described.text, place), page.values(marks, described.fields, place))
end

--- A type that is a list of words.
function page.list(name, words)
  local list = {}
  for index, word in ipairs(words) do list[index] = "<code>" .. escape(word) .. "</code>" end
  return ('<section id="%s"><h3><a href="#%s"><code>%s</code></a></h3><p>One of %s</p></section>'):format(
    name, name, name, table.concat(list, ", "))
end

return page
