--- The default client: that of `timekit.configure`, or of the environment. It is made when it is first needed, and made
-- again after it was closed.
-- @module timekit.default

local client = require "timekit.client"
local options = require "timekit.options"

local default = {}

local configured, current = {}, nil

--- Sets the default client's options. Handles of an earlier default client go on using that one.
-- @tparam table checked what `timekit.options.client` returned
function default.configure(checked)
  configured, current = checked, nil
end

--- Returns the default client. Makes it first if there is none.
-- Raises when there is no key, and when a variable of the environment is wrong.
-- @tparam string where for messages
-- @tparam integer level the caller to blame, as for Lua's `error`
-- @treturn Client
function default.get(where, level)
  if not current or current.closed then
    local settings = options.complete(configured, where, level + 1)
    current = client.new(settings)
  end
  return current
end

--- Stands for the default client in a handle that may never need it, for example in a program without a key. `resolve`
-- takes what `get` takes.
default.later = {
  resolve = function(where, level)
    local made = default.get(where, level + 1)
    return made
  end,
}

return default
