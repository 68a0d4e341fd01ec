-- `require "timekit"` loads what most scripts need; where nobody may wait for a file, it loads everything.
local Graph = require "timekit.graph"
local definition = require "timekit.rules.definition"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

-- What a program prints that begins with `before` and then asks which of the rare modules are loaded.
local function loaded(before, after)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(before, '\nlocal timekit = require "timekit"\n', after or "", [[

local names = {}
for _, name in ipairs { "methods.bulk", "methods.lists", "methods.wait", "webhook", "rules.definition", "link" } do
  if package.loaded["timekit." .. name] then names[#names + 1] = name end
end
print(table.concat(names, " "))
]])
  file:close()
  local printed = shell.must(this_lua.command .. " " .. path)
  os.remove(path)
  return (printed:gsub("%s+$", ""))
end

local ALL = "methods.bulk methods.lists methods.wait webhook rules.definition link"
local CLIENT = 'local tk = timekit.new { transport = { connect = function() return { close = function() end } end }'

describe("require 'timekit'", function()
  it("leaves rare modules to the scripts that use them", function()
    assert.equal("", loaded "")
    assert.equal("methods.lists", loaded("", CLIENT .. " } local _ = tk.bookings"))
    assert.equal("webhook", loaded("", "local _ = timekit.webhook.verify"))
  end)

  for what, before in pairs {
    ["nginx, HAProxy or a game"] = "core = {}",
    ["Prosody"] = "prosody = {}",
    ["a program that embeds Lua"] = "arg = nil",
    ["a program with an event loop"] = "package.loaded.luv = {}",
  } do
    it("loads everything in " .. what, function() assert.equal(ALL, loaded(before)) end)
  end

  it("loads everything for a client with a runtime of its own", function()
    local runtime = "{ now = print, sleep = print, wait = print }"
    assert.equal(ALL, loaded("", CLIENT .. ", runtime = " .. runtime .. " }"))
  end)

  it("has loaded everything once a client has connected", function()
    assert.equal(ALL, loaded("", [[
      local tk = timekit.new { transport = timekit.sandbox.new() }
      tk:connect()]]))
  end)
end)

describe("a graph that comes with the library", function()
  for name in pairs(timekit.graphs) do
    local spec = require("timekit.graphs." .. name)

    it(name .. " is right, since no program checks it", function()
      assert.is_nil(definition.check(spec))
      assert.equal(name, spec.name)
      assert.same(Graph.define(spec).actions, timekit.graphs[name].actions)
    end)
  end
end)
