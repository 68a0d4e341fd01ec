--- Reads `customer_action_links` of a booking. What they look like is not known (API.md 5), so whatever says which URL
-- is for which action is understood: a table action → URL, a list of objects with a name and a URL, a list of URLs that
-- name their action themselves, and any of these inside one another.
-- Pure.
-- @module timekit.methods.customer_links

local core = require "timekit.core"
local link = require "timekit.link"
local urls = require "timekit.http.url"

local customer_links = {}

local URLS = { "url", "link", "href" }
local NAMES = { "action", "name", "type", "rel" }

local function first_string(object, fields)
  for _, field in ipairs(fields) do
    if type(object[field]) == "string" then return object[field] end
  end
  return nil
end

-- Adds the links of a value that stands under `name`. false: there is something in it that is no link.
local function collect(value, name, found)
  if value == nil or value == core.null or value == false then return true end
  if type(value) == "string" then
    local parts = link.parse(value)
    -- What a link does is what its URL says.
    local action = parts and parts.action or name
    if not action or not urls.web(value) then return false end
    found[action] = value
    return true
  end
  if type(value) ~= "table" then return false end
  if core.is_array(value) then
    for _, item in ipairs(value) do
      if not collect(item, nil, found) then return false end
    end
    return true
  end
  local url = first_string(value, URLS)
  if url then return collect(url, first_string(value, NAMES) or name, found) end
  for key, item in pairs(value) do
    if not collect(item, key, found) then return false end
  end
  return true
end

--- Reads the links.
-- @tparam any value as decoded from an answer
-- @treturn table|nil action → URL, empty where there are none; nil for what cannot be read
function customer_links.read(value)
  local found = {}
  return collect(value, nil, found) and found or nil
end

return customer_links
