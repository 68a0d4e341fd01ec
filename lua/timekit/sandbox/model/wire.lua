--- Takes apart what every request has: target, query string, header names, Basic authentication.
-- @module timekit.sandbox.model.wire

local ascii = require "timekit.text.ascii"
local base64 = require "timekit.signing.base64"
local url = require "timekit.http.url"

local wire = {}

local decode = url.decode

--- Takes a request target apart.
-- @tparam string target such as `/v2/bookings/x?include=meta`
-- @treturn {string,...} the path's segments, decoded; `/a//b` has an empty one
-- @treturn table the query: name → value, decoded; of a repeated name the last value
-- @treturn {string,...} the query's parts as they came, in order
function wire.target(target)
  local path, query = target:match("^([^?#]*)%??([^#]*)")
  local segments, values, parts = {}, {}, {}
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = decode(segment) end
  for part in query:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    values[decode(name)] = decode((value:gsub("%+", " ")))
    parts[#parts + 1] = part
  end
  return segments, values, parts
end

--- Copies headers with lower-case names.
-- @tparam ?table headers name → value
-- @treturn table
function wire.lower(headers)
  local lower = {}
  for name, value in pairs(headers or {}) do lower[ascii.lower(name)] = value end
  return lower
end

--- Writes an Authorization header.
-- @tparam string username may be empty
-- @tparam string password
-- @treturn string
function wire.basic(username, password)
  local encoded = base64.encode(username .. ":" .. password)
  return "Basic " .. encoded .. ("="):rep(-#encoded % 4)
end

--- Reads an Authorization header.
-- @tparam ?string header
-- @treturn string|nil user name; nil when the header is not Basic authentication
-- @treturn ?string password
function wire.credentials(header)
  local encoded = (header or ""):match("^[ \t]*[Bb][Aa][Ss][Ii][Cc][ \t]+([^ \t]+)[ \t]*$")
  local decoded = encoded and base64.decode((encoded:gsub("=?=$", "")))
  if not decoded then return nil end
  return decoded:match("^([^:]*):(.*)$")
end

return wire
