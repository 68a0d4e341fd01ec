-- The program's help: every command has one, with examples, and the examples work.
local program = require "spec.support.program"
local commands = require "timekit.cli.commands"
local parser = require "timekit.cli.parser"
local redis = require "spec.support.redis"

describe("the help", function()
  local world, server
  setup(function()
    world = program.new()
    world:write("secret", "s3cret\n")
    server = redis.start()
    world.prelude = world.prelude .. "\nexport TIMEKIT_REDIS=" .. server.address
  end)
  teardown(function()
    world:close()
    server:close()
  end)

  it("names every command", function()
    local status, out, err = world:run "timekit --help"
    assert.same({ 0, "" }, { status, err })
    for _, entry in ipairs(commands) do
      assert.truthy(out:find("\n   " .. entry[1] .. " +" .. entry[2] .. "\n"), entry[1])
    end
    for _, option in ipairs(parser.OPTIONS) do assert.truthy(out:find("\n   " .. option[1], 1, true), option[1]) end
    assert.truthy(out:find "Short for actions: cancel,.* decline,")
  end)

  for _, entry in ipairs(commands) do
    local name = entry[1]
    it("of " .. name .. " has examples that work", function()
      local status, out = world:run(("timekit %s --help"):format(name))
      assert.equal(0, status)
      local examples = parser.load(name).examples
      for _, example in ipairs(examples) do
        assert.truthy(out:find("\n   " .. example .. "\n", 1, true), example)
      end
      for _, example in ipairs(examples) do
        local id = world:booking "instant"
        local command = ("ID=%s; %s"):format(id, example)
        if example:find " sandbox " or example:find " listen " then
          local started = world:start_on_terminal(command)
          started.await " on http://127.0.0.1:"
          started.type "\3"
          assert.equal(130, (started.finish()))
        elseif example:find " worker " then
          local started = world:start_on_terminal(command)
          started.await "Ctrl-C finishes"
          started.type "\3"
          started.finish() -- with the status of the shell, which Ctrl-C ends as well
        else
          local code, _, err = world:run(command)
          assert.equal(0, code, example .. "\n" .. err)
        end
      end
    end)
  end

  -- A booking in which each action is possible.
  local function booking_for(action)
    if action == "confirm" or action == "decline" then return world:booking() end
    if action == "pay" or action == "timeout" then return world:booking "instant_payment" end
    if action ~= "cancel_by_owner" then return world:booking "instant" end
    local owner = world:booking("group_owner", { group_booking = { max_seats = 3 } })
    return world:booking("group_customer", { related = { owner_booking_id = owner } })
  end

  for _, action in ipairs(parser.short_actions()) do
    it(("of %s, which is short for an action, has an example that works"):format(action), function()
      local status, out = world:run(("timekit %s --help"):format(action))
      assert.equal(0, status)
      local example = out:match "Example:\n   ([^\n]*)"
      local code, _, err = world:run(("ID=%s; %s"):format(booking_for(action), example))
      assert.equal(0, code, err)
    end)
  end

  it("is there for the commands of webhook as well, also beside what is wrong", function()
    for _, name in ipairs { "verify", "listen", "replay" } do
      local status, out = world:run(("timekit webhook %s -h --nothing"):format(name))
      assert.equal(0, status)
      assert.truthy(out:find("^Usage: timekit webhook " .. name), out)
      assert.truthy(out:find("Examples:", 1, true))
    end
  end)
end)
