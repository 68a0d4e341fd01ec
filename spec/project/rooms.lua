--- Who may require whom: `make lint` runs this from the project's folder. It prints what is wrong and ends with 1.
-- Requires inside functions count as well. A circle of modules is an error, even where the table would allow it.

-- A module below a folder is in the room of that name. The sandbox's folders are rooms of their own.
local ROOMS = {
  face = "init client booking default link loading reference webhook queue", options = "options", error = "error",
  graphs = "graph graphs", sandbox = "sandbox",
}

-- Each room with the rooms that it may require. A name with a dot, or of a single file of another room, is a module:
-- these are the exceptions, and each must be needed. `core`, the C module, is open to all.
local MAY_REQUIRE = {
  -- The program uses what every user has.
  -- What it says about the lines of a file is worded as the module words it.
  -- A delivery is stored whatever bytes it has.
  cli = "face graphs sandbox sandbox.served.listener sandbox.served.webhook_sender text.messages signing.base64",
  face = "methods call http rules graphs options error text signing runtime transport redis sandbox",
  -- An item of a batch may be a handle. `connect` loads what is not loaded yet.
  methods = "call http rules graphs options error text signing runtime booking loading",
  options = "http runtime text redis",
  call = "http rules graphs error text transport runtime signing redis loading",
  http = "rules graphs text signing error",
  transport = "error text",
  runtime = "error text",
  redis = "http error text",
  rules = "graphs text",
  -- A graph is made from a definition, which is checked before there is a graph; and a graph's methods, which users
  -- call, check a new booking and draw the graph.
  graphs = "text rules.definition rules.creation rules.picture",
  error = "text",
  signing = "text",
  text = "",
  library = "",
  sandbox = "sandbox.routes sandbox.model sandbox.served sandbox.timestamps graphs text http link",
  -- The console, in sandbox/console, is no Lua: sandbox.served hands its files out, and draws the graphs for it.
  ["sandbox.served"] = "sandbox.routes sandbox.model graphs text http",
  ["sandbox.routes"] = "sandbox.model sandbox.timestamps graphs text http signing",
  ["sandbox.model"] = "sandbox.timestamps graphs text http signing",
  ["sandbox.timestamps"] = "text",
}

local problems = 0

local function complain(...)
  problems = problems + 1
  print(string.format(...))
end

