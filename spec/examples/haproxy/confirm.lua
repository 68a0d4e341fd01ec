-- HAProxy: an action that waits for Timekit. See haproxy.cfg.
local core = core -- luacheck: globals core
local timekit = require "timekit"
local tk = timekit.new { runtime = "haproxy" }

core.register_action("confirm", { "http-req" }, function(txn)
  local booking, err = tk:booking(txn.f:url_param("id")):confirm()
  txn:set_var("txn.state", booking and booking.state or tostring(err))
end)
