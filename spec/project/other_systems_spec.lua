-- The Makefile on systems that are not this one: other names for Lua, no apt-get, other compilers, folders and flags.
local lfs = require "lfs"
local must = require("spec.support.shell").must

describe("make", function()
  local where

  -- Runs a shell's command, with this test's own folder for each `@`.
  local function shell(command)
    return must((command:gsub("@", where)))
  end

  -- A copy of the source; other names of lua5.4; all of this system's programs but those that install packages.
  setup(function()
    where = must("mktemp -d"):gsub("%s+$", "")
    shell "mkdir @/source && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t @/source"
    shell "mkdir @/names && ln -s $(command -v lua5.4) @/names/lua && ln -s $(command -v lua5.4) @/names/lua54"
    shell "mkdir @/tools && { ln -s /usr/local/bin/* /usr/bin/* /bin/* @/tools 2>/dev/null || true; }"
    shell "cd @/tools && rm apt-get dpkg-query"
  end)

  teardown(function() shell "rm -rf @" end)

  local function make(arguments, lua, path)
    return shell(("env -u MAKEFLAGS PATH=%s make -C @/source LUA=%s %s 2>&1"):format(
      path or '"$PATH"', lua or "lua5.4", arguments))
  end

  -- Without simdjson and optimisation building takes seconds.
  local function make_fast(arguments)
    return make("all JSON=cjson CFLAGS=-O0 " .. arguments)
  end

  local function compiled(output)
    return select(2, output:gsub("%-c %-o ", ""))
  end

  local function exists(path)
    return lfs.attributes(where .. path, "mode") ~= nil
  end

  it("asks the Lua for its version, whatever it is called", function()
    for _, name in ipairs { "lua5.4", "lua", "lua54" } do
      local function call(arguments) return make(arguments, name, '@/names:"$PATH"') end
      assert.equal(where .. "/source/build/lua5.4/?.so;;", call("-s env"):match('CPATH="([^"]+)"'))
      assert.truthy(call("-n install DESTDIR=/d"):find("'/d/usr/local/lib/lua/5.4/timekit/core.so'", 1, true))
    end
  end)

  it("goes on where there is neither apt-get nor dpkg", function()
    assert.equal("", make("-s deps-run deps-test RUN_PACKAGES=nobody-has-this", nil, "@/tools"))
  end)

  it("hears CPPFLAGS and LDFLAGS, and builds anew when flags change", function()
    local sources = compiled(make_fast "")
    assert.is_true(sources > 20)
    assert.equal(0, compiled(make_fast ""))
    local output = make_fast "CPPFLAGS=-DHEARD LDFLAGS=-Wl,-O1"
    assert.equal(sources, compiled(output))
    assert.equal(sources, select(2, output:gsub("%-DHEARD", "")))
    assert.equal(1, select(2, output:gsub("%-Wl,%-O1", "")))
    assert.equal(0, compiled(make_fast "CPPFLAGS=-DHEARD LDFLAGS=-Wl,-O1"))
  end)

  it("installs what was built, and removes no more than that", function()
    make_fast "CPPFLAGS=-DODD='\"#$$\"'"
    assert.equal(0, compiled(make "install DESTDIR=@/dest PREFIX=/opt"))
    shell "cmp @/source/build/lua5.4/timekit/core.so @/dest/opt/lib/lua/5.4/timekit/core.so"
    assert.is_false(exists "/dest/opt/lib/lua/5.4/timekit/simdjson.so")
    assert.is_true(exists "/dest/opt/share/lua/5.4/timekit/init.lua")
    shell "touch @/dest/opt/share/lua/5.4/timekit/of_another"
    make "uninstall DESTDIR=@/dest PREFIX=/opt"
    assert.equal(where .. "/dest/opt/share/lua/5.4/timekit/of_another\n", shell "find @/dest -type f")
    assert.is_false(exists "/dest/opt/lib/lua/5.4/timekit")
  end)

  it("installs into folders that LuaRocks names", function()
    make "install DESTDIR=@ INST_LUADIR=/rock/lua INST_LIBDIR=/rock/lib"
    assert.is_true(exists "/rock/lua/timekit/init.lua")
    assert.is_true(exists "/rock/lib/timekit/core.so")
  end)

  it("links with the compiler's flags, which -flto needs", function()
    local link = make("-n all CFLAGS='-O1 -flto'"):match("[^\n]* %-shared [^\n]*")
    assert.truthy(link:find(" -flto ", 1, true))
  end)

  it("takes clang's C++ compiler along with clang", function()
    local output = make "-n all JSON=simdjson CC=/opt/bin/clang-19"
    assert.truthy(output:find("\n/opt/bin/clang%+%+%-19 [^\n]* csrc/json/parser%.cc\n"))
  end)

  it("links on macOS as Lua modules are linked there", function()
    local output = make "-n all JSON=simdjson SYSTEM=Darwin"
    local links = {}
    for link, name in output:gmatch("([^\n]* %-bundle %-undefined dynamic_lookup [^\n]*/timekit/(%l+)%.so [^\n]*)") do
      assert.is_nil(link:find(" -shared", 1, true) or link:find(" -ldl", 1, true) or link:find("-lstdc++", 1, true))
      links[name] = link
    end
    assert.is_nil(output:find(" -shared", 1, true))
    assert.truthy(links.core:find(" -lcurl", 1, true))
    assert.truthy(links.simdjson:find(" -lc++", 1, true))
  end)
end)
