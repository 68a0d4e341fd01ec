--- Markdown and types as HTML, with links to whatever they name.
local discount = require "discount"

local markup = {}

function markup.escape(text)
  return (text:gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- How comments call the objects that they speak of.
local OBJECTS = {
  booking = "Booking", handle = "Booking", tk = "Client", client = "Client", call = "Call", box = "Box",
}

local Markup = {}
Markup.__index = Markup

--- @tparam table targets name → address
--- @tparam function is_internal function(name): does the library have such a module, though no page?
function markup.new(targets, is_internal)
  return setmetatable({ targets = targets, is_internal = is_internal, broken = {} }, Markup)
end

local function name_in(code)
  local name, rest = code:match("^([%a_][%w_.:]*)(.*)$")
  if name and (rest == "" or rest:find("^[({]")) then return name end
end

--- Where a name leads; nil for one that is no name of the public face. A name that looks like one, and is none, is kept
-- in `broken`.
function Markup:target(name, place)
  local object, method = name:match("^(%l+):([%w_]+)$")
  local full = object and OBJECTS[object] and OBJECTS[object] .. ":" .. method or name
  local target = self.targets[full] or self.targets["timekit." .. full]
  if target then return target end
  local looks = full:find("^%u%l+:%l") or full:find("^timekit%.[%l_.]+$")
  if looks and not self.is_internal(full) then self.broken[#self.broken + 1] = place .. ": " .. name end
  return nil
end

local UNESCAPED = { ["&amp;"] = "&", ["&lt;"] = "<", ["&gt;"] = ">", ["&quot;"] = '"' }

function Markup:link_code(html, place)
  return (html:gsub("<code>([^<]*)</code>", function(code)
    local name = name_in((code:gsub("&%a+;", UNESCAPED)))
    local target = name and self:target(name, place)
    if target then return ('<a href="%s"><code>%s</code></a>'):format(target, code) end
  end))
end

-- Fenced blocks are put aside, since discount does not know them.
local function without_fences(text)
  local blocks = {}
  text = ("\n" .. text):gsub("\n```%a*\n(.-\n)```", function(code)
    blocks[#blocks + 1] = ("<pre><code>%s</code></pre>"):format(markup.escape(code))
    return ("\n\nFENCED%dBLOCK\n\n"):format(#blocks)
  end)
  return text, blocks
end

--- Markdown as HTML.
-- @tparam string text
-- @tparam string place for messages
function Markup:html(text, place)
  if not text or text == "" then return "" end
  local plain, blocks = without_fences(text)
  local html = discount(plain, "nopants")
  html = html:gsub("<p>FENCED(%d+)BLOCK</p>", function(index) return blocks[tonumber(index)] end)
  html = html:gsub("%(spec/api%.md ([%d]+)", '(<a href="api.html#%1">spec/api.md %1</a>')
  html = html:gsub("spec/api%.md(%f[^%w])", '<a href="api.html">spec/api.md</a>%1')
  html = html:gsub('<a href="api.html#(%d+)"><a href="api.html">spec/api.md</a>', '<a href="api.html#%1">spec/api.md')
  return self:link_code(html, place)
end

--- The same without the paragraph around it.
function Markup:inline(text, place)
  local html = self:html(text, place):gsub("%s+$", "")
  local only = html:match("^<p>(.*)</p>$")
  if only and not only:find("<p>", 1, true) then return only end
  return html
end

local BUILT_IN = {
  string = true, number = true, integer = true, boolean = true, table = true, ["function"] = true, any = true,
  ["nil"] = true, userdata = true, thread = true, fun = true, self = true,
}

--- A type, with links.
function Markup:type(type_, place)
  local html = markup.escape(type_):gsub("{([^{}]*),%.%.%.}", "list of %1")
  html = html:gsub("(&?)([%a_][%w_]*)(:?)", function(entity, word, colon)
    local target = self.targets[word]
    if entity ~= "" or colon ~= "" or BUILT_IN[word] or not word:find("^%u") and not target then return nil end
    if target then return ('<a href="%s">%s</a>'):format(target, word) end
    if not html:find('&quot;' .. word, 1, true) then self.broken[#self.broken + 1] = place .. ": type " .. word end
  end)
  return (html:gsub("|", " or "))
end

return markup