--- The text of a Lua file with its comments blanked, so that lines keep their numbers.
local function code_of(path)
  local file = assert(io.open(path))
  local text, parts, at = file:read("a"), {}, 1
  file:close()
  while true do
    local from = text:find("[%-%[\"']", at)
    if not from then break end
    local last
    local comment, quote = text:sub(from, from + 1) == "--", text:match("^[\"']", from)
    local _, opened, level = text:find("^%[(=*)%[", comment and from + 2 or from)
    if opened then
      _, last = text:find("]" .. level .. "]", opened, true)
    elseif comment then
      last = (text:find("\n", from, true) or #text + 1) - 1
    elseif quote then
      last = from
      repeat
        last = text:find("[\\" .. quote .. "]", last + 1)
        local escaped = text:sub(last, last) == "\\"
        if escaped then last = last + 1 end
      until not escaped
    else
      last = from
    end
    parts[#parts + 1] = text:sub(at, from - 1)
    parts[#parts + 1] = comment and text:sub(from, last):gsub("[^\n]", " ") or text:sub(from, last)
    at = last + 1
  end
  return table.concat(parts) .. text:sub(at)
end

--- The modules by their names without `timekit.`: each with its file.
local function read_tree()
  local modules = {}
  local pipe = assert(io.popen("find lua/timekit -name '*.lua' | sort"))
  for path in pipe:lines() do
    local name = path:match("^lua/timekit/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
    modules[name] = path
  end
  pipe:close()
  return modules
end

local room_at_top = {}
for room, names in pairs(ROOMS) do
  for name in names:gmatch("%S+") do room_at_top[name] = room end
end

local function room_of(name)
  local folder = name:match("^sandbox%.%a+%f[.]") or name:match("^%a+%f[.]")
  return room_at_top[name] or folder or MAY_REQUIRE[name] and name
end

--- What a module requires: a list of `{ name, line }`. A name that is put together stands for all that it may become.
local function requires_of(path, modules)
  local found, code = {}, code_of(path):gsub("%f[%w_]loading%.late%f[^%w_]", "     require")
  for at, name, after in code:gmatch("()%f[%w_]require%s*%(?%s*[\"']timekit%.?([%w_%.]*)[\"']%s*(%.?%.?)") do
    local line = select(2, code:sub(1, at):gsub("\n", "")) + 1
    name = name == "" and "init" or name
    if after == ".." then
      for module in pairs(modules) do
        if module:sub(1, #name) == name then found[#found + 1] = { module, line } end
      end
    elseif name ~= "core" then
      found[#found + 1] = { name, line }
    end
  end
  return found
end

local modules, requires = read_tree(), {}
local names = {}
for name, path in pairs(modules) do
  names[#names + 1] = name
  requires[name] = requires_of(path, modules)
end
table.sort(names)

local used = {}
for _, name in ipairs(names) do
  local room = room_of(name)
  local allowed = {}
  for other in (MAY_REQUIRE[room] or ""):gmatch("%S+") do allowed[other] = true end
  if not MAY_REQUIRE[room] then complain("%s: it is in no room of spec/project/rooms.lua", modules[name]) end
  for _, require_ in ipairs(requires[name]) do
    local other, line = require_[1], require_[2]
    local other_room = room_of(other)
    if not modules[other] then
      complain("%s:%d: there is no module timekit.%s", modules[name], line, other)
    elseif other_room ~= room and not allowed[other_room] then
      if allowed[other] then used[room .. " " .. other] = true
      else complain("%s:%d: %s may not require timekit.%s", modules[name], line, room, other)
      end
    end
  end
end

-- Between rooms there is no circle but for the exceptions, which must still be exceptions.
local function is_exception(room, entry)
  return not MAY_REQUIRE[entry] and room_of(entry) ~= room
end

local function entries(room)
  local list = {}
  for entry in MAY_REQUIRE[room]:gmatch("%S+") do list[#list + 1] = entry end
  return list
end

local arrows = {}
for room in pairs(MAY_REQUIRE) do
  arrows[room] = {}
  for _, entry in ipairs(entries(room)) do
    if MAY_REQUIRE[entry] then table.insert(arrows[room], entry)
    elseif is_exception(room, entry) and not used[room .. " " .. entry] then
      complain("spec/project/rooms.lua: %s no longer requires %s: take it out of the table", room, entry)
    end
  end
end

--- Finds circles depth first, and tells each once.
-- @tparam table graph name → list of names
-- @tparam string what they are
local function find_circles(graph, what)
  local visited, path = {}, {}
  local function visit(name)
    visited[name] = "open"
    path[#path + 1] = name
    for _, other in ipairs(graph[name]) do
      if visited[other] == "open" then
        local first = #path
        while path[first] ~= other do first = first - 1 end
        complain("a circle of %s: %s, %s", what, table.concat(path, ", ", first), other)
      elseif graph[other] and not visited[other] then
        visit(other)
      end
    end
    path[#path] = nil
    visited[name] = "closed"
  end
  local order = {}
  for name in pairs(graph) do order[#order + 1] = name end
  table.sort(order)
  for _, name in ipairs(order) do
    if not visited[name] then visit(name) end
  end
end

find_circles(arrows, "rooms")
local graph = {}
for name, list in pairs(requires) do
  graph[name] = {}
  for index, require_ in ipairs(list) do graph[name][index] = require_[1] end
end
find_circles(graph, "modules")

os.exit(problems == 0)
