--- Which runtime a client uses: how its methods wait. See `timekit.runtime.reference`.
-- @module timekit.runtime

local runtime = {}

--- The names of the runtimes that are here, as keys.
runtime.NAMES = { blocking = true, copas = true, cqueues = true, haproxy = true, luv = true, ngx = true }

-- Other hosts may have a global `ngx` of their own, so its parts are looked at.
local function is_nginx()
  local ngx = rawget(_G, "ngx")
  return type(ngx) == "table" and type(ngx.get_phase) == "function" and type(ngx.timer) == "table"
end

--- The runtime of a client.
-- @tparam ?string|table choice a name, or a runtime; nil: `ngx` in nginx, else `blocking`
-- @treturn table
function runtime.of(choice)
  if type(choice) == "table" then return choice end
  return require("timekit.runtime." .. (choice or is_nginx() and "ngx" or "blocking"))
end

return runtime
