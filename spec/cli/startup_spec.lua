-- Starting the program costs little: scripts call it often.
local program = require "spec.support.program"

describe("starting", function()
  local world
  setup(function() world = program.new() end)
  teardown(function() world:close() end)

  -- Seconds of CPU that each of some commands takes for a few new bookings, the least of several tries. The commands
  -- take turns, so that a machine that is busy for a while is so for all.
  local function costs(...)
    local seconds = {}
    for _ = 1, 5 do
      for index, command in ipairs { ... } do
        local ids = {}
        for number = 1, 4 do ids[number] = world:booking() end
        local status, _, err = world:run(
          ("set -e; for id in %s; do %s > /dev/null; done; times > spent"):format(table.concat(ids, " "), command))
        assert.same({ 0, "" }, { status, err })
        local spent = 0
        for minutes, part in world:read("spent"):match("\n(.*)"):gmatch "(%d+)m([%d.]+)s" do
          spent = spent + minutes * 60 + part
        end
        seconds[index] = math.min(seconds[index] or math.huge, spent)
      end
    end
    return seconds
  end

  local function assert_ratio(most, mine, others)
    local seconds = costs(mine, others)
    assert.is_true(seconds[2] > 0)
    assert.truthy(seconds[1] <= most * seconds[2], ("%s: %.3f s against %.3f s"):format(mine, seconds[1], seconds[2]))
  end

  it("for the version takes at most half as long again as loading the module", function()
    assert_ratio(1.5, "timekit --version", world.lua .. " -e 'require \"timekit\"'")
  end)

  -- The program has options to read and a result to lay out, too.
  it("for a list or an action takes at most two and a half times as long as a script that does the same", function()
    world:write("list.lua", "for one in require('timekit').new({}):bookings { limit = 50 } do print(one.id) end")
    world:write("act.lua", "print(assert(require('timekit').new({}):booking(arg[1]):action 'confirm').state)")
    assert_ratio(2.5, "timekit list --limit 50", world.lua .. " list.lua")
    assert_ratio(2.5, "timekit action $id confirm", world.lua .. " act.lua $id")
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
