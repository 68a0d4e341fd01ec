--- Which runtime a client uses: how its methods wait. See `timekit.runtime.reference`.
-- @module timekit.runtime

local runtime = {}

--- The runtimes that are here.
runtime.NAMES = { blocking = true, cqueues = true, luv = true, ngx = true }

-- nginx's Lua sets it everywhere; other hosts may have a global of that name.
local function is_nginx()
  local ngx = rawget(_G, "ngx")
  return type(ngx) == "table" and type(ngx.get_phase) == "function" and type(ngx.timer) == "table"
end

--- The runtime of a client.
-- @tparam ?string|table choice a name, or a runtime; nil: that of nginx in nginx, else the one that blocks
-- @treturn table
function runtime.of(choice)
  if type(choice) == "table" then return choice end
  return require("timekit.runtime." .. (choice or is_nginx() and "ngx" or "blocking"))
end

return runtime
