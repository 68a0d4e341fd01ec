--- JSON Web Tokens, signed with HMAC-SHA256 (RFC 7519, RFC 7515): what an action link carries (API.md 5).
-- Pure. No other algorithm is known, `none` least of all: what a token says about its own signature is not believed.
-- @module timekit.signing.jwt

local base64 = require "timekit.signing.base64"
local core = require "timekit.core"

local jwt = {}

local HEADER = base64.encode_url('{"alg":"HS256","typ":"JWT"}')

local function is_object(value)
  return type(value) == "table" and not core.is_array(value)
end

--- Makes a token.
-- @tparam string claims a JSON object
-- @tparam function sign function(text) → the text's HMAC-SHA256, raw
-- @treturn string
function jwt.make(claims, sign)
  local signed = HEADER .. "." .. base64.encode_url(claims)
  return signed .. "." .. base64.encode_url(sign(signed))
end

local function decode_object(encoded)
  local text = base64.decode_url(encoded)
  local value = text and core.decode(text)
  return is_object(value) and value or nil
end

--- Takes a token apart, without looking at its signature.
-- @tparam string token
-- @treturn table|nil `header` and `claims` (decoded), `signed` (the text that is signed), `signature` (encoded)
-- @treturn ?string why it is no token
function jwt.parse(token)
  local signed, signature = token:match("^([A-Za-z0-9_-]+%.[A-Za-z0-9_-]+)%.([A-Za-z0-9_-]*)$")
  if not signed then return nil, "expected three parts in base64url, separated by dots" end
  local header, claims = signed:match("^(.-)%.(.*)$")
  header, claims = decode_object(header), decode_object(claims)
  if not header then return nil, "its header is no JSON object in base64url" end
  if not claims then return nil, "its claims are no JSON object in base64url" end
  return { header = header, claims = claims, signed = signed, signature = signature }
end

--- Checks a token's signature, in a time that tells nothing about it.
-- @tparam table token what `jwt.parse` returned
-- @tparam function sign as for `jwt.make`
-- @treturn boolean
-- @treturn ?string why not
function jwt.check(token, sign)
  if token.header.alg ~= "HS256" then return false, "it is not signed with HS256" end
  -- It may demand what is not known here (RFC 7515, 4.1.11).
  if token.header.crit ~= nil then return false, "its header has the extension crit" end
  -- Compared as it is written: there is one way to write a signature.
  local expected = base64.encode_url(sign(token.signed))
  if core.equal(expected, token.signature) then return true end
  return false, "its signature is wrong"
end

return jwt
