--- Base64 (RFC 4648) as headers have it, and its form for URLs, as JSON Web Tokens have it.
-- Pure: no I/O.
-- @module timekit.signing.base64

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local VALUES = {}
for value = 0, 63 do VALUES[ALPHABET:byte(value + 1)] = value end

--- Encodes a text without the padding (`=`) at the end.
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
-- @usage base64.encode_url("\255\254")   --> "__4"
function base64.encode_url(text)
  return (base64.encode(text):gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
end

--- Decodes what `encode` wrote. Only that form is accepted: no padding, no other characters, no length that `encode`
-- cannot produce, and no stray bits at the end. So two different encodings never decode to the same text.
-- @tparam string encoded
-- @treturn string|nil nil for anything else
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
-- @treturn string|nil nil for anything else
-- @usage base64.decode_url("__4")   --> "\255\254"
function base64.decode_url(encoded)
  if encoded:find("[+/]") then return nil end
  return base64.decode((encoded:gsub("[-_]", { ["-"] = "+", ["_"] = "/" })))
end

return base64
