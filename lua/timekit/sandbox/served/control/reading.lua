--- What the control endpoints read of a request.
-- @module timekit.sandbox.served.control.reading
local core = require "timekit.core"
local fields = require "timekit.text.fields"
local replies = require "timekit.sandbox.routes.replies"

local reading = {}

local MAX = 1000

--- The object in a body.
-- @tparam string text
-- @tparam string example of such an object
-- @treturn table|nil
-- @treturn ?table the reply that refuses something else
function reading.object(text, example)
  local body = core.decode(text)
  if fields.is_object(body) then return body end
  return nil, replies.error(400, "expected a JSON object such as " .. example)
end

--- A whole number from 1 in the query.
-- @tparam table query
-- @tparam string name
-- @tparam[opt] number default
-- @treturn number|nil
-- @treturn ?table the reply that refuses something else
function reading.number(query, name, default)
  local text = query[name]
  if text == nil then return default end
  local number = text:find("^%d%d?%d?%d?%d?%d?%d?%d?%d?$") and tonumber(text)
  if number and number >= 1 then return number end
  return nil, replies.field(name, name .. " must be a whole number from 1")
end

--- The page of a list that a query asks for: `newest` is how many, `before` the number where they begin.
-- @tparam table query
-- @treturn table|nil `{ newest =, before = }`; nil when the query asks for no page
-- @treturn ?table the reply that refuses the query
function reading.page(query)
  if not query.newest then return nil end
  local newest, refusal = reading.number(query, "newest")
  if refusal then return nil, refusal end
  local before, refused = reading.number(query, "before", math.huge)
  if refused then return nil, refused end
  return { newest = math.min(newest, MAX), before = before }
end

return reading
