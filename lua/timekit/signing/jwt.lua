--- JSON Web Tokens signed with HMAC-SHA256 (RFC 7519, RFC 7515), as an action link carries one (spec/api.md 5).
-- Pure: no I/O. Every other algorithm is refused, `none` included: whoever forges a token also writes its header.
-- @module timekit.signing.jwt

local base64 = require "timekit.signing.base64"
local core = require "timekit.core"
local fields = require "timekit.text.fields"

local jwt = {}

local HEADER = base64.encode_url('{"alg":"HS256","typ":"JWT"}')

--- Makes a token.
-- @tparam string claims a JSON object
-- @tparam function sign function(text) → the text's HMAC-SHA256, 32 bytes
-- @treturn string
-- @usage
-- jwt.make('{"action":"cancel"}', function(text) return core.hmac_sha256(key, text) end)
--   --> "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhY3Rpb24iOiJjYW5jZWwifQ.…"
function jwt.make(claims, sign)
  local signed = HEADER .. "." .. base64.encode_url(claims)
  return signed .. "." .. base64.encode_url(sign(signed))
end

local function decode_object(encoded)
  local text = base64.decode_url(encoded)
  local value = text and core.decode(text)
  return fields.named(value) == nil and value or nil
end

--- Takes a token apart. The signature is **not** checked: see `check`.
-- @tparam string token
-- @treturn table|nil `header` and `claims` (decoded), `signed` (the text that is signed), `signature` (encoded); nil
--   for anything that is not a token
-- @treturn ?string why it is not one
-- @usage
-- local token, problem = jwt.parse(text)
-- if token then print(token.header.alg, token.claims.action) else print(problem) end
function jwt.parse(token)
  local signed, signature = token:match("^([A-Za-z0-9_-]+%.[A-Za-z0-9_-]+)%.([A-Za-z0-9_-]*)$")
  if not signed then return nil, "expected three parts in base64url, separated by dots" end
  local header, claims = signed:match("^(.-)%.(.*)$")
  header, claims = decode_object(header), decode_object(claims)
  if not header then return nil, "its header is not a JSON object in base64url" end
  if not claims then return nil, "its claims are not a JSON object in base64url" end
  return { header = header, claims = claims, signed = signed, signature = signature }
end

--- Checks a token's signature. Signatures are compared in constant time.
-- @tparam table token what `jwt.parse` returned
-- @tparam function sign as for `jwt.make`
-- @treturn boolean
-- @treturn ?string why not
-- @usage
-- local good, problem = jwt.check(token, function(text) return core.hmac_sha256(key, text) end)
function jwt.check(token, sign)
  if token.header.alg ~= "HS256" then return false, "it is not signed with HS256" end
  -- It names extensions that a reader has to understand, and no extension is known here (RFC 7515, 4.1.11).
  if token.header.crit ~= nil then return false, "its header has the extension crit" end
  -- The encoded texts can be compared, since a signature has only one encoding.
  local expected = base64.encode_url(sign(token.signed))
  if core.equal(expected, token.signature) then return true end
  return false, "its signature is wrong"
end

return jwt
