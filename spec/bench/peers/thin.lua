--- A thin module: tables from JSON over libcurl, with this library's decoder and none of its rules.
local core = require "timekit.core"
local documents = require "spec.bench.documents"
local slice = require "spec.bench.slice"
local thin = assert(package.loadlib("build/bench/thin.so", "luaopen_thin"))()

local base_url = slice.url:match("^(.*)/bookings/")

local function send(action, inputs)
  thin.send(("%s/bookings/%s/%s"):format(base_url, documents.ID, action), core.encode { [action] = inputs })
end

thin.open(table.unpack(arg))
for _ = 1, slice.in_flight do send("confirm", documents.INPUTS) end
local started = slice.in_flight
for _ = 1, slice.total do
  slice.answered(core.decode(thin.receive()).data)
  if started < slice.total then
    started = started + 1
    send("confirm", documents.INPUTS)
  end
end
slice.report()
