-- What a stranger gets who installs the module, from a clean tree: only what git would hand out.
local lfs = require "lfs"

local function shell(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1"))
  local output = pipe:read("a")
  local ok = pipe:close()
  return ok, output
end

local function must(command)
  local ok, output = shell(command)
  if not ok then error(command .. "\n" .. output, 2) end
  return output
end

local function temporary_directory()
  return (must("mktemp -d"):gsub("%s+$", ""))
end

-- Tracked and new files as they are now, without build/ and whatever else git ignores.
local function checkout(into)
  must("mkdir -p " .. into .. " && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t " .. into)
end

local lua = "lua5.4"
local program = [[
local timekit = require 'timekit'
local tk = timekit.new { transport = timekit.sandbox.new() }
local booking = assert(tk:create_booking {
  graph = 'instant', start = '2030-03-01T08:00:00Z', ['end'] = '2030-03-01T09:00:00Z',
})
print(assert(tk:booking(booking):action('cancel')).state)
]]

-- Runs the module with nothing but the installed tree on its paths, outside the project.
local function try(share, lib)
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
    must(("env -u MAKEFLAGS make -s -C %s/source install DESTDIR=%s/dest PREFIX=/opt/tk"):format(where, where))
    local prefix = where .. "/dest/opt/tk"
    assert.equal("cancelled\n", try(prefix .. "/share/lua/5.4", prefix .. "/lib/lua/5.4"))
  end)

  it("by LuaRocks, offline, with its dependencies checked", function()
    -- Debian's packages are not visible to LuaRocks, nor is its multiarch include folder.
    local rocks = where .. "/rocks"
    must(("mkdir -p %s/server && luarocks-admin --lua-version 5.4 make_manifest %s/server"):format(rocks, rocks))
    local file = assert(io.open(rocks .. "/config.lua", "w"))
    file:write(('rocks_servers = { "%s/server" }\nrocks_provided = { ["lua-cjson"] = "2.1.0-1" }\n'):format(rocks))
    file:write('variables = { CURL_INCDIR = "/usr/include/', must("gcc -print-multiarch"):gsub("%s", ""), '" }\n')
    file:close()
    must(("cd %s/source && LUAROCKS_CONFIG=%s/config.lua luarocks --lua-version 5.4 --tree %s/tree make "
      .. "rockspec/timekit-scm-1.rockspec"):format(where, rocks, rocks))
    assert.equal("cancelled\n", try(rocks .. "/tree/share/lua/5.4", rocks .. "/tree/lib/lua/5.4"))
  end)
end)

describe("the rockspec", function()
  local spec = {}
  assert(loadfile("rockspec/timekit-scm-1.rockspec", "t", spec))()

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

  it("lists every C source", function()
    assert.same(files_below("csrc", "%.c", {}), spec.build.modules["timekit.core"].sources)
  end)
end)

describe("make -s env", function()
  it("prints absolute paths that work from anywhere, and nothing else", function()
    local output = must("env -u MAKEFLAGS make -s env")
    assert.equal(2, select(2, output:gsub("export LUA_C?PATH=\"/[^\n]*\n", "")))
    assert.equal("", (output:gsub("export LUA_C?PATH=\"/[^\n]*\n", "")))
    assert.equal("cancelled\n", must(("eval '%s'; cd /; %s -e \"%s\""):format(output, lua, program)))
  end)
end)
