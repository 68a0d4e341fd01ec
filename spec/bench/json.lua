--- `make bench-json`: the decoders alone. Its arguments are folders, each with a build of the core.
-- From the environment: ROUNDS (5), SECONDS (0.5, of a slice).
local Report = require "spec.bench.report"
local documents = require "spec.bench.documents"
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local this_lua = require "spec.support.this_lua"

local ROUNDS = tonumber(os.getenv("ROUNDS") or "") or 5
local SECONDS = tonumber(os.getenv("SECONDS") or "") or 0.5

local DOCUMENTS = { "ANSWER", "LIST" }

local decoders = {}
for _, folder in ipairs(arg) do
  decoders[#decoders + 1] = {
    name = ("core.decode (%s)"):format(folder), decoder = "core",
    environment = ("LUA_CPATH='./%s/?.so;;'"):format(folder),
  }
end
for _, name in ipairs { "cjson", "dkjson", "dkjson without lpeg" } do
  decoders[#decoders + 1] = { name = name, decoder = name, environment = "" }
end

local function microseconds(decoder, document)
  return tonumber(load.run(("env %s %s spec/bench/probes/decoder.lua '%s' %s %g"):format(
    decoder.environment, this_lua.command, decoder.decoder, document, SECONDS)))
end

local report = Report.new()
report:line("# Decoders of JSON, %s", _VERSION)
for _, document in ipairs(DOCUMENTS) do
  local times = {}
  for _, decoder in ipairs(decoders) do times[decoder.name] = {} end
  for round = 1, ROUNDS do
    for _, decoder in ipairs(decoders) do times[decoder.name][round] = microseconds(decoder, document) end
  end
  local size = #documents[document]
  local body = {}
  for index, decoder in ipairs(decoders) do
    local list = times[decoder.name]
    body[index] = {
      decoder.name, numbers.text(list, "%.1f"), ("%.0f"):format(size / numbers.spread(list)),
      numbers.text(numbers.ratios(times.cjson, list), "%.2f"),
    }
  end
  report:heading(numbers.grouped(size) .. " bytes")
  report:table({ "decoder", "µs of CPU", "MB a second", "times as fast as cjson" }, body)
end
report:write("build/bench-json.md")
