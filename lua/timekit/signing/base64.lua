--- Base64 (RFC 4648), as texts travel in headers, and its form for URLs, as JSON Web Tokens have it.
-- @module timekit.signing.base64

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local VALUES = {}
for value = 0, 63 do VALUES[ALPHABET:byte(value + 1)] = value end

--- Encodes a text, without padding: what an encoded text looks like inside a longer one.
-- @tparam string text any bytes
-- @treturn string
-- @usage base64.encode("ab")   --> "YWI"
function base64.encode(text)
  local out = {}
  for index = 1, #text, 3 do
    local a, b, c = text:byte(index, index + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for digit = 0, c and 3 or b and 2 or 1 do
      local value = math.floor(bits / 64 ^ (3 - digit)) % 64
      out[#out + 1] = ALPHABET:sub(value + 1, value + 1)
    end
  end
  return table.concat(out)
end

--- Encodes a text for URLs, with `-` and `_` and without padding (RFC 4648, 5).
-- @tparam string text any bytes
-- @treturn string
function base64.encode_url(text)
  return (base64.encode(text):gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
end

--- Decodes what `encode` wrote. Each text has one encoding only: padding, other characters, a length that no encoding
-- has, and bits that are left over at the end are refused.
-- @tparam string encoded
-- @treturn string|nil
-- @usage base64.decode("YWI")   --> "ab"
function base64.decode(encoded)
  if encoded:find("[^A-Za-z0-9+/]") or #encoded % 4 == 1 then return nil end
  local out = {}
  for index = 1, #encoded, 4 do
    local a, b, c, d = encoded:byte(index, index + 3)
    local bits = VALUES[a] * 262144 + VALUES[b] * 4096 + (c and VALUES[c] or 0) * 64 + (d and VALUES[d] or 0)
    local bytes = string.char(math.floor(bits / 65536), math.floor(bits / 256) % 256, bits % 256)
    out[#out + 1] = bytes:sub(1, d and 3 or c and 2 or 1)
  end
  local decoded = table.concat(out)
  if base64.encode(decoded) ~= encoded then return nil end
  return decoded
end

--- Decodes what `encode_url` wrote, as strictly as `decode`.
-- @tparam string encoded
-- @treturn string|nil
function base64.decode_url(encoded)
  if encoded:find("[+/]") then return nil end
  return base64.decode((encoded:gsub("[-_]", { ["-"] = "+", ["_"] = "/" })))
end

return base64
