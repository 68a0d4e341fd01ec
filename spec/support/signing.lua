--- HMAC-SHA256 and base64url as others make them: by the openssl program, and in Lua from FIPS 180-4 and RFC 2104.
local shell = require "spec.support.shell"

local unpack = table.unpack or unpack -- luacheck: ignore 113

local signing = {}

--- Bytes as hexadecimal digits.
function signing.hex(bytes)
  return (bytes:gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

--- Hexadecimal digits as bytes.
function signing.bytes(digits)
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- ---- by the program ----

local function with_file(text, command)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local output = shell.must(command:format(path))
  os.remove(path)
  return output
end

--- The HMAC-SHA256 in hexadecimal digits, as `openssl dgst` says it. The key goes as hex, so it can be any bytes.
-- @tparam string key not empty, which the program does not take
-- @tparam string text
function signing.by_openssl(key, text)
  local output = with_file(text, "openssl dgst -sha256 -mac HMAC -macopt hexkey:" .. signing.hex(key) .. " %s")
  return (assert(output:match("= (%x+)")))
end

--- Base64url without padding, by `openssl base64`.
function signing.base64url_by_openssl(text)
  return (with_file(text, "openssl base64 -A -in %s | tr '+/' '-_' | tr -d '='"))
end

-- ---- in Lua, of numbers below 2^32 ----

local floor = math.floor

local NIBBLES = {}
for a = 0, 15 do
  for b = 0, 15 do
    local value, bit = 0, 1
    for _ = 1, 4 do
      if floor(a / bit) % 2 ~= floor(b / bit) % 2 then value = value + bit end
      bit = bit * 2
    end
    NIBBLES[a * 16 + b] = value
  end
end

local function xor(a, b, ...)
  local value, unit = 0, 1
  for _ = 1, 8 do
    value = value + NIBBLES[a % 16 * 16 + b % 16] * unit
    a, b, unit = floor(a / 16), floor(b / 16), unit * 16
  end
  if ... then return xor(value, ...) end
  return value
end

local function band(a, b) return (a + b - xor(a, b)) / 2 end
local function shift(a, bits) return floor(a / 2 ^ bits) end
local function rotate(a, bits) return shift(a, bits) + a % 2 ^ bits * 2 ^ (32 - bits) end

-- The first 32 bits of the fractional parts of the roots of the first primes.
local ROOTS, START = {}, {}
do
  local number = 2
  while #ROOTS < 64 do
    local prime = true
    for divisor = 2, floor(number ^ 0.5) do prime = prime and number % divisor ~= 0 end
    if prime then
      ROOTS[#ROOTS + 1] = floor(number ^ (1 / 3) % 1 * 2 ^ 32)
      if #START < 8 then START[#START + 1] = floor(number ^ 0.5 % 1 * 2 ^ 32) end
    end
    number = number + 1
  end
end

local function digest_block(state, block)
  local w = {}
  for index = 1, 16 do
    local a, b, c, d = block:byte(index * 4 - 3, index * 4)
    w[index] = ((a * 256 + b) * 256 + c) * 256 + d
  end
  for index = 17, 64 do
    local early, late = w[index - 15], w[index - 2]
    w[index] = (w[index - 16] + xor(rotate(early, 7), rotate(early, 18), shift(early, 3)) + w[index - 7]
      + xor(rotate(late, 17), rotate(late, 19), shift(late, 10))) % 2 ^ 32
  end
  local a, b, c, d, e, f, g, h = unpack(state)
  for index = 1, 64 do
    local one = h + xor(rotate(e, 6), rotate(e, 11), rotate(e, 25)) + xor(band(e, f), band(2 ^ 32 - 1 - e, g))
      + ROOTS[index] + w[index]
    local two = xor(rotate(a, 2), rotate(a, 13), rotate(a, 22)) + xor(band(a, b), band(a, c), band(b, c))
    a, b, c, d, e, f, g, h = (one + two) % 2 ^ 32, a, b, c, (d + one) % 2 ^ 32, e, f, g
  end
  for index, value in ipairs { a, b, c, d, e, f, g, h } do state[index] = (state[index] + value) % 2 ^ 32 end
end

local function word(value)
  return string.char(floor(value / 2 ^ 24), floor(value / 2 ^ 16) % 256, floor(value / 256) % 256, value % 256)
end

local function sha256(text)
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. word(0) .. word(#text * 8)
  local state = { unpack(START) }
  for index = 1, #padded, 64 do digest_block(state, padded:sub(index, index + 63)) end
  local words = {}
  for index, value in ipairs(state) do words[index] = word(value) end
  return table.concat(words)
end

--- The HMAC-SHA256, raw.
function signing.hmac(key, text)
  if #key > 64 then key = sha256(key) end
  key = key .. ("\0"):rep(64 - #key)
  local function masked(mask)
    return (key:gsub(".", function(char) return string.char(xor(char:byte(), mask)) end))
  end
  return sha256(masked(0x5c) .. sha256(masked(0x36) .. text))
end

--- Base64url without padding.
function signing.base64url(text)
  local bits = text:gsub(".", function(char)
    local value, digits = char:byte(), ""
    for _ = 1, 8 do value, digits = floor(value / 2), value % 2 .. digits end
    return (digits:gsub("%.0", ""))
  end)
  bits = bits .. ("0"):rep(-#bits % 6)
  return (bits:gsub("%d%d%d%d%d%d", function(digits)
    local value = tonumber(digits, 2)
    return ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):sub(value + 1, value + 1)
  end))
end

--- A JSON Web Token.
-- @tparam string header
-- @tparam string claims
-- @tparam string key
function signing.token(header, claims, key)
  local signed = signing.base64url(header) .. "." .. signing.base64url(claims)
  return signed .. "." .. signing.base64url(signing.hmac(key, signed))
end

return signing
