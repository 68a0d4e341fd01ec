-- The commands work wherever the checkout lies, and whatever the shell has set.
local function shell(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1"))
  local output = pipe:read("*a")
  local ok = pipe:close()
  if not ok then error(command .. "\n" .. output, 2) end
  return output
end

local VARIABLES = "LUA_PATH_5_4=/nowhere/?.lua LUA_CPATH_5_4=/nowhere/?.so"

describe("in a folder with a space in its path, make", function()
  local where, folder

  -- Tracked and new files, in a folder of their own; `make` there is not a part of the one that runs this.
  setup(function()
    where = shell("mktemp -d"):gsub("%s+$", "")
    folder = "'" .. where .. "/a checkout'"
    shell(("mkdir %s && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t %s"):format(folder, folder))
  end)

  teardown(function() shell("rm -rf " .. where) end)

  local function make(arguments, environment)
    return shell(("env -u MAKEFLAGS %s make -s -C %s LUA=lua5.4 CFLAGS=-O0 %s"):format(
      environment or "", folder, arguments))
  end

  local function env(environment, variables)
    local output = make("env", environment)
    local names = {}
    for name, path in output:gmatch('export ([%w_]+)="([^\n]*)"\n') do
      names[#names + 1] = name
      assert.equal("/", path:sub(1, 1))
    end
    assert.equal("", (output:gsub('export [%w_]+="[^\n]*"\n', "")))
    assert.same(variables, names)
    return output
  end

  local PROGRAM = [[print(require("timekit").version, package.searchpath("timekit.core", package.cpath))]]

  local function loads(environment, output)
    local printed = shell(("export %s; cd /; eval '%s'; lua5.4 -e '%s'"):format(environment, output, PROGRAM))
    assert.equal(("0.1.0\t%s/a checkout/build/lua5.4/timekit/core.so\n"):format(where), printed)
  end

  it("builds and runs, also in a shell that has set LUA_PATH_5_4", function()
    assert.truthy(make("run", VARIABLES):find('state = "completed"', 1, true))
  end)

  it("prints an environment that works from anywhere, also in such a shell", function()
    make("all")
    loads("NOTHING=1", env("", { "LUA_PATH", "LUA_CPATH", "PATH" }))
    loads(VARIABLES, env(VARIABLES, { "LUA_PATH", "LUA_CPATH", "PATH", "LUA_PATH_5_4", "LUA_CPATH_5_4" }))
    env("LUA_CPATH_5_4= LUA_PATH_5_3=x", { "LUA_PATH", "LUA_CPATH", "PATH", "LUA_CPATH_5_4" })
  end)
end)
