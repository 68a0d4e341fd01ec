-- The README is true: its programs print what it says, its table is that of the graphs, and its links lead somewhere.
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local readme = read("README.md")

-- The ```lua blocks in order, each with the ```prints block that follows it, if any.
local function examples()
  local list = {}
  for language, text in readme:gmatch("\n```(%a+)\n(.-\n)```") do
    if language == "lua" then list[#list + 1] = { program = text } end
    if language == "prints" then list[#list].prints = text end
  end
  return list
end

local KEY = "test_api_key_readme"

describe("README.md", function()
  local sandbox, base_url, tk

  setup(function()
    sandbox = process.start(
      ("env PORT=0 KEY=%s UNTIL_EOF=1 %s -e 'require(\"timekit.sandbox.server\").main()'"):format(
        KEY, this_lua.command))
    base_url = assert(sandbox.line:match("http://%S+"))
    tk = timekit.new { app_key = KEY, base_url = base_url }
  end)

  teardown(function()
    tk:close()
    sandbox:close()
  end)

  local function run(program)
    local booking = assert(tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
      customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
    })
    local path = os.tmpname()
    local script = assert(io.open(path, "w"))
    script:write(("local id = %q; "):format(booking.id), program)
    script:close()
    local _, output = shell.run(
      ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s %s %s"):format(KEY, base_url, this_lua.command, path))
    os.remove(path)
    return output
  end

  for index, example in ipairs(examples()) do
    it(("says what its program %d prints"):format(index), function()
      assert.equal(example.prints, run(example.program))
    end)
  end

  it("has programs, each with what it prints", function()
    local list = examples()
    assert.is_true(#list >= 5)
    for _, example in ipairs(list) do assert.is_string(example.prints, example.program) end
  end)

  local function section(name)
    return readme:match("\n## " .. name .. "\n(.-)\n## ")
  end

  -- `confirm` → confirmed, `decline` → declined
  local function possible_in(graph, state)
    local parts = {}
    for _, action in ipairs(graph:actions_in(state)) do
      local mark = ""
      for _, autoplay in ipairs(graph:autoplays(state)) do
        if autoplay.action == action then mark = " ⏱" end
      end
      parts[#parts + 1] = ("`%s` → %s%s"):format(action, graph:next_state(state, action), mark)
    end
    return table.concat(parts, ", ")
  end

  -- A graph's row: its states in the order in which its actions name them. nil for a graph without actions.
  local function row_of(graph)
    local parts, seen = {}, {}
    for _, action in ipairs(graph.actions) do
      for _, state in ipairs(action.from) do
        if not seen[state] then
          seen[state] = true
          parts[#parts + 1] = ("*%s*: %s"):format(state, possible_in(graph, state))
        end
      end
    end
    return parts[1] and ("| `%s` | %s |"):format(graph.name, table.concat(parts, "<br>"))
  end

  it("shows the graphs as they are", function()
    local shown = {}
    for row in section("Actions"):gmatch("\n(| `[%w_]+` | %*[^\n]+)") do shown[row] = true end
    for _, graph in pairs(timekit.graphs) do
      local row = row_of(graph)
      if row then assert.is_true(shown[row], "the README lacks: " .. row) shown[row] = nil end
    end
    assert.is_nil(next(shown))
  end)

  it("leads to files and headings that are there", function()
    local headings, count = {}, 0
    for heading in readme:gmatch("\n## ([^\n]+)") do headings["#" .. heading:lower():gsub(" ", "-")] = true end
    for target in readme:gmatch("%]%(([^)]+)%)") do
      if target:sub(1, 1) == "#" then
        assert.is_true(headings[target], target)
      elseif not target:find("^https://") then
        assert(io.open(target)):close()
      end
      count = count + 1
    end
    assert.is_true(count > 30)
  end)

  it("names files that are there where it tells how the library is made", function()
    local inside = readme:match("\n## Inside\n(.*)")
    for path in inside:gmatch("`([%w_/]+%.lua)`") do
      local place = (path:find("^spec/") or path:find("^csrc/")) and path or "lua/timekit/" .. path
      if not path:find("NAME", 1, true) then read(place) end
    end
    -- Names of functions and tables stand before the link to their file.
    for row in inside:gmatch("\n| ([^\n]+) |") do
      for before, target in row:gmatch("([^%[%]]*)%[[^%]]+%]%(([^)]+%.%l+)%)") do
        local text = read(target)
        for name in before:gmatch("`([%w_.]+)`") do
          assert.truthy(text:find(name, 1, true), ("%s: %s"):format(target, name))
        end
      end
    end
  end)

  it("is short enough to be read", function()
    local count = 0
    for line in readme:gmatch("([^\n]*)\n") do
      count = count + 1
      -- A character beyond ASCII has several bytes, of which only the first is none of these.
      local length = #line:gsub("[\128-\191]", "")
      assert.is_true(length <= 120 or line:find("^|") ~= nil or line:find("^sudo apt%-get") ~= nil, line)
    end
    assert.is_true(count <= 520, count)
  end)

  it("names every option of a client and of an action, and every variable of the environment", function()
    local of_client = read("lua/timekit/init.lua"):match("%-%-%- Makes a client%.(.-)\nfunction")
    local of_action = read("lua/timekit/booking.lua"):match("%-%-%- Performs an action(.-)\nfunction")
    local count = 0
    for where, documentation in pairs { Options = of_client, Actions = of_action } do
      for name in documentation:gmatch("@tparam %S+ opts%.([%w_]+) ") do
        assert.truthy(section(where):find("`" .. name .. "`", 1, true), name)
        count = count + 1
      end
    end
    assert.is_true(count > 30)
    for name in read("lua/timekit/options.lua"):gmatch("TIMEKIT_[%u_]+") do
      assert.truthy(section("Options"):find("`" .. name .. "`", 1, true), name)
      assert.truthy(section("Troubleshooting"):find("`" .. name .. "`", 1, true), name)
    end
  end)

  it("names every target of make", function()
    local help = shell.must "env -u MAKEFLAGS make -s help"
    for target in readme:gmatch("[`\n]make (%l+)") do
      if target ~= "help" then assert.truthy(help:find(target, 1, true), target) end
    end
  end)
end)

describe("make run's program", function()
  it("shows the main job and leaves nothing running", function()
    local output = shell.must(this_lua.command .. " spec/examples/demo.lua")
    assert.truthy(output:find('state = "declined", completed = true', 1, true))
    assert.truthy(output:find('kind = "transition", sent = "yes", state = "confirmed", already = false', 1, true))
    assert.truthy(output:find('kind = "input", sent = "no"', 1, true))
    assert.truthy(output:find('state = "completed", completed = true', 1, true))
    local address = output:match("http://127%.0%.0%.1:%d+")
    local gone = timekit.new { app_key = KEY, base_url = address .. "/v2" }
    local _, err = gone:booking("x"):get()
    assert.equal("network", err.kind)
    assert.equal("no", err.sent)
    gone:close()
  end)
end)
