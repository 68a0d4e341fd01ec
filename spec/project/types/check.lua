--- Compares the editor types with the live module: names of functions and methods, and the fields of every table that
-- has a fixed set of them. `make lint` runs this with the folder's name; it prints what is wrong and ends with 1.
local messages = require "timekit.text.messages"
local timekit = require "timekit"

local folder = assert(arg[1], "expected the folder of the types")
local path = folder .. "/timekit.lua"
local problems = 0

local function complain(...)
  problems = problems + 1
  print(path .. ": " .. string.format(...))
end

-- Of each class its fields, its functions, and the type of each function's parameters.
local function parse()
  local classes, class, params = {}, nil, {}
  local owners = {} -- the variable that stands for a class → the class
  for line in io.lines(path) do
    local name, base = line:match("^%-%-%-@class timekit%.?([%w_.]*)"), line:match(": timekit%.(%w+)$")
    local field = line:match('^%-%-%-@field %[?"?([%w_]+)')
    local param, type_ = line:match("^%-%-%-@param ([%w_.]+)%?? (%S+)")
    local variable, fn = line:match("^function (%a+)[.:]([%w_]+)%(")
    if name then
      class = { fields = {}, functions = {}, base = base }
      classes[name] = class
    elseif line:find("^%-%-%-@field %[string%] any") then class.is_open = true
    elseif field then class.fields[field] = true
    elseif line:find("^local %a+ = {}$") then owners[line:match("^local (%a+)")] = class
    elseif param then params[#params + 1] = type_
    elseif fn then
      local functions = owners[variable].functions
      functions[fn] = { params = params }
      params = {}
    end
  end
  return classes
end

local classes = parse()

local function fields_of(name)
  local fields, class = {}, classes[name]
  while class do
    for field in pairs(class.fields) do fields[field] = true end
    class = class.base and classes[class.base]
  end
  return fields
end

local function compare(what, written, live)
  for name in pairs(live) do
    if not written[name] then complain("%s: %s is missing", what, name) end
  end
  for name in pairs(written) do
    if not live[name] then complain("%s: there is no %s", what, name) end
  end
end

-- ---- names ----

-- Methods whose modules a script loads when it uses them.
for _, name in ipairs { "link", "webhook" } do assert(timekit[name]) end

local box = timekit.sandbox.new { now = 1893456000 }
local tk = timekit.new { transport = box, app_key = "test_api_key_1" }
local created = assert(tk:create_booking {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
})
local handle = tk:booking(created.id)

-- Methods that the library's own rooms call.
local INTERNAL = { Call = { pass = true, wake = true }, error = {
  new = true, unsent = true, answered = true,
}, link = { make = true }, graph = { known = true } }

local function public_functions(name, container)
  for fn in pairs(classes[name] and classes[name].functions or {}) do local _ = container[fn] end
  local found = {}
  for key, value in pairs(container) do
    local is_internal = INTERNAL[name] and INTERNAL[name][key]
    if type(key) == "string" and not key:find("^__") and type(value) == "function" and not is_internal then
      found[key] = true
    end
  end
  return found
end

local function functions_of(name)
  local found = {}
  for fn in pairs(classes[name].functions) do found[fn] = true end
  return found
end

local function methods_of(object)
  local index = getmetatable(object).__index
  return type(index) == "table" and index or getmetatable(object)
end

local call = tk:start(function() return tk:booking(created.id):get() end)
for name, object in pairs { Client = tk, Graph = timekit.graphs.instant, Box = box, Call = call } do
  compare(name, functions_of(name), public_functions(name, methods_of(object)))
end
while tk:update(0.1) > 0 do end

-- Every action is a method as well.
local methods = public_functions("Booking", methods_of(handle))
for _, graph in pairs(timekit.graphs) do
  for _, action in ipairs(graph.actions) do methods[action.name] = true end
end
compare("Booking", functions_of("Booking"), methods)

local modules = {} -- those that have a file of their own
for file in io.popen(("find '%s/timekit' -name '*.lua'"):format(folder)):lines() do
  local name = file:sub(#folder + #"/timekit/" + 1):gsub("%.lua$", ""):gsub("/", ".")
  local first = io.lines(file)()
  modules[name] = true
  if first ~= "---@meta timekit." .. name then complain("%s begins with %s", file, first) end
  if not classes[name] then complain("%s: there is no class timekit.%s", file, name)
  elseif name ~= "graphs" then
    compare(name, functions_of(name), public_functions(name, require("timekit." .. name)))
  end
end
for name in pairs(classes) do
  if name:find "^%l" and not modules[name] then complain("timekit.%s is a module without a file", name) end
end

-- Whatever users are shown to require has types, but for these of the library's own rooms: the time in examples of the
-- sandbox's clock; the core's clock, in an example of a runtime, and its JSON.
local OWN = { core = true, ["text.time"] = true, ["rules.period"] = true }
local shown = "find README.md lua/timekit spec/examples -name '*.lua' -o -name '*.md' -o -name '*.conf'"
for file in io.popen(shown):lines() do
  local is_ours = file:find "^lua/"
  for line in io.lines(file) do
    for name in line:gmatch "require%s*%(?%s*[\"']timekit%.([%w_.]+)[\"']" do
      if not modules[name] and not OWN[name] and (not is_ours or line:find "^%s*%-%-") then
        complain("%s: users are shown to require timekit.%s, which has no file", file, name)
      end
    end
  end
end
compare("graphs", functions_of("graphs"), public_functions("graphs", getmetatable(timekit.graphs).__index))
local top = functions_of ""
for name in pairs(fields_of "") do top[name] = true end
compare("timekit", top, timekit)

-- ---- kinds of errors ----

-- The types have the kinds from the comments; the library makes errors of these.
local function words_of(alias)
  local words, inside = {}, false
  for line in io.lines(path) do
    if line:find("^%-%-%-@alias") then inside = line == "---@alias timekit." .. alias end
    if inside and line:find('^%-%-%-| "') then words[line:match '"(.*)"'] = true end
  end
  return words
end

local made, texts = {}, {}
local find = "find lua -name '*.lua' -not -path '*/cli/*' -not -path '*/sandbox/*' -not -path '*/library/*'"
for file in io.popen(find):lines() do
  for line in io.lines(file) do
    for kind in line:gmatch('%f[%w_]kind = "([%l_]+)"') do made[kind] = true end
    texts[#texts + 1] = line:match("^%s*%-%-") and "" or line
  end
end
local code = table.concat(texts, "\n")
local documented = words_of "ErrorKind"
for kind in pairs(made) do
  if not documented[kind] then complain("ErrorKind: %s is missing", kind) end
end
for kind in pairs(documented) do
  if not code:find('"' .. kind .. '"', 1, true) then complain("ErrorKind: nothing makes %s", kind) end
end

-- ---- tables with a fixed set of fields ----

-- An unknown name in such a table makes the library look for the nearest known one: it then has the names that it takes
-- in its hand. This is the name that none has.
local STRANGE = "no_such_field_anywhere"

local function known_by(fn, ...)
  local hint, known = messages.hint, nil
  messages.hint = function(name, names)
    if tostring(name):find(STRANGE, 1, true) then known = names end
    return hint(name, names)
  end
  pcall(fn, ...)
  messages.hint = hint
  return known
end

local SAMPLES = {
  string = created.id, method = "GET", action = "confirm", state = "confirmed", id = created.id, path = "/bookings",
  table = { graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" },
}

local function sample(type_)
  if type_:find("ActionName", 1, true) then return "confirm" end
  if type_:find("State", 1, true) then return "confirmed" end
  if type_:find('"GET"', 1, true) then return "GET" end
  if type_:find("[]", 1, true) then return {} end
  if type_:find("Move", 1, true) then return { start = SAMPLES.table.start, ["end"] = SAMPLES.table["end"] } end
  if type_ == "string" or type_:find("^string|") then return created.id end
  return SAMPLES.table
end

-- Tables of which the library takes any field, or which only transports take: nobody checks their names.
local OPEN = { Move = true, SandboxRequest = true, ConnectOptions = true, TransportRequest = true, Times = true }
for name, class in pairs(classes) do
  if class.is_open then OPEN[name] = true end
end

local checked = {}

local function check_function(label, fn, first, entry)
  for index, type_ in ipairs(entry.params) do
    local name = type_:match("^timekit%.(%u%w*)$") or type_:match("^timekit%.(Definition)|")
    if name and classes[name] and next(classes[name].functions) == nil and not OPEN[name] then
      local arguments = {}
      for at, other in ipairs(entry.params) do arguments[at] = at == index and { [STRANGE] = true } or sample(other) end
      local known
      if first then known = known_by(fn, first, unpack(arguments, 1, index))
      else known = known_by(fn, unpack(arguments, 1, index)) end
      if not known then complain("%s: does not tell which fields %s has", label, name)
      else
        checked[name] = true
        compare(("%s of %s"):format(name, label), fields_of(name), known)
      end
    end
  end
end

unpack = table.unpack or unpack -- luacheck: ignore

-- A queue needs connections, which a sandbox in the process has not.
local queue = timekit.new({ app_key = "x" }):queue { redis = "unix:///nonexistent" }
local objects = { Client = tk, Booking = handle, Box = box, Graph = timekit.graphs.instant, Queue = queue }
for class, object in pairs(objects) do
  for name, entry in pairs(classes[class].functions) do
    check_function(class .. ":" .. name, function(...) return object[name](...) end, object, entry)
  end
end
for _, name in ipairs { "", "graph", "graphs", "webhook", "sandbox", "sandbox.server" } do
  local module = require("timekit" .. (name ~= "" and "." or "") .. name)
  for fn, entry in pairs(classes[name].functions) do check_function(name .. "." .. fn, module[fn], nil, entry) end
end

-- Tables within tables.
local function inside(class, field, fn, ...)
  local known = known_by(fn, ...)
  if known then checked[class] = true compare(class, fields_of(class), known)
  else complain("%s: `%s` does not tell which fields it has", class, field) end
end

inside("Rate", "rate", timekit.new, { transport = box, rate = { [STRANGE] = true } })
inside("RateLimit", "rate_limit", timekit.sandbox.new, { rate_limit = { [STRANGE] = true } })
local function define(extra)
  local definition = { name = "x", initial = "a", first = "go", states = { a = {}, b = { final = true } },
    actions = { { name = "go", from = "a", to = "b" } } }
  extra(definition)
  return definition
end
inside("StateDefinition", "states", require("timekit.graph").define, define(function(d)
  d.states.b[STRANGE] = true
end))
inside("ActionDefinition", "actions", require("timekit.graph").define, define(function(d)
  d.actions[1][STRANGE] = true
end))
inside("ValueDefinition", "inputs", require("timekit.graph").define, define(function(d)
  d.actions[1].inputs = { note = { [STRANGE] = true } }
end))
inside("AutoplayDefinition", "autoplay", require("timekit.graph").define, define(function(d)
  d.actions[1].autoplay = { after = 1, from = "created", [STRANGE] = true }
end))

-- What is checked is known by its name, so a class that escapes the checks is told.
local MUST = { Definition = true, Fault = true, SandboxWebhook = true }
for name in pairs(classes) do
  if (name:find("Options$") or MUST[name]) and not OPEN[name] and name ~= "SearchOptions" and not checked[name] then
    complain("%s: no function that takes it was found", name)
  end
end

tk:close()
os.exit(problems == 0)
