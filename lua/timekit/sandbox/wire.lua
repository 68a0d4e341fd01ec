--- What a request looks like before it means anything: percent-encoding, query strings, Basic authentication.
-- @module timekit.sandbox.wire

local wire = {}

local floor, char = math.floor, string.char

--- Undoes percent-encoding. A `%` that starts no valid escape stays as it is.
-- @tparam string text
-- @treturn string
function wire.decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

--- Takes a request target apart.
-- @tparam string target such as `/v2/bookings/x?include=meta`
-- @treturn {string,...} the path's segments, decoded; `/a//b` has an empty one
-- @treturn table the query: name → value, decoded, the last one where a name is repeated
-- @treturn {string,...} the query's parts as they came, in order
function wire.target(target)
  local path, query = target:match("^([^?#]*)%??([^#]*)")
  local segments, values, parts = {}, {}, {}
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = wire.decode(segment) end
  for part in query:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    values[wire.decode(name)] = wire.decode((value:gsub("%+", " ")))
    parts[#parts + 1] = part
  end
  return segments, values, parts
end

--- Copies headers with lower-case names.
-- @tparam ?table headers name → value
-- @treturn table
function wire.lower(headers)
  local lower = {}
  for name, value in pairs(headers or {}) do lower[name:lower()] = value end
  return lower
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local VALUE = {}
for value = 0, 63 do VALUE[ALPHABET:sub(value + 1, value + 1)] = value end

local function encode64(bytes)
  return (bytes:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    local digits = {}
    for index = 4, 1, -1 do
      digits[index] = index > #group + 1 and "=" or ALPHABET:sub(bits % 64 + 1, bits % 64 + 1)
      bits = floor(bits / 64)
    end
    return table.concat(digits)
  end))
end

local function decode64(text)
  text = text:gsub("=?=$", "")
  if text:find("[^%w+/]") or #text % 4 == 1 then return nil end
  local bytes, bits, pending = {}, 0, 0
  for digit in text:gmatch(".") do
    bits, pending = bits * 64 + VALUE[digit], pending + 6
    if pending >= 8 then
      pending = pending - 8
      local unit = 2 ^ pending
      bytes[#bytes + 1] = char(floor(bits / unit))
      bits = bits % unit
    end
  end
  return table.concat(bytes)
end

--- Writes base64url without padding, as JWTs have it.
-- @tparam string bytes
-- @treturn string
function wire.encode64url(bytes)
  return (encode64(bytes):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
end

--- Reads base64url without padding.
-- @tparam string text
-- @treturn string|nil nil when it is something else
function wire.decode64url(text)
  if text:find("[^%w%-_]") then return nil end
  return decode64((text:gsub("[-_]", { ["-"] = "+", _ = "/" })))
end

--- Writes an Authorization header.
-- @tparam string username may be empty
-- @tparam string password
-- @treturn string
function wire.basic(username, password)
  return "Basic " .. encode64(username .. ":" .. password)
end

--- Reads an Authorization header.
-- @tparam ?string header
-- @treturn string|nil user name; nil when this is no Basic authentication
-- @treturn ?string password
function wire.credentials(header)
  local encoded = (header or ""):match("^%s*[Bb][Aa][Ss][Ii][Cc]%s+(%S+)%s*$")
  local decoded = encoded and decode64(encoded)
  if not decoded then return nil end
  return decoded:match("^([^:]*):(.*)$")
end

return wire
