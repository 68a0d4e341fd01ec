--- Asks a Redis for many echoes through a client, as its limit and its queue do.
local redis_many = {}

--- Makes what asks.
-- @tparam Client tk
-- @tparam string address of the Redis
-- @treturn function(name, count): asks so often, one after the other, where it is called. Returns how many answers were
--   right
function redis_many.new(tk, address)
  local link = tk:queue({ redis = address }).jobs.link
  return function(name, count)
    local right = 0
    for index = 1, count do
      local host = { runtime = (tk.runner:here()), pump = tk.runner.pump }
      local text = name .. "." .. index
      if link:ask(host, { "ECHO", text }, 20) == text then right = right + 1 end
    end
    return right
  end
end

return redis_many
