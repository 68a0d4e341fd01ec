-- The examples for the README: each runs as it stands, ends by itself, prints what is said here, and stands in the
-- README as it stands in its file.
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local EXAMPLES = {
  game = { prints = "confirmed\n", states = { "confirmed" } },
  luv = { prints = "waiting for both\nconfirmed\nconfirmed\n", states = { "confirmed", "confirmed" } },
  cqueues = { prints = "waiting for both\nconfirmed\nconfirmed\n", states = { "confirmed", "confirmed" } },
  fd_luv = { prints = "declined\n", states = { "declined" } },
  loop = { prints = "that is all\n", states = {} },
}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

describe("the example", function()
  local served

  setup(function() served = server.start() end)
  teardown(function() served:close() end)
  before_each(function() served:call("POST", "/_sandbox/reset") end)

  local function run(name)
    local environment = "TIMEKIT_APP_KEY=test_api_key_1 TIMEKIT_BASE_URL=" .. served.url
    return shell.must(("env %s timeout 60 %s spec/examples/%s.lua"):format(environment, this_lua.command, name))
  end

  local function states()
    local _, answer = served:call("GET", "/_sandbox/bookings")
    local list = {}
    for index, booking in ipairs(answer.data) do list[index] = booking.state end
    return list
  end

  for name, expected in pairs(EXAMPLES) do
    it(name .. " does what it says, and ends", function()
      assert.equal(expected.prints, run(name))
      assert.same(expected.states, states())
    end)

    it(name .. " retries as everything does", function()
      served:call("POST", "/_sandbox/faults", core.encode { faults = core.array {
        { match = "PUT /v2/bookings/*/*", what = "status", status = 429, when = "before" },
        { match = "PUT /v2/bookings/*/*", what = "close", when = "after" },
      } })
      assert.equal(expected.prints, run(name))
      assert.same(expected.states, states())
    end)

    it(name .. " is short enough to be read", function()
      local count = 0
      for line in read(("spec/examples/%s.lua"):format(name)):gmatch("([^\n]*)\n") do
        count = count + 1
        assert.is_true(#line <= 120)
      end
      assert.is_true(count <= 25, count)
    end)
  end

  it("stands in the README as in its file, if the section Hosts names it", function()
    local hosts = ("\n" .. read("README.md")):match("\n## Hosts\n(.*)") or ""
    hosts = ("\n" .. hosts):match("^(.-)\n## ") or hosts
    for name in hosts:gmatch("spec/examples/([%w_]+)%.lua") do
      local block = ("\n```lua\n%s```"):format(read(("spec/examples/%s.lua"):format(name)))
      assert.truthy(hosts:find(block, 1, true), name .. ".lua is not in the README as it is in its file")
      assert.truthy(EXAMPLES[name], name .. ".lua is not run here")
    end
    local configuration = "\n```nginx\n" .. read("spec/examples/nginx.conf") .. "```"
    assert.truthy(hosts:find(configuration, 1, true), "nginx.conf is not in the README as it is in its file")
  end)
end)
