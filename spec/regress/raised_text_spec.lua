-- A user saw: an error that a loop over bookings raised, and nothing caught, had lost its text. Lua 5.1 said "(error
-- object is not a string)", nginx's log "unknown reason". The form of spec/examples/loop.lua keeps it.
local nginx = require "spec.support.nginx"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- Timekit cannot search for such a name, so nothing is sent.
local NAME, TEXT = "x;state:confirmed", "timekit: input: search.customer.name: "

local ENVIRONMENT = "TIMEKIT_APP_KEY=test_key TIMEKIT_BASE_URL=http://127.0.0.1:1/v2"

-- How a host runs the example. A program's own argument reaches it as `arg[1]`.
local HOSTS = {
  ["a script"] = "dofile 'spec/examples/loop.lua'",
  ["a call"] = [[
    local tk = require("timekit").new()
    tk:start(function()
      coroutine.yield()
      dofile "spec/examples/loop.lua"
    end)
    while tk:update(1) > 0 do end
  ]],
  luv = [[
    local uv = require "luv"
    uv.new_timer():start(0, 0, coroutine.wrap(function() dofile "spec/examples/loop.lua" end))
    uv.run()
  ]],
  cqueues = [[
    local queue = require("cqueues").new()
    queue:wrap(function() dofile "spec/examples/loop.lua" end)
    assert(queue:loop())
  ]],
}

describe("the text of an error that a loop raises is shown by", function()
  for host, program in pairs(HOSTS) do
    it(host, function()
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(program)
      file:close()
      local _, output = shell.run(("env %s %s %s '%s'"):format(ENVIRONMENT, this_lua.command, path, NAME))
      os.remove(path)
      assert.matches(TEXT, output, 1, true)
    end)
  end

  it("nginx's log", function()
    local running = nginx.start(nginx.configuration(([[
      location = /loop {
        content_by_lua_block {
          arg = { "%s" }
          dofile "spec/examples/loop.lua"
        }
      }
    ]]):format(NAME), { main = "env TIMEKIT_APP_KEY;\nenv TIMEKIT_BASE_URL;\n" }), ENVIRONMENT)
    running:get "/loop"
    local log = running:complaints()
    running:close()
    assert.matches(TEXT, log, 1, true)
  end)
end)
