-- `make docs` writes pages of the public face alone, whose links lead somewhere.
local links = require "spec.project.docs.links"
local shell = require "spec.support.shell"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

describe("make docs", function()
  if not shell.run "lua5.1 -e 'require \"discount\"'" then
    it("writes pages", function() pending "this Debian has no discount for Lua 5.1 (lua-discount)" end)
    return
  end

  local folder = "build/docs/"

  setup(function()
    shell.must("rm -rf build/docs && env -u MAKEFLAGS -u MFLAGS make -s docs")
  end)

  it("has a page for each thing that users touch, and no other", function()
    local pages = {}
    for name in shell.must("ls " .. folder):gmatch("(%S+)%.html\n") do pages[name] = true end
    for _, name in ipairs { "index", "conventions", "client", "booking", "call", "graph", "error", "link", "webhook",
      "sandbox", "transport", "runtime", "tables", "commands", "examples",
      "api" } do
      assert.is_true(pages[name], name)
    end
    for name in pairs(pages) do assert.falsy(name:find("redact") or name:find("retry") or name:find("core")) end
  end)

  it("shows no function of the library's own rooms", function()
    local text = shell.must("cat " .. folder .. "*.html")
    for _, name in ipairs { "Runner:run", "calls.new", "handles.new", "link.make", "options.check" } do
      assert.falsy(text:find('id="[%w_.]*' .. name:gsub("%p", "%%%0") .. '"'), name)
    end
  end)

  it("fits a narrow screen, and the dark", function()
    assert.truthy(read(folder .. "client.html"):find('name="viewport" content="width=device-width', 1, true))
    assert.truthy(read(folder .. "style.css"):find("prefers-color-scheme: dark", 1, true))
  end)

  it("has every method in its search", function()
    local found = read(folder .. "names.js")
    for _, name in ipairs { "booking:action", "client:batch", "box:fault", "timekit.new", "graph:can", "Info" } do
      assert.truthy(found:find(('["%s",'):format(name), 1, true), name)
    end
  end)

  it("leads from every example of the README's list to its program", function()
    local html = read(folder .. "examples.html")
    for name in shell.must("cd spec/examples && find . -type f"):gmatch("%./(%S+)") do
      assert.truthy(html:find(('id="%s"'):format(name), 1, true), name)
    end
  end)
end)

describe("the check of links", function()
  local folder

  local function write(name, html)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(html)
    file:close()
  end

  before_each(function() folder = shell.must("mktemp -d"):gsub("%s+$", "") end)
  after_each(function() shell.must("rm -r " .. folder) end)

  it("finds a page and an anchor that are not there, and an anchor that is there twice", function()
    write("a.html", '<p id="x"><a href="b.html#y"></a><a href="b.html#z"></a><a href="c.html"></a><a href="#x"></a>')
    write("b.html", '<p id="y"><p id="w"><p id="w">')
    assert.same({ "a.html: b.html#z", "a.html: c.html", "b.html: two things have the address #w" },
      links.broken(folder, { "a.html", "b.html" }))
  end)
end)
