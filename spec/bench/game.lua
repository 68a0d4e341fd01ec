--- Plays the game of spec/bench/probes/game.lua in a process of its own. Its resolver hangs until its standard input
-- ends.
-- From the environment: FRAMES (5000) of 2 milliseconds, CALLS (200) in flight.
local process = require "spec.support.process"
local server = require "spec.bench.server"
local this_lua = require "spec.support.this_lua"

local FRAMES = tonumber(os.getenv("FRAMES") or "") or 5000
local CALLS = tonumber(os.getenv("CALLS") or "") or 200

-- Seconds.
local PATIENCE = 120

local NAMES = { "ended", "cancelled", "median", "most_99", "most_999", "worst", "starts" }

-- Returns what it prints, by names, and `frames` and `calls`; milliseconds. `with_redis`: the calls share a rate, whose
-- Redis cannot be found either.
return function(with_redis)
  local command = "timeout %d %senv LD_PRELOAD=./build/c/slow_dns.so %s spec/bench/probes/game.lua %d %d %s"
  local game = process.start(command:format(PATIENCE, server.beside, this_lua.command, FRAMES, CALLS,
    with_redis and "redis" or ""))
  local line = game.line
  while line and not line:find("^game ") do line = game:read() end
  game:close()
  assert(line, "the game ended without its numbers")
  local told, index = { frames = FRAMES, calls = CALLS }, 0
  for number in line:gmatch("[%d.]+") do
    index = index + 1
    told[NAMES[index]] = tonumber(number)
  end
  return told
end
