--- Writes the documentation of the public face: `make docs`. The environment's `ROOT` is the project's folder, and
-- `INTO` a file in that of the pages.
local commands = require "spec.project.docs.commands"
local links = require "spec.project.docs.links"
local markup = require "spec.project.docs.markup"
local page = require "spec.project.docs.page"
local shelves = require "spec.project.docs.shelves"
local sorted_keys = require "spec.support.sorted_keys"

local escape = markup.escape

local write = {}

local ROOT = assert(os.getenv "ROOT")

local function read(path)
  local file = assert(io.open(ROOT .. "/" .. path))
  local text = file:read("*a")
  file:close()
  return text
end

local function exists(path)
  local file = io.open(ROOT .. "/" .. path)
  if file then file:close() end
  return file ~= nil
end

-- A module, or a function of one, that has no page.
local function is_internal(name)
  local path = "lua/" .. name:gsub("%.", "/")
  local parent = path:gsub("/[%w_]+$", "")
  return exists(path .. ".lua") or exists(path .. "/init.lua") or exists(parent .. ".lua")
    or name:find("^timekit%.core%.") ~= nil or name == "timekit.core" or name == "timekit.lua"
end

-- The types that are lists of words, as the editors' file has them: alias → list.
local function aliases()
  local lists, current = {}, nil
  for line in (read "lua/timekit/library/timekit.lua"):gmatch("[^\n]+") do
    local alias, word = line:match("^%-%-%-@alias timekit%.(%w+)"), line:match('^%-%-%-| "(.*)"')
    if alias then current, lists[alias] = alias, {}
    elseif word then table.insert(lists[current], word) end
  end
  return lists
end

-- ---- what stands where ----

local Site = {}
Site.__index = Site

function Site:place(shelf)
  local file = shelf.name .. ".html"
  local function put(name, anchor) self.targets[name] = file .. (anchor and "#" .. anchor or "") end
  for _, name in ipairs(shelf.modules) do
    put(name)
    for _, fn in ipairs(self.face.modules[name].functions) do
      local full = name .. "." .. fn.name
      self.functions[full], fn.full = fn, full
      put(full, full)
      self:place_described(fn.params, file)
    end
    for _, field in ipairs(self.face.modules[name].fields) do
      local full = name .. "." .. field.name
      put(full, full)
    end
    if name == "timekit.runtime.reference" then self.targets.Runtime = file end
  end
  for _, name in ipairs(shelf.classes) do
    put(name)
    for _, method in ipairs(self.face.classes[name].methods) do
      local full = name .. ":" .. method.name
      self.functions[full], method.full = method, full
      put(full, full)
      self:place_described(method.params, file)
    end
  end
  if shelf.name == "booking" then
    for _, action in ipairs(self.lists.ActionName) do put("Booking:" .. action, "Booking:action") end
  end
  for _, name in ipairs(shelf.tables or {}) do put(name, name) end
  for _, name in ipairs(shelf.lists or {}) do put(name, name) end
end

function Site:place_described(values, file)
  for _, value in ipairs(values) do
    if value.fields then
      self.targets[value.type] = file .. "#" .. value.type
      self:place_described(value.fields, file)
    end
  end
end

-- The tables that no other page shows.
function Site:place_rest()
  for _, shelf in ipairs(shelves) do
    if shelf.rest then
      shelf.tables = shelf.tables or {}
      for _, name in ipairs(self.face.table_order) do
        if not self.targets[name] then
          table.insert(shelf.tables, name)
          self.targets[name] = shelf.name .. ".html#" .. name
        end
      end
    end
  end
end

