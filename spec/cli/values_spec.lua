-- Arguments such as `customer.name=Marty`, `seats:=2`, `message=@file`.
local timekit = require "timekit"
local values = require "timekit.cli.values"

describe("an argument", function()
  local function refused(pattern, ...)
    local words = { ... }
    local ok, failure = pcall(values.object, words)
    assert.falsy(ok)
    assert.equal("usage", failure.kind)
    assert.truthy(failure.message:find(pattern), failure.message)
  end

  it("gives a text, whatever it looks like", function()
    assert.same({ a = "1", b = "", c = "x=y:=z", d = "true", e = "ä" }, values.object {
      "a=1", "b=", "c=x=y:=z", "d=true", "e=ä",
    })
  end)

  it("gives any JSON value by :=", function()
    assert.same({ a = 1, b = true, c = { 1, 2 }, d = { e = "f" }, g = timekit.null }, values.object {
      "a:=1", "b:=true", "c:=[1,2]", 'd:={"e":"f"}', "g:=null",
    })
    assert.truthy(timekit.is_array(values.object({ "a:=[]" }).a))
    assert.is_false(values.object({ "a:=false" }).a)
  end)

  it("nests by dots", function()
    assert.same({ customer = { name = "Marty", phone = { home = "1" } }, x = "2" }, values.object {
      "customer.name=Marty", "customer.phone.home=1", "x=2",
    })
    assert.same({ a = { b = 1, c = "2" } }, values.object { 'a:={"b":1}', "a.c=2" })
  end)

  it("is read from a file by @", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write '{"what": "Haircut", "a.b": 1}\n'
    file:close()
    assert.same({ note = '{"what": "Haircut", "a.b": 1}\n' }, values.object { "note=@" .. path })
    assert.same({ all = { what = "Haircut", ["a.b"] = 1 } }, values.object { "all:=@" .. path })
    assert.same({ what = "Haircut", ["a.b"] = 1, more = "x" }, values.object { "@" .. path, "more=x" })
    refused("^what: it is given twice", "@" .. path, "what=x")
    os.remove(path)
    refused("^note: cannot read the file: ", "note=@" .. path)
    refused("^note: cannot be read: ", "note=@.")
  end)

  it("that is wrong is named", function()
    refused("^'message': expected NAME=TEXT or NAME:=JSON", "message")
    refused("^a: it is given twice", "a=1", "a=2")
    refused("^a%.b: 'a' has a value of its own", "a=1", "a.b=2")
    refused("^a%.b: 'a' has a value of its own", "a:=[1]", "a.b=2")
    refused("^a: it is given twice", "a.b=2", "a=1")
    refused("^a: it is not JSON: ", "a:={")
    refused("^a: it is not JSON: ", "a:=")
    for _, word in ipairs { "=x", ":=1", ".a=x", "a.=x", "a..b=x" } do refused("a name is empty", word) end
  end)
end)
