-- What the program needs of files and Lua lacks: core.append, core.is_same_file, core.sha256.
local core = require "timekit.core"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

describe("a file that lines are added to", function()
  local path, file

  before_each(function()
    path = os.tmpname()
    file = assert(core.append(path))
  end)
  after_each(function()
    file:close()
    os.remove(path)
  end)

  local function content()
    local read = assert(io.open(path, "rb"))
    local text = read:read "*a"
    read:close()
    return text
  end

  it("has each text at once, behind what is there", function()
    assert.is_true(file:write "one\n")
    assert.equal("one\n", content())
    local other = assert(core.append(path))
    assert.is_true(other:write "t\0wo\n")
    assert.is_true(file:write "three\n")
    assert.equal("one\nt\0wo\nthree\n", content())
    assert.is_true(file:cut(7))
    assert.is_true(file:write "!")
    assert.equal("one\nt\0w!", content())
    assert.is_true(file:sync())
    assert.is_true(file:sync_name(path))
    other:close()
  end)

  it("is locked by one at a time, in whichever process", function()
    local other = assert(core.append(path))
    assert.is_true(file:lock())
    assert.is_false(other:lock())
    local _, told = shell.run(([[%s -e 'print(require("timekit.core").append("%s"):lock())']]):format(
      this_lua.command, path))
    assert.equal("false\n", told)
    -- Closing another handle does not end the lock.
    assert(io.open(path)):close()
    other:close()
    other = assert(core.append(path))
    assert.is_false(other:lock())
    file:close()
    assert.is_true(other:lock())
    other:close()
  end)

  it("is a regular file", function()
    for name, problem in pairs {
      ["/"] = "directory", ["/dev/null"] = "not a regular file", ["/missing/x"] = "No such file",
    } do
      local none, told = core.append(name)
      assert.is_nil(none)
      assert.matches(problem, told, 1, true)
    end
  end)

  it("cannot be used once it is closed", function()
    assert.is_true(file:close())
    assert.is_true(file:close())
    assert.has_error(function() file:write "x" end, "attempt to use a closed file")
    assert.has_error(function() file:cut(0) end)
  end)

  it("tells a full disk", function()
    local _, told = shell.run(([[(trap "" XFSZ; ulimit -f 1; %s -e '
      local file = require("timekit.core").append("%s")
      print(file:write(("x"):rep(5000)))')]]):format(this_lua.command, path))
    assert.matches("^nil\tFile too large", told)
  end)

  it("may have several names", function()
    local link = path .. ".link"
    shell.must(("ln -s %s %s"):format(path, link))
    assert.is_true(core.is_same_file(path, link))
    assert.is_false(core.is_same_file(path, "/"))
    assert.is_false(core.is_same_file(path, path .. ".missing"))
    os.remove(link)
  end)
end)

describe("core.sha256", function()
  it("is what FIPS 180-2 and sha256sum say, in however many parts the text comes", function()
    local abc = core.sha256()
    abc:update "a"
    abc:update "bc"
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", abc:finish())
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", core.sha256():finish())
    local path = os.tmpname()
    local file, digest = assert(io.open(path, "wb")), core.sha256()
    for size = 0, 300 do
      local part = ("\0x"):rep(size)
      file:write(part)
      digest:update(part)
    end
    file:close()
    assert.equal(shell.must("sha256sum " .. path):match "^%x+", digest:finish())
    os.remove(path)
    assert.has_error(function() digest:update "x" end, "attempt to use a finished digest")
    assert.has_error(function() digest:finish() end, "attempt to use a finished digest")
  end)
end)
