-- A user saw: on Lua 5.5 `timekit list` ended with "attempt to assign to const variable 'line'". A loop's variable is
-- constant there. Lua 5.4 finds an assignment as well, once the loop's first line declares the variable so.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- An error of the program's text, or nil; and in how many loops it was looked for.
local function problem(text, name)
  local declared, loops = ("\n" .. text):gsub("(\n *for ([%a_][%w_]*)[^\n]- do)%f[^%w_]", "%1 local %2 <const> = %2")
  return select(2, load(declared:sub(2), "=" .. name)), loops
end

describe("the variable of a loop", function()
  if not this_lua.closes then
    pending "cannot be declared constant on this Lua"
    return
  end

  it("is nowhere assigned to", function()
    local all = 0
    for path in shell.must("find lua spec -name '*.lua'"):gmatch "[^\n]+" do
      local found, loops = problem(read(path), path)
      assert.is_nil(found)
      all = all + loops
    end
    assert.is_true(all > 1000, all)
  end)

  it("is found where it is", function()
    assert.equal("x:2: attempt to assign to const variable 'a'", (problem("\n  for a, b in c do a = 1 end", "x")))
    assert.equal("x:2: attempt to assign to const variable 'i'", (problem("for i = 1, 2 do\n  i = i + 1\nend", "x")))
    assert.is_nil((problem("for i = 1, 2 do\n  local i = i + 1\n  i = 2\nend", "x")))
  end)
end)