-- The groups of a page, and what stands in none of them.
function Site:groups_of(shelf)
  local groups, grouped = {}, {}
  for _, group in ipairs(shelf.groups) do
    local made = { title = group[1] }
    for index = 2, #group do
      made[#made + 1] = assert(self.functions[group[index]], "shelves.lua: there is no " .. group[index])
      grouped[group[index]] = true
    end
    groups[#groups + 1] = made
  end
  local rest = { title = #groups > 0 and "More" or "Functions" }
  local function add(list)
    for _, fn in ipairs(list) do
      if not grouped[fn.full] then rest[#rest + 1] = fn end
    end
  end
  for _, name in ipairs(shelf.modules) do add(self.face.modules[name].functions) end
  for _, name in ipairs(shelf.classes) do add(self.face.classes[name].methods) end
  if #rest > 0 then groups[#groups + 1] = rest end
  return groups
end

-- ---- pages ----

function Site:save(file, title, body)
  local out = assert(io.open(self.folder .. "/" .. file, "w"))
  out:write(page.frame(title, self.navigation, body, file))
  out:close()
  self.files[#self.files + 1] = file
end

function Site:shelf_page(shelf)
  local parts = { ("<h1>%s</h1>"):format(escape(shelf.title)) }
  local function add(text) parts[#parts + 1] = text end
  local place = shelf.name .. ".html"
  for _, name in ipairs(shelf.modules) do
    local module = self.face.modules[name]
    if #shelf.modules > 1 then add(('<p class="module"><code>%s</code></p>'):format(name)) end
    add(self.markup:html(module.text, place))
    for _, usage in ipairs(module.usage) do add(page.example(usage)) end
    if #module.fields > 0 then add(page.fields(self.markup, module.fields, place, name)) end
  end
  for _, name in ipairs(shelf.classes) do
    local class = self.face.classes[name]
    add(self.markup:html(class.text:gsub("^A %l+%.%s*", ""), place))
    if #class.fields > 0 then add(page.fields(self.markup, class.fields, place)) end
  end
  for _, group in ipairs(self:groups_of(shelf)) do
    add(('<h2 id="%s">%s</h2>'):format(page.anchor(group.title), escape(group.title)))
    for _, fn in ipairs(group) do add(page.fn(self.markup, fn, place)) end
  end
  for _, name in ipairs(shelf.lists or {}) do add(page.list(name, self.lists[name])) end
  for _, name in ipairs(shelf.tables or {}) do add(page.table(self.markup, self.face.tables[name], place)) end
  self:save(place, shelf.title, table.concat(parts, "\n"))
end

function Site:text_page(file, title, text)
  local html = self.markup:html(text, file)
  html = html:gsub("<h(%d)>(.-)</h%d>", function(level, heading)
    local number = heading:match("^(%d+)%.")
    return ('<h%s id="%s">%s</h%s>'):format(level, number or page.anchor(heading:gsub("<.->", "")), heading, level)
  end)
  self:save(file, title, html)
end

-- What every page leads to: what users want to do, with the functions for it.
function Site:index_page()
  local parts = { self.markup:html(read("spec/project/docs/start.md"), "start.md") }
  for _, shelf in ipairs(shelves) do
    local file = shelf.name .. ".html"
    parts[#parts + 1] = ('<h2 id="%s"><a href="%s">%s</a></h2>'):format(shelf.name, file, escape(shelf.title))
    parts[#parts + 1] = '<dl class="index">'
    for _, group in ipairs(self:groups_of(shelf)) do
      local list = {}
      for index, fn in ipairs(group) do
        list[index] = ('<a href="%s#%s"><code>%s</code></a>'):format(file, fn.full, page.label(fn))
      end
      parts[#parts + 1] = ("<dt>%s</dt><dd>%s</dd>"):format(escape(group.title), table.concat(list, " "))
    end
    parts[#parts + 1] = "</dl>"
  end
  self:save("index.html", "timekit for Lua", table.concat(parts, "\n"))
end

function Site:examples_page()
  local parts = { "<h1>Examples</h1>", "<p>Each is a whole program, and the tests run it.</p>" }
  local pipe = assert(io.popen(("cd '%s' && find spec/examples -type f | sort"):format(ROOT)))
  for path in pipe:lines() do
    local name = path:gsub("^spec/examples/", "")
    parts[#parts + 1] = ('<h2 id="%s">%s</h2>'):format(name, escape(name))
    parts[#parts + 1] = page.example(read(path))
  end
  pipe:close()
  self:save("examples.html", "Examples", table.concat(parts, "\n"))
end

-- The names that the search finds: functions, tables, lists.
function Site:search()
  local lines = {}
  for _, name in ipairs(sorted_keys(self.targets)) do
    local fn = self.functions[name]
    local label = fn and page.label(fn) or name
    lines[#lines + 1] = ("[%q,%q,%q]"):format(label, self.targets[name], page.summary(fn and fn.text or ""))
  end
  local out = assert(io.open(self.folder .. "/names.js", "w"))
  out:write("const names = [\n", table.concat(lines, ",\n"), "\n];\n")
  out:close()
end

function Site:navigate()
  local parts = {}
  local function add(file, title) parts[#parts + 1] = { file = file, title = title } end
  add("index.html", "Start")
  add("conventions.html", "Conventions")
  for _, shelf in ipairs(shelves) do add(shelf.name .. ".html", shelf.title) end
  add("commands.html", "The program's commands")
  add("examples.html", "Examples")
  add("api.html", "Timekit's API")
  self.navigation = parts
end

--- Writes all pages, and ends with an error when a link leads nowhere.
-- @tparam table face as of `spec.project.face.read`
function write.write(face)
  local folder = assert(os.getenv "INTO"):gsub("/[^/]*$", "")
  local site = setmetatable({
    face = face, folder = folder, lists = aliases(),
    targets = {}, -- name → address
    functions = {}, -- full name → function
    files = {}, -- those that were written
  }, Site)
  for _, shelf in ipairs(shelves) do site:place(shelf) end
  site:place_rest()
  site.markup = markup.new(site.targets, is_internal)
  site:navigate()
  site:index_page()
  site:text_page("conventions.html", "Conventions", read("spec/project/docs/conventions.md"))
  for _, shelf in ipairs(shelves) do site:shelf_page(shelf) end
  site:save("commands.html", "The program's commands", commands.html(escape))
  site:examples_page()
  site:text_page("api.html", "Timekit's API", read("spec/api.md"))
  site:search()
  for _, name in ipairs { "style.css", "search.js" } do
    local out = assert(io.open(folder .. "/" .. name, "w"))
    out:write(read("spec/project/docs/" .. name))
    out:close()
  end
  local broken = links.broken(folder, site.files)
  for _, text in ipairs(site.markup.broken) do broken[#broken + 1] = text end
  if #broken > 0 then error("links that lead nowhere:\n" .. table.concat(broken, "\n"), 0) end
end

return write
