--- This library: one action in a fresh process.
local timekit = require "timekit"

local base_url, id = arg[1]:match("^(.*)/bookings/([^/]+)/confirm$")
local tk = timekit.new { app_key = os.getenv("BENCH_KEY"), base_url = base_url }
print(assert(tk:booking(id):confirm { message = os.getenv("BENCH_BODY"):match('"message":"([^"]*)"') }).state)
