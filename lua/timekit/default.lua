--- The default client: that of `timekit.configure`, or of the environment. It is made when it is first needed, and anew
-- once it was closed.
-- @module timekit.default

local client = require "timekit.client"
local options = require "timekit.options"

local default = {}

local configured, current = {}, nil

--- Sets its options. A client that is in use already is left to those who use it.
-- @tparam table checked what `timekit.options.client` returned
function default.configure(checked)
  configured, current = checked, nil
end

--- Hands it over, made if need be.
-- Raises when there is no key, and when a variable of the environment is wrong.
-- @tparam string where for messages
-- @tparam integer level whom to blame, as in Lua's `error`
-- @treturn Client
function default.get(where, level)
  if not current or current.closed then
    local settings = options.complete(configured, where, level + 1)
    current = client.new(settings)
  end
  return current
end

--- Stands for the default client in a handle that may never need it, in a program without a key say. Its `resolve`
-- takes what `get` does.
default.later = {
  resolve = function(where, level)
    local made = default.get(where, level + 1)
    return made
  end,
}

return default
