-- The module installs from a clean tree, with only what git would hand out, and works outside the project.
local must = require("spec.support.shell").must
local this_lua = require "spec.support.this_lua"

local function temporary_directory()
  return (must("mktemp -d"):gsub("%s+$", ""))
end

-- Tracked and new files as they are now, without build/ and whatever else git ignores.
local function checkout(into)
  must("mkdir -p " .. into .. " && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t " .. into)
end

local lua, version = this_lua.command, this_lua.version
local make = "env -u MAKEFLAGS make -s LUA=" .. this_lua.name
-- Half the time of -O2: where the files go does not depend on it.
local QUICK = "-O0"
-- simdjson's library has to come along.
local program = [[
local timekit = require 'timekit'
local tk = timekit.new { transport = timekit.sandbox.new() }
local booking = assert(tk:create_booking {
  graph = 'instant', start = '2030-03-01T08:00:00Z', ['end'] = '2030-03-01T09:00:00Z',
})
local core = require 'timekit.core'
assert(core.load_decoder() == core.json)
print(assert(tk:booking(booking):action('cancel')).state)
]]

local function console_of(share)
  return (must(("cd %s/timekit/sandbox/console && ls"):format(share)))
end

-- Runs the module with nothing but the installed tree on its paths, outside the project. The sandbox's console has to
-- be there as well.
local function try(share, lib)
  assert.equal(console_of "lua", console_of(share))
  local environment = ("LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/?.so;;'"):format(share, share, lib)
  return must(("cd / && %s %s -e \"%s\""):format(environment, lua, program))
end

describe("installing", function()
  local where

  setup(function()
    where = temporary_directory()
    checkout(where .. "/source")
  end)

  teardown(function() must("rm -rf " .. where) end)

  it("by make puts a working module under DESTDIR and PREFIX", function()
    must(("%s -C %s/source install CFLAGS=%s DESTDIR=%s/dest PREFIX=/opt/tk"):format(make, where, QUICK, where))
    local prefix = where .. "/dest/opt/tk"
    assert.equal("cancelled\n", try(prefix .. "/share/lua/" .. version, prefix .. "/lib/lua/" .. version))
  end)

  it("by make as bytecode, with the same messages, and uninstalls without a trace", function()
    local to = ("DESTDIR=%s/bytes INST_LUADIR=/lua INST_LIBDIR=/lib INST_BINDIR=/bin"):format(where)
    must(("%s -C %s/source install BYTECODE=1 %s"):format(make, where, to))
    local share = where .. "/bytes/lua"
    assert.equal("\27", must("head -c 1 " .. share .. "/timekit/booking.lua"))
    assert.equal("-", must("head -c 1 " .. share .. "/timekit/library/timekit.lua"))
    assert.equal("cancelled\n", try(share, where .. "/bytes/lib"))
    local paths = ("LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/bytes/lib/?.so;;'"):format(share, share, where)
    local source = "print(debug.getinfo(require('timekit').new).source)"
    assert.equal("@/lua/timekit/init.lua\n", must(("cd / && %s %s -e \"%s\""):format(paths, lua, source)))
    must(("%s -C %s/source uninstall %s"):format(make, where, to))
    assert.equal("", must(("find %s/bytes -type f -o -name timekit"):format(where)))
  end)

  -- What LuaRocks needs to work offline. Debian's packages are not visible to it.
  local function configure(rocks)
    must(("mkdir -p %s/server && luarocks-admin --lua-version %s make_manifest %s/server"):format(
      rocks, version, rocks))
    local file = assert(io.open(rocks .. "/config.lua", "w"))
    file:write(('rocks_servers = { "%s/server" }\n'):format(rocks),
      'rocks_provided = { ["lua-cjson"] = "2.1.0-1", argparse = "0.7.1-1", ["lua-term"] = "0.7-1" }\n',
      'variables = { CFLAGS = "', QUICK, ' -fPIC", LUA_INCDIR = "',
      must("pkg-config --cflags-only-I " .. this_lua.name):match("^-I(%S+)"), '" }\n')
    file:close()
  end

  it("by LuaRocks: a rock is made, packed, and installed into an empty tree, where the program runs", function()
    local rocks = where .. "/rocks"
    configure(rocks)
    local luarocks = ("cd %s/source && LUAROCKS_CONFIG=%s/config.lua luarocks --lua-version %s --tree %s/"):format(
      where, rocks, version, rocks)
    local release = must("ls rockspec"):match("timekit%-%d[%d.]*%-1%.rockspec")
    must(luarocks .. "tree make rockspec/" .. release)
    must(luarocks .. "tree pack timekit")
    must("rm -r " .. rocks .. "/tree")
    must(luarocks .. "empty install ./timekit-*.rock")
    local empty = rocks .. "/empty"
    assert.equal("cancelled\n", try(empty .. "/share/lua/" .. version, empty .. "/lib/lua/" .. version))
    assert.equal(release:match("timekit%-([%d.]+)%-"), must(empty .. "/bin/timekit --version"):match("^timekit (%S+)"))
    assert.equal(empty .. "/share/lua/" .. version .. "/timekit/library\n", must(empty .. "/bin/timekit types"))
  end)

  it("by LuaRocks from the checkout", function()
    local spec = must("cat rockspec/timekit-scm-1.rockspec")
    assert.truthy(spec:find('version = "scm-1"', 1, true))
    assert.falsy(spec:find("header", 1, true) and spec:find("header =", 1, true))
  end)
end)

describe("make -s env", function()
  it("prints absolute paths that work from anywhere, and nothing else", function()
    local output = must(make .. " env")
    assert.equal(3, select(2, output:gsub("export [LUAC_]*PATH=\"/[^\n]*\n", "")))
    assert.equal("", (output:gsub("export [LUAC_]*PATH=\"/[^\n]*\n", "")))
    assert.equal("cancelled\n", must(("eval '%s'; cd /; %s -e \"%s\""):format(output, lua, program)))
    assert.truthy(must(("eval '%s'; cd /; timekit --version"):format(output)):find "^timekit %d")
  end)
end)
