-- The Makefile on systems that are not this one: other names for Lua, no apt-get, other compilers, folders and flags.
local lfs = require "lfs"
local must = require("spec.support.shell").must

local MAKE = "env -u MAKEFLAGS PATH=%s make -C %s/source JSON=cjson CFLAGS=-O0 LUA=%s %s 2>&1"

describe("make", function()
  local where

  -- Other names of lua5.4, and all of this system's programs but those that install packages.
  setup(function()
    where = must("mktemp -d"):gsub("%s+$", "")
    must(("mkdir -p %s/source && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t %s/source"):format(
      where, where))
    must(("mkdir %s/names %s/tools && for name in lua lua54; do ln -s $(command -v lua5.4) %s/names/$name; done"):format(
      where, where, where))
    must(("ln -s /usr/local/bin/* /usr/bin/* /bin/* %s/tools 2>/dev/null; cd %s/tools && rm apt-get dpkg-query"):format(
      where, where))
  end)

  teardown(function() must("rm -rf " .. where) end)

  local function make(arguments, lua, path)
    return must(MAKE:format(path or '"$PATH"', where, lua or "lua5.4", arguments))
  end

  local function with_names(arguments, lua)
    return make(arguments, lua, ('%s/names:"$PATH"'):format(where))
  end

  local function compiled(output)
    return select(2, output:gsub("%-c %-o ", ""))
  end

  local function exists(path)
    return lfs.attributes(where .. path, "mode") ~= nil
  end

  it("asks the Lua for its version, whatever it is called", function()
    for _, name in ipairs { "lua5.4", "lua", "lua54" } do
      assert.equal(where .. "/source/build/lua5.4/?.so;;", with_names("-s env", name):match('CPATH="([^"]+)"'))
      assert.truthy(with_names("-n install DESTDIR=/d", name):find("'/d/usr/local/lib/lua/5.4/timekit/core.so'", 1, true))
    end
  end)

  it("goes on where there is neither apt-get nor dpkg", function()
    assert.equal("", make("-s deps-run deps-test RUN_PACKAGES=nobody-has-this", nil, where .. "/tools"))
  end)

  it("hears CPPFLAGS and LDFLAGS, and builds anew when flags change", function()
    local sources = compiled(make "all")
    assert.is_true(sources > 20)
    assert.equal(0, compiled(make "all"))
    local output = make "all CPPFLAGS=-DHEARD LDFLAGS=-Wl,-O1"
    assert.equal(sources, compiled(output))
    assert.equal(sources, select(2, output:gsub("%-DHEARD", "")))
    assert.equal(1, select(2, output:gsub("%-Wl,%-O1", "")))
    assert.equal(0, compiled(make "all CPPFLAGS=-DHEARD LDFLAGS=-Wl,-O1"))
  end)

  it("installs what was built, and removes no more than that", function()
    local install = ("env -u MAKEFLAGS make -C %s/source LUA=lua5.4 %%s DESTDIR=%s/dest PREFIX=/opt"):format(where, where)
    make "all CPPFLAGS=-DODD='\"#$$\"'"
    assert.equal(0, compiled(must(install:format("install"))))
    must(("cmp %s/source/build/lua5.4/timekit/core.so %s/dest/opt/lib/lua/5.4/timekit/core.so"):format(where, where))
    assert.is_true(exists "/dest/opt/share/lua/5.4/timekit/init.lua")
    must(("touch %s/dest/opt/share/lua/5.4/timekit/of_another"):format(where))
    must(install:format("uninstall"))
    assert.equal(where .. "/dest/opt/share/lua/5.4/timekit/of_another\n", must(("find %s/dest -type f"):format(where)))
    assert.is_false(exists "/dest/opt/lib/lua/5.4/timekit")
  end)

  it("installs into folders that LuaRocks names", function()
    must(("env -u MAKEFLAGS make -C %s/source LUA=lua5.4 install DESTDIR=%s INST_LUADIR=/rock/lua INST_LIBDIR=/rock/lib")
      :format(where, where))
    assert.is_true(exists "/rock/lua/timekit/init.lua")
    assert.is_true(exists "/rock/lib/timekit/core.so")
  end)

  it("links with the compiler's flags, which -flto needs", function()
    make "all CFLAGS='-O1 -flto'"
    must(("cd / && LUA_CPATH='%s/source/build/lua5.4/?.so;;' lua5.4 -e 'require \"timekit.core\"'"):format(where))
  end)

  it("takes clang's C++ compiler along with clang", function()
    local output = make("-n all JSON=simdjson CC=/opt/bin/clang-19")
    assert.truthy(("\n" .. output):find("\n/opt/bin/clang%+%+%-19 [^\n]* csrc/json/parser%.cc\n"))
  end)

  it("links on macOS as Lua modules are linked there", function()
    local output = make("-n all JSON=simdjson SYSTEM=Darwin")
    local link = output:match("[^\n]* %-bundle %-undefined dynamic_lookup [^\n]*")
    assert.is_nil(link:find(" -shared", 1, true) or link:find(" -ldl", 1, true) or link:find("-lstdc++", 1, true))
    assert.truthy(link:find(" -lc++", 1, true))
  end)
end)
