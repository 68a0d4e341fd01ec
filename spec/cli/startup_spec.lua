-- Starting the program costs little: scripts call it often.
local program = require "spec.support.program"

describe("starting", function()
  local world
  setup(function() world = program.new() end)
  teardown(function() world:close() end)

  -- Seconds of CPU that a command takes in all, many times over.
  local function cost(command)
    local _, out = world:run(("for i in $(seq 30); do %s > /dev/null; done; times | tail -n 1"):format(command))
    local seconds = 0
    for minutes, part in out:gmatch "(%d+)m([%d.]+)s" do seconds = seconds + minutes * 60 + part end
    return seconds
  end

  it("for the version takes at most half as long again as loading the module", function()
    local version, module = 0, 0
    for _ = 1, 2 do
      version = version + cost "timekit --version"
      module = module + cost(world.lua .. " -e 'require \"timekit\"'")
    end
    assert.truthy(version <= 1.5 * module, ("%.2f s against %.2f s"):format(version, module))
  end)

  it("tells the version, whatever else is asked for", function()
    for _, options in ipairs { "--version", "-q --version", "get x --version", "--version --help" } do
      local status, out, err = world:run("timekit " .. options)
      assert.same({ 0, "" }, { status, err })
      assert.truthy(out:find("^timekit " .. require("timekit").version .. " %(libcurl [%d.]+, Lua[^\n]*%)\n$"), out)
    end
  end)

  it("names what is missing, and how to install it", function()
    for name, packages in pairs {
      argparse = "apt-get install lua-argparse (Debian), or luarocks install argparse",
      term = "apt-get install lua-term (Debian), or luarocks install lua-term",
    } do
      world:write(name .. ".lua", "error 'not here'")
      local status, out, err = world:run(
        ("LUA_PATH=\"$PWD/?.lua;$LUA_PATH\" timekit get x; code=$?; rm %s.lua; exit $code"):format(name))
      assert.same({ 1, "" }, { status, out })
      assert.equal(("timekit: failed: the program needs %s: %s\n"):format(name, packages), err)
      assert.equal(0, (world:run "timekit --version"))
    end
  end)

  it("names lua-http as well, where a command needs it", function()
    world:run "mkdir http"
    world:write("http/server.lua", "error('not here', 0)")
    for command, purpose in pairs {
      ["sandbox --port 0"] = "serving the sandbox",
      ["webhook listen --port 0 --exec true"] = "receiving webhooks",
    } do
      local environment = 'LUA_PATH="$PWD/?.lua;$LUA_PATH" TIMEKIT_WEBHOOK_SECRET=x'
      local status, out, err = world:run(environment .. " timekit " .. command)
      assert.same({ 1, "" }, { status, out })
      assert.equal(("timekit: failed: %s needs lua-http: apt-get install lua-http (Debian), or %s (not here)\n")
        :format(purpose, "luarocks install http"), err)
    end
    world:run "rm -r http"
  end)

  it("as a script that is installed finds its module anywhere", function()
    local lua = world.lua
    local status, _, err = world:run(
      ("unset LUA_PATH LUA_CPATH; cd '%s' && make -s install LUA=%s DESTDIR= PREFIX='%s/a b'"):format(
        world.root, lua, world.folder))
    assert.equal(0, status, err)
    local out
    status, out, err = world:run("unset LUA_PATH LUA_CPATH; cd /; '" .. world.folder .. "/a b/bin/timekit' graph -o id")
    assert.same({ 0, "" }, { status, err })
    assert.truthy(out:find "confirm_decline\n")
    assert.truthy(world:read("a b/bin/timekit"):find("^#!/[^\n]*lua"), lua)
  end)
end)
