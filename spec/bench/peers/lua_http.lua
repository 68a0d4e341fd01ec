--- lua-http, one kept connection for each request in flight, decoded by lua-cjson.
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local headers = require "http.headers"
local slice = require "spec.bench.slice"

local request = headers.new()
request:append(":method", "PUT")
request:append(":scheme", "http")
request:append(":authority", slice.host .. ":" .. slice.port)
request:append(":path", slice.path)
request:append("authorization", slice.auth, true)
request:append("content-type", "application/json")
request:append("content-length", tostring(#slice.body))

local started = 0

local function work()
  local connection = assert(client.connect { host = slice.host, port = tonumber(slice.port), version = 1.1 })
  while started < slice.total do
    started = started + 1
    local stream = assert(connection:new_stream())
    assert(stream:write_headers(request, false))
    assert(stream:write_chunk(slice.body, true))
    assert(assert(stream:get_headers()):get(":status") == "200")
    slice.answered(cjson.decode(assert(stream:get_body_as_string())).data)
  end
  connection:close()
end

local queue = cqueues.new()
for _ = 1, slice.in_flight do queue:wrap(work) end
assert(queue:loop())
slice.report()
