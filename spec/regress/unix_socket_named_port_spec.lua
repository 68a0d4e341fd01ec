-- A user saw: `Failed to connect to localhost port 80` for a Redis whose socket was not there
local redis_link = require "spec.support.redis_link"
local shell = require "spec.support.shell"
local unix = require "socket.unix"

describe("a socket that cannot be connected to", function()
  local folder

  setup(function() folder = shell.must("mktemp -d"):match "%S+" end)
  teardown(function() shell.must("rm -r " .. folder) end)

  local function problem_with(path)
    local at = redis_link.open("unix://" .. path)
    local _, failure = at.ask { "PING" }
    at.close()
    assert.same({ "network", "no" }, { failure.kind, failure.sent })
    return failure.message
  end

  it("is said to be missing, or without a server", function()
    assert.equal("Redis: there is no socket at this path", problem_with(folder .. "/none"))
    local listener = assert((type(unix) == "table" and unix.stream or unix)())
    assert(listener:bind(folder .. "/left"))
    listener:close()
    assert.equal("Redis: no server listens on this socket", problem_with(folder .. "/left"))
  end)
end)
