-- What other programs make of the pictures. `make test-pictures` installs them: graphviz, Mermaid, librsvg, xmllint.
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local odd = require "spec.support.odd_graph"
local random_graph = require "spec.support.random_graph"
local shell = require "spec.support.shell"

local MERMAID = "build/mermaid"

local drawn = { { "odd", odd } }
for name, g in pairs(graphs) do drawn[#drawn + 1] = { name, g } end
for seed = 1, 20 do drawn[#drawn + 1] = { "random " .. seed, random_graph.new(seed) } end

local function written(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

-- What a program prints about a picture.
local function output_of(command, text)
  local path = written(text)
  local output = shell.must(command:format(path))
  os.remove(path)
  return output
end

local function has(program)
  return (shell.run("command -v " .. program))
end

-- Sorted names as they are shown: what is not UTF-8 is U+FFFD.
local function shown(names)
  for index, name in ipairs(names) do
    names[index] = name:gsub("\255", "\239\191\189"):gsub("\237\160\128\239\191\191", "\239\191\189\239\191\189")
  end
  table.sort(names)
  return names
end

local function state_names(g)
  local names = {}
  for name in pairs(g.states) do names[#names + 1] = name end
  return shown(names)
end

-- One for each arrow.
local function action_names(g)
  local names = {}
  for _, action in ipairs(g.actions) do
    for _ = 1, #action.from do names[#names + 1] = action.name end
  end
  return shown(names)
end

describe("graphviz", function()
  if not has "dot" then
    pending("is not there: dot")
    return
  end

  -- graphviz keeps a label as it was written: entities of HTML and its own escapes come undone when it is drawn. The
  -- second line of a label is a delay.
  local function label_of(part)
    return (part.label:gsub("([^\\])\\n%d?[^\\]*$", "%1"):gsub("\\(.)", "%1"):gsub("&amp;", "&"))
  end

  it("takes every graph, and shows the names as they are", function()
    for _, case in ipairs(drawn) do
      local name, g = case[1], case[2]
      local parsed = assert(core.decode((output_of("dot -Tjson0 %s", g:picture { format = "dot" }))))
      local states, arrows, finals = {}, {}, 0
      for _, node in ipairs(parsed.objects) do
        if node.name ~= "start" then states[#states + 1] = label_of(node) end
        if node.peripheries == "2" then finals = finals + 1 end
      end
      for _, edge in ipairs(parsed.edges) do
        if (edge.label or "") ~= "" then arrows[#arrows + 1] = label_of(edge) end
      end
      table.sort(states)
      table.sort(arrows)
      assert.same(state_names(g), states, name)
      assert.same(action_names(g), arrows, name)
      for _, state in pairs(g.states) do finals = finals - (state.final and 1 or 0) end
      assert.equal(0, finals, name)
    end
  end)

  it("draws them without a warning", function()
    for _, case in ipairs(drawn) do
      local output = output_of("dot -Tsvg -o /dev/null %s", case[2]:picture { format = "dot" })
      assert.equal("", output:gsub("Pango%-WARNING[^\n]*", ""):gsub("%s", ""), case[1])
    end
  end)
end)

describe("Mermaid", function()
  if not shell.run("test -f " .. MERMAID .. "/node_modules/mermaid/package.json") then
    pending("is not there: " .. MERMAID)
    return
  end

  it("takes every graph, and shows the names as they are", function()
    local paths = {}
    for index, case in ipairs(drawn) do
      local g = case[2]
      paths[index] = written(g:picture { format = "mermaid", state = g.initial, past = { g.initial } })
    end
    local output = shell.must("node spec/support/mermaid_labels.mjs " .. MERMAID .. " " .. table.concat(paths, " "))
    for _, path in ipairs(paths) do os.remove(path) end
    local index = 0
    for line in output:gmatch("[^\n]+") do
      index = index + 1
      local name, g = drawn[index][1], drawn[index][2]
      local read = assert(core.decode(line))
      assert.is_nil(read.error, name)
      table.sort(read.states)
      assert.same(state_names(g), read.states, name)
      for at, label in ipairs(read.arrows) do read.arrows[at] = label:gsub(" %(.-%)$", "") end
      table.sort(read.arrows)
      assert.same(action_names(g), read.arrows, name)
    end
    assert.equal(#drawn, index)
  end)
end)

describe("an SVG", function()
  if not (has "xmllint" and has "rsvg-convert") then
    pending("cannot be tried: xmllint or rsvg-convert is not there")
    return
  end

  it("is XML, and librsvg draws it", function()
    for _, case in ipairs(drawn) do
      local g = case[2]
      local text = g:picture { format = "svg", state = g.initial }
      assert.equal("", output_of("xmllint --noout %s", text), case[1])
      assert.equal("", output_of("rsvg-convert %s | cat > /dev/null", text), case[1])
    end
  end)

  it("shows the names as they are", function()
    local output = output_of("xmllint --xpath '//@data-state' %s", odd:picture { format = "svg" })
    local names = {}
    for escaped in output:gmatch('data%-state="([^"]*)"') do
      local value = escaped:gsub("&#x(%x+);", function(code)
        return core.decode(('"\\u%04x"'):format(tonumber(code, 16)))
      end)
      names[#names + 1] = value:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&amp;", "&")
    end
    table.sort(names)
    assert.same(state_names(odd), names)
  end)
end)
