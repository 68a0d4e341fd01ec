--- What an action costs beside libcurl and JSON.
local callgrind = require "spec.bench.callgrind"
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local server = require "spec.bench.server"
local this_lua = require "spec.support.this_lua"

local FEW, MANY = 200, 1200
local LOOPS = 20000

-- The files of the library's own work, and of JSON's. The rest is libcurl and what it uses.
local OURS = { "^lua", "^liblua", "^core%.so", "^cjson%.so", "^libsimdjson", "^libstdc%+%+" }

local function is_ours(object)
  for _, pattern in ipairs(OURS) do
    if object:find(pattern) then return true end
  end
  return false
end

local function sum(costs)
  local ours, theirs, core = 0, 0, 0
  for object, instructions in pairs(costs) do
    if is_ours(object) then ours = ours + instructions else theirs = theirs + instructions end
    if object == "core.so" then core = instructions end
  end
  return ours, theirs, core
end

local function microseconds(command, rounds)
  local list = {}
  for round = 1, rounds do list[round] = tonumber(load.run(("%s %d"):format(command, LOOPS))) end
  return list
end

return function(report, context)
  local probes = this_lua.command .. " spec/bench/probes/"
  local canned, json = probes .. "canned_loop.lua", probes .. "json_loop.lua"
  local real = ("%s spec/bench/peers/timekit.lua %s h1 1 1"):format(
    this_lua.command, server.endpoint(context.server.url))

  local environment = load.environment()
  local action, libcurl, core = sum(callgrind.per_item(environment, real, FEW, MANY))
  local for_json, _, core_for_json = sum(callgrind.per_item(environment, json, FEW, MANY))
  local of_canned = sum(callgrind.per_item(environment, canned, FEW, MANY))
  local canned_times, json_times = microseconds(canned, context.plan.rounds), microseconds(json, context.plan.rounds)
  local canned_time, json_time = numbers.spread(canned_times), numbers.spread(json_times)

  local own = action - for_json
  local own_time = own / (of_canned / canned_time)
  report:heading("The library's own cost of an action")
  report:line("Instructions (callgrind) of a process that acts against the server, hooks set: in the interpreter, the")
  report:line("C core and lua-cjson, with what they call in the C library, and less those of decoding and encoding the")
  report:line("same texts in a loop; the collector's work on what JSON made is JSON's. The kernel's do not count.")
  report:line("Microseconds: by the speed of the canned answers, actions over a transport that is no more than a")
  report:line("table, measured both ways.")
  report:line("")
  report:table({ "part", "instructions each", "µs of CPU each" }, {
    { "own: Lua and C, without libcurl and JSON", numbers.grouped(own), ("%.1f"):format(own_time) },
    { "of it core.so and what it calls in the C library", numbers.grouped(core - core_for_json), "" },
    { "canned answers, JSON included", numbers.grouped(of_canned), numbers.text(canned_times, "%.1f") },
    { "JSON", numbers.grouped(for_json), numbers.text(json_times, "%.1f") },
    { "canned answers less JSON", numbers.grouped(of_canned - for_json), ("%.1f"):format(canned_time - json_time) },
    { "libcurl, without the kernel", numbers.grouped(libcurl), "" },
  })
  report:row {
    name = "own cost of an action, µs", value = own_time, format = "%.1f", at_least = 10, aim = 3, most = true,
  }
end
