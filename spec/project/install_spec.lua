-- The module installs from a clean tree, with only what git would hand out, and works outside the project.
local lfs = require "lfs"
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
local program = [[
local timekit = require 'timekit'
local tk = timekit.new { transport = timekit.sandbox.new() }
local booking = assert(tk:create_booking {
  graph = 'instant', start = '2030-03-01T08:00:00Z', ['end'] = '2030-03-01T09:00:00Z',
})
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
    must(("%s -C %s/source install DESTDIR=%s/dest PREFIX=/opt/tk"):format(make, where, where))
    local prefix = where .. "/dest/opt/tk"
    assert.equal("cancelled\n", try(prefix .. "/share/lua/" .. version, prefix .. "/lib/lua/" .. version))
  end)

  it("by LuaRocks, offline, with its dependencies checked", function()
    -- Debian's packages are not visible to LuaRocks.
    local rocks = where .. "/rocks"
    must(("mkdir -p %s/server && luarocks-admin --lua-version %s make_manifest %s/server"):format(
      rocks, version, rocks))
    local file = assert(io.open(rocks .. "/config.lua", "w"))
    file:write(('rocks_servers = { "%s/server" }\nrocks_provided = { ["lua-cjson"] = "2.1.0-1" }\n'):format(rocks))
    file:write('variables = { LUA_INCDIR = "',
      must("pkg-config --cflags-only-I " .. this_lua.name):match("^-I(%S+)"), '" }\n')
    file:close()
    must(("cd %s/source && LUAROCKS_CONFIG=%s/config.lua luarocks --lua-version %s --tree %s/tree make "
      .. "rockspec/timekit-scm-1.rockspec"):format(where, rocks, version, rocks))
    assert.equal("cancelled\n", try(rocks .. "/tree/share/lua/" .. version, rocks .. "/tree/lib/lua/" .. version))
  end)
end)

describe("the rockspec", function()
  local spec = {}
  local chunk = assert(loadfile("rockspec/timekit-scm-1.rockspec", "t", spec))
  if setfenv then setfenv(chunk, spec) end
  chunk()

  local function files_below(folder, ending, found)
    for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if name:sub(1, 1) ~= "." then
        if lfs.attributes(path, "mode") == "directory" then files_below(path, ending, found)
        elseif path:find(ending .. "$") then found[#found + 1] = path end
      end
    end
    table.sort(found)
    return found
  end

  it("lists every Lua module under its name", function()
    local listed = {}
    for module, path in pairs(spec.build.modules) do
      if type(path) == "string" then
        assert.equal(path, ("lua/" .. module:gsub("%.", "/")) .. (path:find("/init%.lua$") and "/init" or "") .. ".lua")
        listed[#listed + 1] = path
      end
    end
    table.sort(listed)
    assert.same(files_below("lua", "%.lua", {}), listed)
  end)

  it("lists every file of the console, which LuaRocks puts into the folder of its name", function()
    local listed = {}
    for name, path in pairs(spec.build.install.lua) do
      assert.equal(path:gsub("%.%w+$", ""), ("lua/" .. name:gsub("%.", "/")))
      listed[#listed + 1] = path
    end
    table.sort(listed)
    assert.same(files_below("lua/timekit/sandbox/console", "", {}), listed)
  end)

  it("lists every C source but those that need simdjson, which LuaRocks cannot look for", function()
    local sources = {}
    for _, path in ipairs(files_below("csrc", "%.c", {})) do
      if path ~= "csrc/json/simdjson.c" and path ~= "csrc/json/tape.c" then sources[#sources + 1] = path end
    end
    assert.same(sources, spec.build.modules["timekit.core"].sources)
  end)
end)

describe("make -s env", function()
  it("prints absolute paths that work from anywhere, and nothing else", function()
    local output = must(make .. " env")
    assert.equal(2, select(2, output:gsub("export LUA_C?PATH=\"/[^\n]*\n", "")))
    assert.equal("", (output:gsub("export LUA_C?PATH=\"/[^\n]*\n", "")))
    assert.equal("cancelled\n", must(("eval '%s'; cd /; %s -e \"%s\""):format(output, lua, program)))
  end)
end)
