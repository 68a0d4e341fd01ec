--- What a command of Redis's costs in a host, as a program: prints the microseconds of each, and those of CPU.
-- Arguments: the Redis, the host (see WAYS), and the seconds to go on.
local address, way, seconds = arg[1], arg[2], tonumber(arg[3])
local core = require "timekit.core"
local timekit = require "timekit"

local AT_ONCE = 64

local RUNTIMES = { luv = "luv", cqueues = "cqueues", copas = "copas" }
local tk = timekit.new { app_key = "k", base_url = "http://127.0.0.1:1/v2", runtime = RUNTIMES[way] }
local link = tk:queue({ redis = address }).jobs.link

local function ask()
  local host = { runtime = (tk.runner:here()), pump = tk.runner.pump }
  assert(link:ask(host, { "PING" }, 20) == "PONG")
end

local count, deadline = 0, nil

local function ask_on()
  while core.now() < deadline do
    ask()
    count = count + 1
  end
end

local WAYS = {}

WAYS["a program"] = ask_on

WAYS["a program, 64 at once"] = function()
  local pump = tk.runner.pump
  while core.now() < deadline do
    local transfers = {}
    for index = 1, AT_ONCE do transfers[index] = link:start { "PING" } end
    for _, transfer in ipairs(transfers) do
      while not transfer:done() do pump:wait(1) end
      assert(transfer:result().value == "PONG")
    end
    count = count + AT_ONCE
  end
end

WAYS["64 calls of start"] = function()
  for _ = 1, AT_ONCE do tk:start(ask_on) end
  while tk:update(1) > 0 do end
end

function WAYS.luv()
  for _ = 1, AT_ONCE do assert(coroutine.resume(coroutine.create(ask_on))) end
  require("luv").run()
end

function WAYS.cqueues()
  local loop = require("cqueues").new()
  for _ = 1, AT_ONCE do loop:wrap(ask_on) end
  assert(loop:loop())
end

function WAYS.copas()
  local copas, left = require "copas", AT_ONCE
  for _ = 1, AT_ONCE do
    copas.addthread(function()
      ask_on()
      left = left - 1
    end)
  end
  while left > 0 do copas.step(20) end
end

deadline = core.now() + 0.2
WAYS["a program"]()
count, deadline = 0, core.now() + seconds
local began, used = core.now(), os.clock()
WAYS[way]()
print(("%.3f\t%.3f"):format((core.now() - began) / count * 1e6, (os.clock() - used) / count * 1e6))
tk:close()
