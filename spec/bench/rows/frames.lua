--- What a game's frame pays for `tk:update()` while a resolver hangs.
-- From the environment: FRAMES (5000) of 2 milliseconds, CALLS (200) in flight.
local numbers = require "spec.bench.numbers"
local process = require "spec.support.process"
local server = require "spec.bench.server"
local this_lua = require "spec.support.this_lua"

local FRAMES = tonumber(os.getenv("FRAMES") or "") or 5000
local CALLS = tonumber(os.getenv("CALLS") or "") or 200

local PATIENCE = 120

return function(report)
  local command = "timeout %d %senv LD_PRELOAD=./build/c/slow_dns.so %s spec/bench/probes/game.lua %d %d"
  local game = process.start(command:format(PATIENCE, server.beside, this_lua.command, FRAMES, CALLS))
  local line = game.line
  while line and not line:find("^game ") do line = game:read() end
  game:close()
  assert(line, "the game ended without its numbers")
  local ended, cancelled, median, most99, most999, worst, starts = line:match(
    "^game (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$")
  report:heading("The frame of a game")
  report:line("%s frames of 2 ms with `tk:update()` in each, while a resolver hangs: %d calls in flight, %s ended,",
    numbers.grouped(FRAMES), CALLS, ended)
  report:line("%s of them cancelled. Starting all of them took %s ms.", cancelled, starts)
  report:line("")
  report:table({ "a frame's update", "ms" }, {
    { "median", median }, { "99 %", most99 }, { "99.9 %", most999 }, { "worst", worst },
  })
end
