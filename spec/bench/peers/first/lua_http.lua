--- lua-http, lua-cjson: one request in a fresh process.
local cjson = require "cjson"
local http_request = require "http.request"

local request = http_request.new_from_uri(arg[1])
request.version = 1.1
request.headers:upsert(":method", "PUT")
request.headers:append("authorization", os.getenv("BENCH_AUTH"), true)
request.headers:append("content-type", "application/json")
request:set_body(os.getenv("BENCH_BODY"))
local headers, stream = assert(request:go())
assert(headers:get(":status") == "200")
print(cjson.decode(assert(stream:get_body_as_string())).data.state)
