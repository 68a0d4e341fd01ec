-- Where the program takes its key from, and that it never shows it.
local program = require "spec.support.program"

describe("the account", function()
  local world
  setup(function()
    world = program.new "KEY=the_right_key"
    world:write("right", "the_right_key\n")
    world:write("wrong", "a_wrong_key\r\nthe_right_key\n")
    world:run "mkdir -p .config/timekit"
  end)
  teardown(function() world:close() end)

  -- The last test's file may be one that nobody may write to.
  local function profiles(text, mode)
    world:run "rm -f .config/timekit/config"
    world:write(".config/timekit/config", text)
    world:run(("chmod %s .config/timekit/config"):format(mode or "600"))
  end

  before_each(function() profiles "" end)

  local function code(command)
    local status, out, err = world:run(command)
    assert.falsy((out .. err):find "the_right_key")
    return status, err
  end

  it("is that of a key file, whose first line counts", function()
    assert.equal(0, (code "timekit list --key-file right"))
    assert.equal(4, (code "timekit list --key-file wrong"))
    assert.equal(0, (code "TIMEKIT_APP_KEY=a_wrong_key timekit list --key-file right"))
    world:write("empty", "\n")
    assert.equal(4, (code "timekit list --key-file empty"))
    assert.equal(4, (code "timekit list --key-file ."))
  end)

  it("is that of the environment", function()
    assert.equal(0, (code "TIMEKIT_APP_KEY=the_right_key timekit list"))
    assert.equal(4, (code "TIMEKIT_APP_KEY=a_wrong_key timekit list"))
  end)

  it("is that of the default profile, where nothing else gives a key", function()
    profiles "# a comment\n\n[default]\napp_key = the_right_key\n"
    assert.equal(0, (code "unset TIMEKIT_APP_KEY; timekit list"))
    assert.equal(4, (code "TIMEKIT_APP_KEY=a_wrong_key timekit list"))
    profiles "\239\187\191[default]\r\napp_key = the_right_key\r\n"
    assert.equal(0, (code "unset TIMEKIT_APP_KEY; timekit list"))
  end)

  it("is that of a profile asked for, before the environment", function()
    profiles(("[default]\napp_key=a_wrong_key\r\n[ live ]\r\napp_key=the_right_key\r\nbase_url = %s\r\n"):format(
      world.box.url))
    assert.equal(0, (code "TIMEKIT_APP_KEY=a_wrong_key timekit list --profile live"))
    assert.equal(0, (code "TIMEKIT_BASE_URL=http://127.0.0.1:1 timekit list --profile live"))
    assert.equal(4, (code "timekit list --profile default"))
    local status, err = code "timekit list --profile liev"
    assert.same({ 4, true }, { status, err:find("profile 'liev': .* has none of that name") ~= nil })
  end)

  it("takes nothing from a profile that is not used: no key goes to another account's address", function()
    profiles "[default]\napp_key = a_wrong_key\nbase_url = http://127.0.0.1:1\n"
    assert.equal(0, (code "TIMEKIT_APP_KEY=the_right_key timekit list"))
  end)

  it("is found below XDG_CONFIG_HOME", function()
    world:run "mkdir -p elsewhere/timekit"
    world:write("elsewhere/timekit/config", "[default]\napp_key = the_right_key\n")
    world:run "chmod 600 elsewhere/timekit/config"
    assert.equal(0, (code "unset TIMEKIT_APP_KEY; XDG_CONFIG_HOME=$PWD/elsewhere timekit list"))
  end)

  it("is refused from a file that others can read", function()
    for _, mode in ipairs { "640", "604", "620", "644" } do
      profiles("[default]\napp_key = the_right_key\n", mode)
      local status, err = code "unset TIMEKIT_APP_KEY; timekit list"
      assert.equal(4, status)
      assert.truthy(err:find("^timekit: auth: .*/.config/timekit/config: other users can read"), err)
    end
    profiles("[default]\napp_key = the_right_key\n", "400")
    assert.equal(0, (code "unset TIMEKIT_APP_KEY; timekit list"))
  end)

  it("names the line of a profile that is wrong, without its value", function()
    profiles "[default]\nkey = the_right_key\n"
    local status, err = code "unset TIMEKIT_APP_KEY; timekit list"
    assert.same({ 2, true }, { status, err:find("config:2: a profile has no 'key'", 1, true) ~= nil })
    profiles "app_key = the_right_key\n"
    status, err = code "unset TIMEKIT_APP_KEY; timekit list"
    assert.same({ 2, true }, { status, err:find("config:1: expected [profile] or name = value", 1, true) ~= nil })
  end)

  it("can be a resource's", function()
    profiles "[r]\nresource_email = marty@timekit.io\nresource_key = the_right_key\napp = shop\n"
    assert.equal(0, (code "timekit list --profile r"))
    local status, err = code "timekit link x cancel --profile r"
    assert.equal(2, status)
    assert.truthy(err:find("links are signed with the app key", 1, true), err)
  end)

  it("shows no key with -v, nor in an error", function()
    local status, id = world:run("timekit create --key-file right -o id graph=confirm_decline what=Haircut where=Here "
      .. "start=2030-03-01T08:00:00Z end=2030-03-01T09:00:00Z customer.name=Marty customer.email=marty@timekit.io")
    assert.equal(0, status)
    local err
    id = id:match "[^\n]+"
    status, err = code(("TIMEKIT_APP_KEY=the_right_key timekit confirm %s -v"):format(id))
    assert.equal(0, status)
    assert.truthy(err:find(("^PUT /bookings/%s/confirm 200 %%d+ ms\n$"):format((id:gsub("%-", "%%-")))), err)
    status, err = code "TIMEKIT_APP_KEY=the_right_key timekit get the_right_key -v -o json"
    assert.equal(5, status)
    assert.truthy(err:find '"kind":"not_found"')
  end)
end)
