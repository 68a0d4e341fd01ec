-- Each exit code of the program: what ends with it, and what it says.
local core = require "timekit.core"
local program = require "spec.support.program"

describe("the exit code", function()
  local world
  setup(function() world = program.new() end)
  teardown(function() world:close() end)

  local function ends(code, pattern, command)
    local status, _, err = world:run(command)
    assert.equal(code, status, err)
    assert.truthy(err:find(pattern), err)
  end

  it("is 0 when it is done", function()
    local status, out, err = world:run("timekit confirm " .. world:booking())
    assert.same({ 0, "" }, { status, err })
    assert.equal("confirmed", core.decode(out).state)
  end)

  it("is 0 when the answer was lost and reading showed that it is done", function()
    local id = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    ends(0, "^timekit: the answer was lost; reading the booking showed that it is done\n$", "timekit confirm " .. id)
  end)

  it("is 1 when Timekit refuses", function()
    local id = world:booking()
    world:run("timekit confirm " .. id)
    ends(1, "^timekit: transition: Cannot apply action 'decline' to current state", "timekit decline " .. id)
    ends(1, "^timekit: validation: ", "timekit cancel " .. world:booking "instant" .. " message:=7")
  end)

  it("is 2 for wrong use", function()
    for _, command in ipairs {
      "timekit confrm x", "timekit", "timekit get", "timekit get x y", "timekit get ''", "timekit get ..",
      "timekit get \"$(printf 'a\\nb')\"", "timekit get x --timeout soon", "timekit get x --retries 1.5",
      "timekit get x -o yaml", "timekit get x --color blue", "timekit get x --nothing", "timekit get x --key k",
      "timekit confirm x message", "timekit confirm x message=a message=b", "timekit confirm x a=1 a.b=2",
      "timekit confirm x a:=nope", "timekit confirm x message=@missing", "timekit confirm x a=- b=-",
      "timekit create", "timekit meta x", "timekit list --limit few", "timekit list --all --limit 3",
      "timekit list --search state", "timekit graph nothing", "timekit graph -o svg", "timekit graph instant -o id",
      "timekit graph instant --state nothing", "timekit request FETCH /x", "timekit request GET x",
      "timekit link x", "timekit webhook", "timekit webhook replay one", "timekit completion tcsh",
      "timekit --base-url ftp://x get x", "TIMEKIT_BASE_URL=nonsense timekit get x",
    } do
      if command == "timekit" then
        local status, out = world:run(command)
        assert.equal(0, status)
        assert.truthy(out:find "^Usage: timekit ")
      else
        ends(2, "^timekit: usage: [^\n]+\n$", command)
      end
    end
  end)

  it("is 2 for a number below zero, and the option is named", function()
    for command, option in pairs {
      ["timekit list --limit -1"] = "--limit", ["timekit --timeout -3 get x"] = "--timeout",
      ["timekit get x --retries=-2"] = "--retries",
    } do
      ends(2, "^timekit: usage: " .. option:gsub("%-", "%%-") .. ": expected [^\n]+\n$", command)
    end
    -- Behind `--` it is an id.
    ends(6, "^timekit: network: ", "timekit get --base-url http://127.0.0.1:1 --retries 0 -- -5")
  end)

  it("is 3 when the graph's rules refuse it, and nothing is sent", function()
    local id = world:booking "instant"
    ends(3, "^timekit: transition: action 'confirm' is not possible in the state 'confirmed'", "timekit can " .. id
      .. " confirm")
    ends(3, "^timekit: input: ", "timekit create graph=instant start=2030-03-01T09:00:00Z end=2030-03-01T08:00:00Z")
    ends(3, "^timekit: input: no known graph has an action 'cancell'", "timekit link x cancell")
  end)

  it("is 4 for credentials", function()
    ends(4, "^timekit: auth: no key: set TIMEKIT_APP_KEY", "TIMEKIT_APP_KEY= timekit get x")
    ends(4, "^timekit: auth: %-%-key%-file: cannot read the file", "timekit get x --key-file missing")
    ends(4, "^timekit: auth: profile 'live': cannot read the file", "timekit get x --profile live")
    ends(4, "^timekit: auth: no secret: set TIMEKIT_WEBHOOK_SECRET", "timekit webhook listen --port 0")
    world:fault { match = "GET /v2/bookings/x", when = "before", what = "status", status = 401 }
    ends(4, "^timekit: auth: ", "timekit get x")
  end)

  it("is 5 when it is not found", function()
    ends(5, "^timekit: not_found: ", "timekit get nobody")
    ends(5, "^timekit: not_found: ", "timekit confirm 'a/../b'")
    ends(5, "^timekit: not_found: ", "timekit webhook replay 7 --exec true")
  end)

  it("is 6 when nothing was applied and it is safe to run again", function()
    ends(6, "^timekit: network: ", "timekit confirm x --base-url http://127.0.0.1:1 --retries 0")
    world:fault {
      match = "PUT /v2/bookings/*/confirm", when = "before", what = "status", status = 429,
      headers = { ["retry-after"] = "99" },
    }
    ends(6, "^timekit: rate_limited: .*retry after 99 s", "timekit confirm " .. world:booking())
    -- Long enough for one read of it on a slow machine.
    ends(6, "^timekit: timeout: .*did not come to the state 'confirmed'",
      ("timekit wait %s confirmed --timeout 1"):format(world:booking()))
  end)

  it("is 7 when it may have been done", function()
    local id = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    ends(7, "^timekit: uncertain: ", "timekit confirm " .. id .. " --uncertain report")
  end)

  it("is 130 after Ctrl-C, which says whether it may have been done", function()
    local id = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "stall", seconds = 60 }
    local started = world:start_on_terminal("timekit confirm " .. id)
    world:await_request("PUT /v2/bookings/" .. id .. "/confirm")
    started.type "\3"
    local status, shown = started.finish()
    assert.equal(130, status)
    assert.truthy(shown:find("interrupted; it may have been done: look before you run it again", 1, true), shown)
  end)

  it("is 130 after Ctrl-C while it reads its input", function()
    local started = world:start_on_terminal("echo ready; timekit create -; exit $?")
    started.await "ready"
    started.type "\3"
    assert.equal(130, (started.finish()))
  end)

  it("is 130 after Ctrl-C of a read, which had no effect", function()
    local id = world:booking()
    world:fault { match = "GET /v2/bookings/*", when = "before", what = "stall", seconds = 60 }
    local started = world:start_on_terminal("timekit get " .. id)
    world:await_request("GET /v2/bookings/" .. id)
    started.type "\3"
    local status, shown = started.finish()
    assert.equal(130, status)
    assert.truthy(shown:find("interrupted; nothing was changed", 1, true), shown)
  end)
end)
