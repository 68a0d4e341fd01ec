-- A user saw: in OpenResty `cjson.empty_array` in an action's inputs raised, an empty list with `cjson.empty_array_mt`
-- was sent as `{}`, and `cjson.encode` wrote `{}` for the empty list of an answer.
-- Debian has no OpenResty. A double stands in for its lua-cjson, in a process of its own: it has the marks, and an
-- encoder that knows them.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local DOUBLE = [==[
package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path
local plain = require "cjson.safe"
local cjson = { null = plain.null, new = plain.new, decode = plain.decode, array_mt = {}, empty_array_mt = {} }
-- Only a C function makes a light userdata. This one is in 5.2 and newer, and in LuaJIT.
cjson.empty_array = debug.upvalueid and debug.upvalueid(function() return cjson end, 1)
function cjson.encode(value)
  if type(value) ~= "table" then return value == cjson.empty_array and "[]" or plain.encode(value) end
  local mark, parts = getmetatable(value), {}
  if mark == cjson.array_mt or #value > 0 or mark == cjson.empty_array_mt and not next(value) then
    for index, item in ipairs(value) do parts[index] = cjson.encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, item in pairs(value) do parts[#parts + 1] = plain.encode(name) .. ":" .. cjson.encode(item) end
  return "{" .. table.concat(parts, ",") .. "}"
end
if DOUBLE then
  package.loaded["cjson"], package.loaded["cjson.safe"] = cjson, cjson
end
local core = require "timekit.core"
local function marked(mark, t) return setmetatable(t or {}, mark) end
]==]

local function run(code)
  local file = os.tmpname()
  local handle = assert(io.open(file, "w"))
  handle:write(code)
  handle:close()
  local ok, output = shell.run(this_lua.command .. " " .. file)
  os.remove(file)
  assert.is_true(ok, output)
  return output
end

local function with_double(code)
  return run("DOUBLE = true " .. DOUBLE .. code)
end

describe("the marks of OpenResty's lua-cjson", function()
  it("are sent as arrays", function()
    assert.equal("[]\n[]\n[1,2]\n[1]\n{\"a\":1}\n", with_double [[
      print(core.encode(marked(cjson.array_mt)))
      print(core.encode(marked(cjson.empty_array_mt)))
      print(core.encode(marked(cjson.array_mt, { 1, 2 })))
      print(core.encode(marked(cjson.empty_array_mt, { 1 })))
      print(core.encode(marked(cjson.empty_array_mt, { a = 1 })))
    ]])
  end)

  it("have a value for the empty array, too", function()
    if not debug.upvalueid then return pending "this Lua cannot make a light userdata" end
    assert.equal('[]\n{"tags":[]}\n[[],[]]\n', with_double [[
      print(core.encode(cjson.empty_array))
      print(core.encode { tags = cjson.empty_array })
      print(core.encode { cjson.empty_array, cjson.empty_array })
    ]])
  end)

  it("do not hide what an array cannot hold", function()
    assert.equal('value: cannot encode an array that also has the key "a"\n', with_double [[
      print((select(2, core.encode(marked(cjson.array_mt, { a = 1 })))))
    ]])
  end)

  it("are ours: lua-cjson writes the arrays of an answer as arrays", function()
    assert.equal('{"tags":[]}\n[[],[1]]\n[]\n', with_double [==[
      print(cjson.encode(core.decode '{"tags":[]}'))
      print(cjson.encode(core.decode '[[],[1]]'))
      print(cjson.encode(core.array()))
    ]==])
  end)

  it("are told and kept by array and is_array", function()
    assert.equal("true\ttrue\tfalse\tfalse\ttrue\ttrue\n", with_double [[
      local list = marked(cjson.empty_array_mt)
      print(core.is_array(marked(cjson.array_mt)), core.is_array(list),
        core.is_array(marked(cjson.empty_array_mt, { a = 1 })), core.is_array(marked {}),
        core.array(list) == list, core.is_array(list))
    ]])
  end)

  it("reach Timekit in the inputs of an action", function()
    assert.equal('"guests":[] "tags":[]\n', with_double [==[
      local scripted = require "spec.support.scripted"
      local transport = scripted.new { scripted.booking "confirmed" }
      local tk = require("timekit").new { app_key = "live_api_key_1", transport = transport }
      tk:booking("b1"):action("update", { tags = marked(cjson.empty_array_mt), guests = marked(cjson.array_mt) })
      local body = transport.requests[1].body
      print(body:match '"guests":%[%]' .. " " .. body:match '"tags":%[%]')
    ]==])
  end)
end)

describe("lua-cjson without marks", function()
  it("changes nothing", function()
    assert.equal("[]\n{}\nfalse\ttrue\n", run(DOUBLE .. [[
      assert(not plain.array_mt, "this lua-cjson has marks")
      print(core.encode(core.decode "[]"))
      print(core.encode(marked(cjson.empty_array_mt)))
      print(core.is_array(marked(cjson.array_mt)), core.is_array(core.decode "[]"))
    ]]))
  end)
end)
