--- Action links: one-time links that perform one action on one booking without a key (spec/api.md 5).
-- `Booking:link` makes one; here they are taken apart and checked. Pure: no I/O.
--
-- A link works once because Timekit refuses an action that is no longer possible. A link does not expire by itself, and
-- does not say who uses it. Its signature covers the booking and the action, but not the redirect.
-- @module timekit.link

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local jwt = require "timekit.signing.jwt"
local request = require "timekit.http.request"
local messages = require "timekit.text.messages"
local urls = require "timekit.http.url"

local link = {}

-- Bytes; longer than any link that `make` makes.
local LONGEST = 32 * 1024

-- nil where a percent sign is not followed by two digits.
local function unescape(text)
  return urls.is_encoded(text) and urls.decode(text) or nil
end

--- Makes a link.
-- @local
-- @tparam table what `base_url`, `booking_id`, `action` and `redirect` (nil for none), all checked
-- @tparam function sign as for `jwt.make` of `timekit.signing.jwt`
-- @treturn string|nil the link
-- @treturn ?string what cannot be signed: an id or an action that JSON cannot say
-- @usage
-- link.make({ base_url = "https://api.timekit.io/v2", booking_id = "b1", action = "cancel" }, sign)
--   --> "https://api.timekit.io/v2/bookings/b1/external_action/cancel?signature=…"
function link.make(what, sign)
  local id, problem = core.encode(what.booking_id, "the id")
  if not id then return nil, problem end
  local action
  action, problem = core.encode(what.action, "the action's name")
  if not action then return nil, problem end
  local url = ("%s/bookings/%s/external_action/%s?signature=%s"):format(
    what.base_url, request.segment(what.booking_id), request.segment(what.action),
    jwt.make(('{"booking_id":%s,"action":%s}'):format(id, action), sign))
  if what.redirect then url = url .. "&redirect=" .. core.escape(what.redirect) end
  return url
end

-- The parameters of a query. Two of the same name are refused: servers differ in which of them they take.
local function parameters(query)
  local found = {}
  for pair in query:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    -- A plus sign is a blank, as forms write it.
    name, value = unescape((name:gsub("+", " "))), unescape((value:gsub("+", " ")))
    if not name or not value then return nil, "a percent sign in its query is not followed by two digits" end
    if found[name] then return nil, ("its query has the parameter %s twice"):format(messages.quote(name)) end
    found[name] = value
  end
  return found
end

-- The booking and the action of a link's path.
local function target(path)
  local prefix, id, action = path:match("^(.-)/bookings/([^/]+)/external_action/([^/]+)$")
  if not prefix then return nil, "its path is not /bookings/{id}/external_action/{action}" end
  id, action = unescape(id), unescape(action)
  if not id or not action then return nil, "a percent sign in its path is not followed by two digits" end
  if not request.segment(id) then return nil, "it has no booking's id" end
  if not request.segment(action) then return nil, "it has no action's name" end
  return { base_url = prefix, booking_id = id, action = action }
end

-- The parts of a link, and its token as a text; nil and a problem for anything that is not a link.
local function split(url)
  if type(url) ~= "string" then return nil, "expected a link, got " .. messages.describe(url) end
  if #url > LONGEST then return nil, ("it is longer than %d bytes"):format(LONGEST) end
  if ascii.has_control(url) then return nil, "it has control characters" end
  local origin, rest = url:match("^([A-Za-z]+://[^/?#]*)(.*)$")
  if origin then
    local _, problem = urls.web(origin)
    if problem then return nil, problem end
  elseif url:find("^/[^/]") then
    origin, rest = "", url
  else
    return nil, "expected an http or https URL"
  end
  local path, query = rest:match("^([^?#]*)%??([^#]*)")
  local found, problem = target(path)
  if not found then return nil, problem end
  found.base_url = origin .. found.base_url
  local given
  given, problem = parameters(query)
  if not given then return nil, problem end
  if not given.signature then return nil, "it has no signature" end
  if given.redirect then
    found.redirect, problem = urls.web(given.redirect)
    if problem then return nil, "its redirect: " .. problem end
  end
  return found, given.signature
end

-- The parts of a link and its token, or nil and why it is not a link.
local function read(url)
  local found, text = split(url)
  if not found then return nil, text end
  local token, problem = jwt.parse(text)
  if not token then return nil, "its token: " .. problem end
  found.header, found.claims = token.header, token.claims
  return found, token
end

--- Takes an action link apart. Its signature is **not** checked, and anybody can write a link: see `link.verify`.
-- Never raises.
-- @tparam string url the whole URL, or its path and query as a server gets them
-- @treturn ActionLink|nil `base_url`, `booking_id`, `action`, `redirect` (nil if there is none), and `header` and
--   `claims` of its token; nil for anything that is not an action link
-- @treturn ?string why it is not one, a text for people
-- @usage
-- local found = timekit.link.parse(url)
-- print(found.booking_id, found.action, found.redirect)
function link.parse(url)
  local found, problem = read(url)
  if found then return found end
  return nil, problem
end

--- Checks that an action link is signed with this key, for the booking and the action that it names. Signatures are
-- compared in constant time.
-- The signature does not cover the link's host and its redirect: trust them only if you trust whoever sent the link.
-- Timekit alone knows whether the action is still possible.
-- Never raises on a link. Raises if the key is not a string or is empty.
-- @tparam string url as for `link.parse`
-- @tparam string key the app key
-- @treturn boolean
-- @treturn ActionLink|string the parts as of `link.parse`; with false why not, a text for people
-- @usage
-- local good, found = timekit.link.verify(url, app_key)
-- if good then print(found.booking_id, found.action) else print(found) end
function link.verify(url, key)
  if type(key) ~= "string" or key == "" then
    local got = key == "" and "nothing" or messages.describe(key)
    error("timekit.link.verify: key: expected the app key, got " .. got, 2)
  end
  local found, token = read(url)
  if not found then return false, token end
  local good, problem = jwt.check(token, function(text) return core.hmac_sha256(key, text) end)
  if not good then return false, "its token: " .. problem end
  local claims = token.claims
  if claims.booking_id ~= found.booking_id then return false, "its token is for another booking" end
  if claims.action ~= found.action then return false, "its token is for another action" end
  return true, found
end

return link
