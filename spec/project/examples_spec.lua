-- The examples: each runs as it stands, ends by itself, prints what is said of it, and the README leads to it.
local core = require "timekit.core"
local redis = require "spec.support.redis"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- Those that ask a served sandbox, as they would ask Timekit: what they print, and the states they leave behind.
local SERVED = {
  game = { prints = "confirmed\n", states = { "confirmed" } },
  luv = { prints = "waiting for both\nconfirmed\nconfirmed\n", states = { "confirmed", "confirmed" } },
  cqueues = { prints = "waiting for both\nconfirmed\nconfirmed\n", states = { "confirmed", "confirmed" } },
  fd_luv = { prints = "declined\n", states = { "declined" } },
  loop = { prints = "that is all\n", states = {} },
  queue = { prints = "done\tconfirmed\n", states = { "confirmed" } },
}

-- `make run`'s program has a spec of its own, in readme_spec.lua.
local DEMO = "demo"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local function path_of(name) return ("spec/examples/%s.lua"):format(name) end

local function names()
  local list = {}
  for name in shell.must("ls spec/examples"):gmatch("([%w_]+)%.lua\n") do list[#list + 1] = name end
  return list
end

-- What an example says at its end that it prints; nil when it says nothing.
local function told(name)
  local comments = read(path_of(name)):match("\n%-%- It prints:\n(.+)$")
  return comments and ("\n" .. comments):gsub("\n%-%- ", "\n"):sub(2)
end

local function run(name, environment)
  return shell.must(("env %s timeout 60 %s %s"):format(environment or "", this_lua.command, path_of(name)))
end

describe("the example", function()
  local served, queue_server

  setup(function()
    served = server.start()
    queue_server = redis.start()
  end)
  teardown(function()
    served:close()
    queue_server:close()
  end)
  before_each(function()
    served:request("POST", "/_sandbox/reset")
    queue_server:cli "flushall"
  end)

  local function run_served(name)
    return run(name, ("TIMEKIT_APP_KEY=test_api_key_1 TIMEKIT_BASE_URL=%s TIMEKIT_REDIS=%s"):format(
      served.url, queue_server.address))
  end

  local function states()
    local _, answer = served:request("GET", "/_sandbox/bookings")
    local list = {}
    for index, booking in ipairs(answer.data) do list[index] = booking.state end
    return list
  end

  for name, expected in pairs(SERVED) do
    it(name .. " does what it says, and ends", function()
      assert.equal(expected.prints, run_served(name))
      assert.same(expected.states, states())
    end)

    it(name .. " retries as everything does", function()
      served:request("POST", "/_sandbox/faults", core.encode { faults = core.array {
        { match = "PUT /v2/bookings/*/*", what = "status", status = 429, when = "before" },
        { match = "PUT /v2/bookings/*/*", what = "close", when = "after" },
      } })
      assert.equal(expected.prints, run_served(name))
      assert.same(expected.states, states())
    end)
  end

  for _, name in ipairs(names()) do
    if not SERVED[name] and name ~= DEMO then
      it(name .. " prints what it says at its end, without an account", function()
        assert.equal(told(name), run(name, "-u TIMEKIT_APP_KEY -u TIMEKIT_BASE_URL"))
      end)
    end

    if name ~= DEMO then
      it(name .. " is short enough to be read", function()
        local count = 0
        for line in read(path_of(name)):gmatch("([^\n]*)\n") do
          count = count + 1
          assert.is_true(#line <= 120, line)
        end
        assert.is_true(count <= (SERVED[name] and 25 or 40), count)
      end)
    end
  end

  it("is one that the README leads to", function()
    local readme = read("README.md")
    for name in shell.must("ls spec/examples"):gmatch("%S+") do
      assert.truthy(readme:find("(spec/examples/" .. name .. ")", 1, true), name)
    end
  end)
end)
