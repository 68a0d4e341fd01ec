--- A program: a decoder, again and again on the same text. `lua decoder.lua DECODER DOCUMENT SECONDS` prints the
-- microseconds of CPU for each. DECODER: a name below; DOCUMENT: a field of `spec.bench.documents`.
local documents = require "spec.bench.documents"

local decoders = {
  core = function() return require("timekit.core").decode end,
  cjson = function() return require("cjson").decode end,
  dkjson = function() return require("dkjson").use_lpeg().decode end,
  ["dkjson without lpeg"] = function() return require("dkjson").decode end,
}

local decode, text, seconds = decoders[arg[1]](), documents[arg[2]], tonumber(arg[3])

local function works(value)
  local booking = value.data[1] or value.data
  return booking.state == "confirmed" and #booking.customers == 11 and booking.meta.deposit == 12.5
end
assert(works(decode(text)))

local function run(times)
  local began = os.clock()
  for _ = 1, times do decode(text) end
  return os.clock() - began
end

-- The clock is read once for many: for a small text, reading it each time would show in the result.
local times, took = 1, 0
while took < seconds / 2 do
  times = times * 2
  took = run(times)
end
print(took / times * 1e6)
