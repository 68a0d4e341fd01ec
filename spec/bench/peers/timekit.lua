--- This library. With more than one in flight there are so many calls that each act again and again; with
-- BENCH_CALLS=each there is a call for each action.
local actions = require "spec.bench.actions"
local slice = require "spec.bench.slice"

local tk = actions.client {
  base_url = slice.url:match("^(.*)/bookings/"), http2 = slice.protocol == "h2", ca_file = slice.ca_file,
}
if slice.in_flight == 1 then
  actions.one_after_the_other(tk, slice.total, slice.answered)
elseif os.getenv("BENCH_CALLS") ~= "each" then
  actions.workers(tk, slice.in_flight, slice.total, slice.answered)
else
  actions.many_at_once(tk, slice.in_flight, slice.total, slice.answered)
end
slice.report()
if actions.hooks then assert(actions.hooks_run == 2 * slice.total) end
tk:close()
